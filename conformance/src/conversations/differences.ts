/**
 * The exchanges of the recordings that end otherwise here, on purpose, each with its reason. `docs/compatibility.md` holds
 * the list; a test compares it with this file.
 */

/** An exchange by the name that its recording gives it. */
interface Named {
  readonly name: string;
  /** Where the name is not the same exchange in every recording: those that are meant. */
  readonly only?: readonly string[];
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
    name: "init returns Err",
    what: "text",
    httpStatus: 500,
    why: "what the module logged before its init reducer failed follows the reason",
  },
  {
    name: "update that breaks clients, policy Compatible",
    what: "text",
    httpStatus: 400,
    why: "the text goes on to list what breaks",
  },
  {
    name: "plan: a column changes its type",
    what: "text",
    httpStatus: 200,
    why: "a wider type is carried out; a column that is gone is refused with the same words",
  },
  { name: "refused migration", what: "text", httpStatus: 400, why: "as above" },
  {
    name: "update that disconnects clients",
    what: "outcome",
    why: "clients hear of the Close alone: no rows are deleted, and none are told to be",
  },
  {
    name: "log lines written by the updates",
    what: "text",
    httpStatus: 200,
    why: "a publish leaves two lines, whatever it changed",
  },
  {
    name: "plan: 2.x build of the same source over the 1.x database",
    what: "status",
    httpStatus: 200,
    why: "names that differ in their spelling alone are the same: the rows of the 1.x module are kept",
  },
];

/** The entry for an exchange, if there is one. */
export function entryFor<N extends Named>(list: readonly N[], recording: string, name: string): N | undefined {
  return list.find((entry) => entry.name === name && (entry.only === undefined || entry.only.includes(recording)));
}
