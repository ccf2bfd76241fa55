/**
 * The exchanges of the recordings that are not compared, each with its reason. Two lists: what comes later, and where
 * we differ on purpose. `docs/compatibility.md` holds both; a test compares it with this file.
 */

/** An exchange by the name that its recording gives it. */
interface Named {
  readonly name: string;
  /** Where the name is not the same exchange in every recording: those that are meant. */
  readonly only?: readonly string[];
}

/** Belongs to features that are not there yet. */
export interface Skipped extends Named {
  readonly because: Feature;
  /** The client acts all the same, since later exchanges build on it; what it hears is not looked at. */
  readonly acts?: boolean;
}

/** Looked at, and different for a reason. */
export interface Difference extends Named {
  readonly why: string;
  /**
   * `text`: an error, with words of our own. `reason`: a Close with a reason of our own. `close`: a Close where the
   * reference drops the socket. `status`: HTTP answers `httpStatus`. `outcome`: other messages, which are not looked at.
   */
  readonly what: "text" | "reason" | "close" | "status" | "outcome";
  readonly httpStatus?: number;
  /** A request by the owner that takes it back. */
  readonly undo?: string;
  /** Calls by the owner that bring the rows to where the recording has them. */
  readonly then?: readonly { readonly reducer: string; readonly args: string }[];
}

export const features = {
  migrations: "needs a changed program (harbor2b to harbor2e), and migrations come later",
} as const;
export type Feature = keyof typeof features;

export const skipped: readonly Skipped[] = [
  { name: "init returns Err", because: "migrations" },
  { name: "someone else publishes to the name", because: "migrations" },
  { name: "plan, not the owner", because: "migrations" },
  { name: "plan: a table is added", because: "migrations" },
  { name: "plan with colours", because: "migrations" },
  { name: "update (2)", because: "migrations" },
  { name: "plan: a column with a default is added, a table removed", because: "migrations" },
  { name: "update that breaks clients, policy Compatible", because: "migrations" },
  { name: "policy BreakClients without token", because: "migrations" },
  { name: "wrong token", because: "migrations" },
  { name: "right token", because: "migrations" },
  { name: "default of the new column", because: "migrations" },
  { name: "plan: a column changes its type", because: "migrations" },
  { name: "refused migration", because: "migrations" },
  { name: "plan: back to the first program, which lacks the new column", because: "migrations" },
  { name: "log lines written by the updates", because: "migrations" },
  { name: "compatible update (adds a table): connections stay", because: "migrations" },
  { name: "compatible update: connections stay", because: "migrations" },
  { name: "update that disconnects clients", because: "migrations" },
];

export const differences: readonly Difference[] = [
  {
    name: "id already in use",
    what: "text",
    why: "the text names the id and not how the server prints a client",
  },
  { name: "unknown id", what: "text", why: "as above" },
  { name: "proper form afterwards", what: "text", why: "as above" },
  {
    name: "trailing byte after the arguments",
    what: "outcome",
    why: "arguments of the wrong length are refused, in BSATN as in JSON",
    then: [{ reducer: "set_gauge", args: "[1,5]" }],
  },
  {
    name: "arguments for a reducer that takes none",
    what: "outcome",
    why: "as above",
  },
  {
    name: "one-shot schedule: its call and the removal of its row follow",
    what: "outcome",
    why: "a row that has fired leaves in its call's own transaction, so a crash cannot fire it twice",
  },
  { name: "one-shot schedule", what: "outcome", why: "as above" },
  {
    name: "join on a column without index",
    what: "outcome",
    why: "an index on either side of a join is enough",
  },
  {
    name: "unsupported clause",
    what: "text",
    httpStatus: 400,
    why: "a refusal in SQL goes on to name the clause, its place and what to write instead",
  },
  { name: "type error", what: "text", httpStatus: 400, why: "as above" },
  { name: "unknown column", what: "text", httpStatus: 400, why: "as above" },
  {
    name: "second query does not type-check: nothing is registered",
    what: "text",
    why: "a refused literal says where it stands and what the column takes",
  },
  {
    name: "reply above 1024 bytes (2)",
    only: ["v1.bsatn", "v2.bsatn", "v3.bsatn"],
    what: "outcome",
    why: "gzip is not used unasked: official TypeScript clients take compressed messages out of order",
  },
  { name: "message that does not decode", what: "reason", why: "the reason of a Close is in our own words" },
  { name: "flags left out", what: "reason", why: "as above" },
  { name: "unknown field", what: "reason", why: "as above" },
  { name: "flags out of range", what: "reason", why: "as above" },
  { name: "flags other than 0", what: "reason", why: "as above" },
  { name: "text frame", what: "reason", why: "as above" },
  { name: "empty payload", what: "reason", why: "as above" },
  {
    name: "a good message, then a truncated one",
    what: "outcome",
    why: "messages before one that cannot be read are answered before the Close",
  },
  {
    name: "a reducer call, then a truncated message: was the call run?",
    what: "outcome",
    why: "as above",
  },
  { name: "database deleted", what: "reason", why: "the reason goes on to say why the module exited" },
  {
    name: "client_connected returns Err",
    what: "close",
    why: "a client that the module refuses is told so by a Close",
  },
  {
    name: "refused by client_connected",
    what: "status",
    httpStatus: 200,
    why: "the owner gets in although the module refuses everybody",
  },
  { name: "SQL while connecting is refused", what: "status", httpStatus: 200, why: "as above" },
  {
    name: "not a program",
    what: "status",
    httpStatus: 400,
    why: "a program that is refused is the publisher's mistake: 400, not 500",
  },
  {
    name: "underscore in the name (the reference refuses it)",
    what: "status",
    httpStatus: 200,
    why: "names may contain `_`",
    undo: "DELETE /v1/database/har_bor",
  },
  { name: "delete while locked", what: "text", httpStatus: 403, why: "the text names our own command" },
  {
    name: "same name again",
    what: "status",
    httpStatus: 200,
    why: "a database's identity is never used twice: the name gets a new database",
  },
  {
    name: "system table",
    what: "status",
    httpStatus: 200,
    why: "views have rows in `st_view` and none in `st_table`: their rows are in no table",
  },
  {
    name: "logs, last 6 lines",
    what: "status",
    httpStatus: 200,
    why: "of a first publish the log has what the module itself says",
  },
  {
    name: "insert, duplicate key",
    what: "status",
    httpStatus: 400,
    why: "the text names the constraint, not the index that found the row",
  },
  {
    name: "plan: 2.x build of the same source over the 1.x database",
    what: "status",
    httpStatus: 200,
    why: "a reason is given once, not once for each place that it was found in",
  },
];

/** The entry for an exchange, if there is one. */
export function entryFor<N extends Named>(list: readonly N[], recording: string, name: string): N | undefined {
  return list.find((entry) => entry.name === name && (entry.only === undefined || entry.only.includes(recording)));
}
