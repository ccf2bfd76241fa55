/**
 * The catalogue of everything that can go wrong and that a caller can act on.
 *
 * An entry says the HTTP status it maps to, the WebSocket close code if it ends a connection, how its
 * detail reads as text, and a hint that names what to change. `docs/errors.md` is made from this table.
 * Codes and details are API; texts may change, except where a page of the specification fixes them.
 */

/** What an entry of the catalogue must say. */
interface Entry {
  readonly http: number;
  readonly close?: number;
  // The catalogue's entries take different details; `never` lets each narrow its own.
  readonly text: (detail: never) => string;
  readonly hint: string;
}

interface Text {
  readonly text: string;
}

/** `text` is the specification's; the rest says where in the statement, which piece of it, and what to write instead. */
interface SqlRefusal extends Text {
  readonly category: string;
  readonly at?: number | undefined;
  readonly line?: number;
  readonly column?: number;
  readonly what?: string | undefined;
  readonly advice?: string | undefined;
}

const catalogue = {
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
  FrameTooLarge: {
    http: 413,
    close: 1009,
    text: (d: { bytes: number; bytesMax: number }) => `a frame of ${d.bytes} bytes is over ${d.bytesMax}`,
    hint: "Send less in one message, or raise `frameBytesMax` on the server.",
  },
  // --- schema and modules
  SchemaInvalid: {
    http: 400,
    text: (d: { problems: readonly string[] }) => `the module's schema is not valid:\n  ${d.problems.join("\n  ")}`,
    hint: "Correct the tables or functions named and publish again; the running module is untouched.",
  },
  ModuleInvalid: {
    http: 400,
    text: (d: { reason: string }) => `the program is not a module that can run here: ${d.reason}`,
    hint: "Build it with a supported SDK and publish again; the running module is untouched.",
  },
  MigrationRefused: {
    http: 400,
    text: (d: { reason: string }) => `Database update rejected: ${d.reason}`,
    hint: "Change the schema in a way that keeps the data, or publish with --delete-data.",
  },
  // --- rows
  NoSuchTable: {
    http: 400,
    text: (d: { table: string }) => `no such table: \`${d.table}\`. If the table exists, it may be marked private.`,
    hint: "`lightcone describe` lists the tables; a private one answers as a missing one.",
  },
  UniqueViolation: {
    http: 400,
    text: (d: { constraint: string; table: string; columns: readonly string[]; value: string }) =>
      `Unique constraint violation '${d.constraint}' in table '${d.table}': column(s): '${JSON.stringify(d.columns)}' value: ${d.value}`,
    hint: "Look the key up first, or update the row that has it.",
  },
  // --- calls
  NoSuchReducer: {
    http: 404,
    text: (d: { reducer: string }) => `no such reducer: ${d.reducer}`,
    hint: "`lightcone describe` lists the reducers of a database.",
  },
  BadArguments: {
    http: 400,
    text: (d: { reducer: string; reason: string }) => `invalid arguments for reducer ${d.reducer}: ${d.reason}`,
    hint: "Pass one value per parameter, in order, of the parameter's type.",
  },
  ReducerFailed: {
    http: 530,
    text: (d: { message: string }) => d.message,
    hint: "The module refused the call; the text is its own.",
  },
  ReducerCrashed: {
    http: 530,
    text: (_: Readonly<Record<string, never>>) => "The instance encountered a fatal error.",
    hint: "`lightcone logs` has the error with its file and line.",
  },
  ReducerTimedOut: {
    http: 402,
    text: (d: { timeoutMs: number }) => `the call ran longer than ${d.timeoutMs} ms and was ended`,
    hint: "Do less in one call, or raise `reducerTimeoutMs`.",
  },
  CallUnknown: {
    http: 503,
    text: (_: Readonly<Record<string, never>>) =>
      "the database stopped before the call's outcome was durable; it may or may not have happened",
    hint: "Look at the data before calling again.",
  },
  Refused: {
    http: 403,
    text: (d: { message: string }) => d.message,
    hint: "The module's `clientConnected` reducer refused the connection; the text is its own.",
  },
  // --- said by clients
  ConnectionLost: {
    http: 503,
    text: (d: { reducer: string; reason: string }) =>
      `${d.reason} before \`${d.reducer}\` was answered: unknown outcome, it may or may not have happened`,
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
    text: (d: { database: string; difference: string }) =>
      `this page was built for another version of ${d.database}: ${d.difference}`,
    hint: "Reload the page. If that does not help, build it again with the module that is published, or publish the one that it was built with.",
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
  // --- SQL
  SqlSyntax: {
    http: 400,
    text: (d: { reason: string; at: number; line: number; column: number }) =>
      `sql parser error: ${d.reason} at Line: ${d.line}, Column ${d.column}`,
    hint: "`docs/sql.md` has the grammar.",
  },
  SqlRefused: {
    http: 400,
    text: (d: SqlRefusal) => {
      if (d.what === undefined && d.advice === undefined) return d.text;
      const place = d.line === undefined ? undefined : `line ${d.line}, column ${d.column}`;
      const piece = [d.what, place].filter((part) => part !== undefined).join(" at ");
      return `${d.text} (${[piece, d.advice].filter((part) => part !== undefined && part !== "").join(": ")})`;
    },
    hint: "`docs/sql.md` says what each dialect takes.",
  },
  // --- who may
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
  // --- limits and the state of a database
  LimitExceeded: {
    http: 429,
    close: 1013,
    text: (d: { limit: string; value: number; max: number }) => `${d.limit}: ${d.value} is over ${d.max}`,
    hint: "`docs/limits.md` says what each limit is for and how to raise it.",
  },
  OutOfMemory: {
    http: 507,
    text: (d: { bytesMax: number }) => `the database holds all of the ${d.bytesMax} bytes it may use`,
    hint: "Delete rows, or raise `databaseBytesMax`.",
  },
  DiskFull: {
    http: 507,
    text: (d: { path: string }) => `no room to write ahead in ${d.path}; writes are refused, reads go on`,
    hint: "Free space on the disk; writes resume by themselves.",
  },
  DatabaseStopped: {
    http: 503,
    close: 1011,
    text: (d: { reason: string }) => `the database is stopped: ${d.reason}`,
    hint: "The server log has the cause; the database opens again through recovery.",
  },
  Quarantined: {
    http: 503,
    text: (d: { crashCount: number }) =>
      `the module ended its process ${d.crashCount} times and will not be started again`,
    hint: "Publish a corrected module, or publish again to try once more.",
  },
  // --- files
  Corrupt: {
    http: 500,
    text: (d: { file: string; at: number; reason: string; goodOffset?: number }) =>
      `${d.file} is damaged at byte ${d.at}: ${d.reason}${d.goodOffset === undefined ? "" : ` (good up to offset ${d.goodOffset})`}`,
    hint: "Nothing was changed. Restore the file, or choose to cut with `lightcone repair --cut-at`.",
  },
  NewerFormat: {
    http: 500,
    text: (d: { file: string; version: number; versionMax: number }) =>
      `${d.file} has format ${d.version}; this release reads up to ${d.versionMax}`,
    hint: "Open the data with the release that wrote it, or a newer one.",
  },
  DataDirectoryLocked: {
    http: 503,
    text: (d: { path: string; pid: number; host?: string }) =>
      `${d.path} is in use by process ${d.pid}${d.host === undefined ? "" : ` on ${d.host}`}`,
    hint: "Stop that server first, or choose another directory with --data-dir. If it ran on a machine that is gone, remove its `lock.*` file.",
  },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof catalogue;
export type ErrorDetail<C extends ErrorCode> = Parameters<(typeof catalogue)[C]["text"]>[0];

/** What the catalogue says of a code, apart from its text. */
export interface ErrorFacts {
  readonly http: number;
  readonly close: number | undefined;
  readonly hint: string;
}

/** A failure that the caller can act on. `code` and `detail` are API; the text is not. */
export class LightconeError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "LightconeError";
  readonly code: C;
  readonly detail: ErrorDetail<C>;
  readonly hint: string;

  constructor(code: C, detail: ErrorDetail<C>, options?: ErrorOptions) {
    const entry: Entry = catalogue[code];
    super(entry.text(detail as never), options);
    this.code = code;
    this.detail = detail;
    this.hint = entry.hint;
  }
}

/** Gives a code's HTTP status, close code and hint. */
export function errorFacts(code: ErrorCode): ErrorFacts {
  const entry: Entry = catalogue[code];
  return { http: entry.http, close: entry.close, hint: entry.hint };
}

/** Every code, in the catalogue's order. */
export const errorCodes: readonly ErrorCode[] = Object.keys(catalogue) as ErrorCode[];

/** Whether `error` is a `LightconeError`, of that code if one is given. */
export function isLightconeError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: C,
): error is LightconeError<C> {
  return error instanceof LightconeError && (code === undefined || error.code === code);
}
