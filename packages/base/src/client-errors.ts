/**
 * The failures that a client may meet, and what failures speak by.
 *
 * The others of the catalogue stand in `errors.ts`, so that no page carries a server's words. They are known wherever
 * that file is loaded, which is everywhere but in a page.
 */
/** What an entry of the catalogue must say. */
export interface Entry {
  readonly http: number;
  readonly close?: number;
  // The catalogue's entries take different details; `never` lets each narrow its own.
  readonly text: (detail: never) => string;
  /** What others than the operator are told, where `text` names files or processes of the machine. */
  readonly told?: (detail: never) => string;
  readonly hint: string;
  /** The hint in its place, where the detail says more. */
  readonly hintOf?: (detail: never) => string | undefined;
}

export const clientErrors = {
  // --- bytes and text from outside
  Malformed: {
    http: 400,
    close: 1011,
    text: (d: { what: string; reason: string; at?: number }) =>
      `${d.what} does not decode${d.at === undefined ? "" : ` at byte ${d.at}`}: ${d.reason}`,
    hint: "The sender and this server disagree about the format; check both versions.",
  },
  TooDeep: {
    http: 400,
    close: 1011,
    text: (d: { what: string; depthMax: number }) => `${d.what} nests deeper than ${d.depthMax} levels`,
    hint: "Flatten the value; the depth is bounded so that hostile input cannot exhaust the stack.",
  },
  // --- calls
  BadArguments: {
    http: 400,
    text: (d: { reducer: string; reason: string }) => `invalid arguments for reducer ${d.reducer}: ${d.reason}`,
    hint: "Pass one value per parameter, of the parameter's type: with `lightcone/client` an object by their names, over HTTP a list in their order.",
  },
  ProcedureFailed: {
    http: 500,
    text: (d: { message: string }) => d.message,
    hint: "The text is the database's or the module's own; what the procedure had committed stays.",
  },
  ReducerFailed: {
    http: 530,
    // `database`: whose own words these are, if they are not the module's.
    text: (d: { message: string; database?: string }) => d.message,
    hint: "The module refused the call; the text is its own.",
    hintOf: (d: { database?: string }) =>
      d.database && `The database ended the call, or did not begin it: \`lightcone logs ${d.database}\` may say more.`,
  },
  ResultLost: {
    http: 503,
    text: (d: { reducer: string }) =>
      `\`${d.reducer}\` was done and stays; what it gave was lost with the process that ran it`,
    hint: "Its rows are there: look at them, and do not call it again for the same.",
  },
  Refused: {
    http: 403,
    close: 4403,
    text: (d: { message: string }) => d.message,
    hint: "The module's `clientConnected` reducer refused the connection; the text is its own.",
  },
  // --- said by clients
  ConnectionLost: {
    http: 503,
    text: (d: { reducer: string; reason: string }) =>
      `\`${d.reducer}\` was not answered, and may or may not have happened: ${d.reason}`,
    hint: "Look at the rows, once a client is connected again, before calling again.",
  },
  ConnectionClosed: {
    http: 503,
    text: (d: { reason: string }) => `the client is closed: ${d.reason}`,
    hint: "Open another with `connect`.",
  },
  Unsubscribed: {
    http: 400,
    text: (_: Readonly<Record<string, never>>) => "the subscription was ended by `unsubscribe()` before its rows came",
    hint: "Nothing is wrong. Where a subscription may end early, catch this code of its `applied`.",
  },
  VersionDiffers: {
    http: 409,
    // `wasKnown`: the page was built with it, or it was there when the page connected first.
    text: (d: { database: string; difference: string; wasKnown: boolean }) =>
      d.wasKnown
        ? `this page was built for another version of ${d.database}: ${d.difference}`
        : `in ${d.database} ${d.difference}`,
    hint: "Check the name, which is spelled as in the module's code (`lightcone describe` lists them). If the page is older than the module, reload it, or build it again with the module that is published.",
  },
  NoWebSocket: {
    http: 400,
    text: (_: Readonly<Record<string, never>>) => "this runtime has no WebSocket of its own",
    hint: 'Node 22 and newer have one (`npx node@24 FILE`). For an older one: `npm install ws`, `import { WebSocket } from "ws"`, and pass it: `connect({ …, WebSocket })`.',
  },
  SubscriptionRefused: {
    http: 400,
    text: (d: { message: string }) => d.message,
    hint: "Correct the query that the text names; a private table answers as a missing one.",
  },
  // --- who may, and how much
  Unauthorized: {
    http: 401,
    text: (d: { reason: string }) => d.reason,
    hint: "Send a token that this server signed, or an issuer that it was started with (`--issuers`), or none for a new identity.",
  },
  Forbidden: {
    http: 403,
    text: (d: { reason: string }) => d.reason,
    hint: "Use the token of the database's owner (`lightcone login`).",
  },
  NoSuchDatabase: {
    http: 404,
    text: (d: { name: string }) => `there is no database \`${d.name}\``,
    hint: "Check the server's address and the name (`lightcone list` shows yours), or create it with `lightcone publish`.",
  },
  BadRequest: {
    http: 400,
    text: (d: { reason: string }) => d.reason,
    hint: "Correct the request named in the text.",
  },
  LimitExceeded: {
    http: 429,
    close: 1013,
    text: (d: { limit: string; value: number; max: number; by?: string }) =>
      `${d.limit}: ${d.value} is over ${d.max}${d.by === undefined ? "" : `, by ${d.by}`}`,
    hint: "`docs/limits.md` says what each limit is for and how to raise it.",
  },
} as const satisfies Record<string, Entry>;

let catalogue: Readonly<Record<string, Entry>> = clientErrors;

/** Has failures speak by the whole catalogue. */
export function speakBy(whole: Readonly<Record<string, Entry>>): void {
  catalogue = whole;
}

/** What is known of a code; undefined in a page for those that no client meets. */
export function catalogued(code: string): Entry | undefined {
  return catalogue[code];
}
