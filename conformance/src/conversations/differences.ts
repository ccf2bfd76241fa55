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
   * `text`: an error, with words of our own. `reason`: a Close with a reason of our own. `status`: HTTP answers
   * `httpStatus`. `outcome`: other messages, which are not looked at.
   */
  readonly what: "text" | "reason" | "status" | "outcome";
  readonly httpStatus?: number;
  /** Calls by the owner that bring the rows to where the recording has them. */
  readonly then?: readonly { readonly reducer: string; readonly args: string }[];
}

export const features = {
  views: "views are not computed yet",
  rules: "row-level rules are not applied yet: until then nobody but the owner sees a table under one",
  migrations: "needs a changed program (harbor2b to harbor2e), and migrations come later",
  lock: "a schema of version 10 for a module of version 9, and the reverse, come with the 2.x shape",
  variables: "server variables in SQL come later",
} as const;
export type Feature = keyof typeof features;

export const skipped: readonly Skipped[] = [
  { name: "per-caller view, table with a row-level rule, anonymous view", because: "views" },
  { name: "same rule, other caller", because: "rules" },
  { name: "A writes: A gets table row and view row", because: "rules", acts: true },
  { name: "B writes: A gets nothing", because: "rules", acts: true },
  { name: "one-off query over a view", because: "views" },
  { name: "one-off query under a row-level rule", because: "rules" },
  { name: "unsubscribe from views", because: "views" },
  { name: "scheduled table and view", because: "views" },
  { name: "view row for the caller", because: "views", acts: true },
  { name: "compatible update (adds a table): connections stay", because: "migrations" },
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
    why: "a join over a column without an index is allowed; the database keeps an index for the query",
  },
  {
    name: "reply above 1024 bytes (2)",
    only: ["v1.bsatn"],
    what: "outcome",
    why: "gzip is not used unasked: official TypeScript clients take compressed messages out of order",
  },
  { name: "message that does not decode", what: "reason", why: "the reason of a Close is in our own words" },
  { name: "flags left out", what: "reason", why: "as above" },
  { name: "unknown field", what: "reason", why: "as above" },
  { name: "flags out of range", what: "reason", why: "as above" },
];

/** The entry for an exchange, if there is one. */
export function entryFor<N extends Named>(list: readonly N[], recording: string, name: string): N | undefined {
  return list.find((entry) => entry.name === name && (entry.only === undefined || entry.only.includes(recording)));
}
