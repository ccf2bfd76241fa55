/**
 * The catalogue of everything that can go wrong and that a caller can act on.
 *
 * An entry says the HTTP status it maps to, the WebSocket close code if it ends a connection, how its
 * detail reads as text, and a hint that names what to change. `docs/errors.md` is made from this table.
 * Codes and details are API; texts may change, except where a page of the specification fixes them.
 * What a client may meet stands in `client-errors.ts`.
 */
import { clientErrors, speakBy, type Entry } from "./client-errors.ts";

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

// Without `at` the file as a whole is meant: it is missing, or does not belong here.
interface CorruptDetail {
  readonly file: string;
  readonly at?: number;
  readonly reason: string;
  readonly goodOffset?: number;
}

function corruptText({ file, at, reason, goodOffset }: CorruptDetail): string {
  const damage = at === undefined ? file : `${file} is damaged at byte ${at}`;
  return `${damage}: ${reason}${goodOffset === undefined ? "" : ` (good up to offset ${goodOffset})`}`;
}

/** A file by its name and its directory's, which say nothing of where on the machine it is. */
function shortPath(path: string): string {
  return path.split(/[/\\]/).slice(-2).join("/");
}

const catalogue = {
  ...clientErrors,
  // --- bytes from outside
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
    hint: "Correct the tables or functions named and publish again; nothing was changed.",
  },
  ModuleInvalid: {
    http: 400,
    text: (d: { reason: string }) => `the program is not a module that can run here: ${d.reason}`,
    hint: "Correct what the text names, or build it with a supported SDK, and publish again; nothing was changed.",
  },
  MigrationRefused: {
    http: 400,
    text: (d: { reason: string }) => `Database update rejected: ${d.reason}`,
    hint: 'docs/migrations.md says which changes keep rows and how the others can. What was renamed keeps its rows if the module says what it was called, as by `.was("topic")`; a new column takes a default, or is optional; `app.migrate` makes any rows of those that there are; `--drop-data` gives up what is lost with tables and columns that are gone, `--delete-data` everything.',
  },
  ClientsWouldBreak: {
    http: 400,
    text: (d: { changes: readonly string[] }) =>
      `Failed to create or update the database: Migration plan contains a client-breaking change which is disallowed under current policy:\n  ${d.changes.join("\n  ")}`,
    hint: "Publish with `lightcone publish`, which asks, or says yes by --break-clients; or keep what clients know and add beside it.",
  },
  // --- rows
  NoSuchTable: {
    http: 400,
    text: (d: { table: string }) => `no such table: \`${d.table}\`. If the table exists, it may be marked private.`,
    hint: "`lightcone describe` lists the tables; a private one answers as a missing one.",
  },
  SystemTable: {
    http: 400,
    text: (d: { table: string }) =>
      `\`${d.table}\` is a system table: what it says of the database is not changed by writing its rows`,
    hint: "Publish a module that defines other tables, or set a variable with `SET`.",
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
  ReducerCrashed: {
    http: 530,
    text: (_: Readonly<Record<string, never>>) => "The instance encountered a fatal error.",
    hint: "`lightcone logs` has the error with its file and line.",
  },
  ReducerTimedOut: {
    http: 402,
    text: (d: { what: string; timeoutMs: number; isStopping?: boolean }) =>
      d.isStopping === true
        ? `${d.what} was ended, since its database is to stop (stopCallTimeoutMs)`
        : `${d.what} took longer than ${d.timeoutMs / 1000} s (reducerTimeoutMs) and was ended`,
    hint: "Do less at a time, or raise the limit: `lightcone start --limit reducerTimeoutMs=60s`.",
  },
  ProcedureTimedOut: {
    http: 504,
    text: (d: { what: string; timeoutMs: number }) =>
      `${d.what} would not end within ${d.timeoutMs / 1000} s of its call (procedureTimeoutMs) and was ended; what it had committed stays`,
    hint: "Let what is later be a row of a scheduled table, or raise the limit: `lightcone start --limit procedureTimeoutMs=7200s`.",
  },
  ProcedureEnded: {
    http: 503,
    text: (d: { what: string; why: string }) =>
      `${d.what} was ended while it waited: ${d.why}; what it had committed stays`,
    hint: "Look at the data before calling again.",
  },
  ViewFailed: {
    http: 530,
    text: (d: { view: string; reason: string }) => `view \`${d.view}\` failed: ${d.reason}`,
    hint: "Correct the view and publish. Who was subscribed to it can subscribe again.",
  },
  ViewTimedOut: {
    http: 530,
    text: (d: { view: string; timeoutMs: number }) =>
      `view \`${d.view}\` took longer than ${d.timeoutMs / 1000} s (viewTimeoutMs) and was ended`,
    hint: "Let it read by an index, and fewer rows, or raise the limit: `lightcone start --limit viewTimeoutMs=5s`.",
  },
  ViewQuarantined: {
    http: 530,
    text: (d: { view: string; failureCount: number }) =>
      `view \`${d.view}\` failed ${d.failureCount} times in a row, and is not run again`,
    hint: "`lightcone logs` says what it did. Correct it and publish.",
  },
  CallUnknown: {
    http: 503,
    text: (_: Readonly<Record<string, never>>) =>
      "the database stopped before the call's outcome was durable; it may or may not have happened",
    hint: "Look at the data before calling again.",
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
  RuleRefused: {
    http: 400,
    text: (d: { sql: string; reason: string }) => `the row-level rule \`${d.sql}\` is refused: ${d.reason}`,
    hint: "A rule is a SELECT of whole rows of a public table, as a subscription has it: `docs/rules.md`.",
  },
  // --- limits and the state of a database
  OutOfMemory: {
    http: 507,
    text: (d: { bytesMax: number }) => `the database holds all of the ${d.bytesMax} bytes it may use`,
    hint: "Delete rows, or raise `databaseBytesMax`.",
  },
  DiskFull: {
    http: 507,
    close: 1013,
    text: (d: { path: string }) => `no room to write ahead in ${d.path}; writes are refused, reads go on`,
    told: () => "the server's disk has no room; writes are refused, reads go on",
    hint: "Free space on the disk; writes resume by themselves.",
  },
  DatabaseStopped: {
    http: 503,
    close: 1011,
    text: (d: { reason: string }) => `the database is stopped: ${d.reason}`,
    hint: "The server log has the cause; the database opens again through recovery.",
  },
  ProcessNotStarted: {
    http: 503,
    close: 1013,
    text: (d: { reason: string }) => `no process could be started for the database: ${d.reason}`,
    hint: "Try again in a while. EMFILE and EAGAIN are limits of the machine: the operator can raise `ulimit -n` and `ulimit -u`.",
  },
  Quarantined: {
    http: 503,
    text: (d: { crashCount: number }) =>
      `the module ended its process ${d.crashCount} times and will not be started again`,
    hint: "Publish a corrected module, or publish again to try once more.",
  },
  FunctionQuarantined: {
    http: 503,
    text: (d: { functionName: string; endCount: number; seconds: number }) =>
      `\`${d.functionName}\` ended its process ${d.endCount} times, and is refused for ${d.seconds} s more`,
    hint: "`lightcone logs` says what it did. Correct it and publish; the owner may call it meanwhile.",
  },
  ServerBusy: {
    http: 503,
    close: 1013,
    text: (d: { waitedMs: number }) =>
      `the database rests, and for ${d.waitedMs} ms there was no room to wake it: others are awake and busy`,
    hint: "Try again in a while. The operator can give databases more memory (`awakeMemoryBytesMax`).",
  },
  ConnectionIdInUse: {
    http: 409,
    close: 4409,
    text: (d: { connectionId: string }) => `this identity has a connection with id ${d.connectionId} already`,
    hint: "Leave the id to the server, or choose another for each connection. One that was lost is free after 30 s.",
  },
  // --- files
  Corrupt: {
    http: 500,
    text: corruptText,
    told: (d: CorruptDetail) => corruptText({ ...d, file: shortPath(d.file) }),
    hint: "Nothing was changed. Restore what is named from a backup, or choose what to keep with `lightcone repair`.",
  },
  FileUnusable: {
    http: 500,
    text: (d: { file: string; reason: string }) => `${d.file}: ${d.reason}`,
    told: (d: { file: string }) => `the server cannot use ${shortPath(d.file)}`,
    hint: "The server's log says why. An ordinary file that the server's user may read and write has to stand there, and a directory where one was; `lock` may be empty. Then ask again.",
  },
  SigningKeys: {
    http: 500,
    text: (d: { use: string; file: string; reason: string }) => `${d.use}: ${d.file}: ${d.reason}`,
    told: (d: { use: string }) => d.use,
    hint: "Restore both files of the pair from a backup. `lightcone repair --new-keys` makes a new pair; tokens that the old one signed are worth nothing then.",
  },
  NewerFormat: {
    http: 500,
    text: (d: { file: string; version: number; versionMax: number }) =>
      `${d.file} has format ${d.version}; this release reads up to ${d.versionMax}`,
    told: (d: { file: string; version: number; versionMax: number }) =>
      `${shortPath(d.file)} has format ${d.version}; this release reads up to ${d.versionMax}`,
    hint: "Open the data with the release that wrote it, or a newer one.",
  },
  DataDirectoryLocked: {
    http: 503,
    // What is known of the holder is its own word, and its number one of its machine or container.
    text: (d: { path: string; pid?: number; host?: string; since?: string }) =>
      `${d.path} is in use by ${d.pid === undefined ? "another process" : `process ${d.pid}`}${d.host === undefined ? "" : ` of ${d.host}`}${d.since === undefined ? "" : `, since ${d.since}`}`,
    told: () => "the data is in use by another process",
    hint: "Stop that process first, or choose another directory with --data-dir. It holds the directory for as long as it lives, and no longer.",
  },
} as const satisfies Record<string, Entry>;

/** What a `LightconeError` can be. docs/errors.md has each with what to do. */
export type ErrorCode = keyof typeof catalogue;
export type ErrorDetail<C extends ErrorCode> = Parameters<(typeof catalogue)[C]["text"]>[0];

/** What the catalogue says of a code, apart from its text. */
export interface ErrorFacts {
  readonly http: number;
  readonly close: number | undefined;
  readonly hint: string;
}

speakBy(catalogue);

/** Gives a code's HTTP status, close code and hint. */
export function errorFacts(code: ErrorCode): ErrorFacts {
  const entry: Entry = catalogue[code];
  return { http: entry.http, close: entry.close, hint: entry.hint };
}

/** Every code, in the catalogue's order. */
export const errorCodes: readonly ErrorCode[] = Object.keys(catalogue) as ErrorCode[];
