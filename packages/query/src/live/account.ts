/**
 * What live queries may take of a commit's time and of memory, and what is said when they take more.
 *
 *   liveVisitsMax      rows, and pairs of a row and a query, that a template looks at for a commit
 *   liveDeltaRowsMax   tuples that a template's result changes by, beyond the rows that the commit changes
 *   liveQueryBytesMax  bytes of one arrangement, or of the queries of one template
 *   liveStateBytesMax  bytes of all of these, and of what is kept beside: rows of views
 *
 * The first two end an evaluation: what changed is not known then. The other two refuse a query, or are met when a commit
 * lets an arrangement grow: that commit is told whole, and the templates that look rows up there end behind it.
 */
import { LightconeError } from "@lightcone/base";
import type { SelectPlan } from "@lightcone/sql";
import type { WantedArrangement } from "./arrangements.ts";

export interface LiveBounds {
  readonly liveVisitsMax: number;
  readonly liveDeltaRowsMax: number;
  readonly liveQueryBytesMax: number;
  readonly liveStateBytesMax: number;
}

export type BoundName = keyof LiveBounds;

export const unbounded: LiveBounds = {
  liveVisitsMax: Infinity,
  liveDeltaRowsMax: Infinity,
  liveQueryBytesMax: Infinity,
  liveStateBytesMax: Infinity,
};

/** What a query takes, with who holds it. */
export const queryBytes = 400;
/** What a row takes in an arrangement that is still to be made. */
export const arrangedRowBytes = 16;

/** An evaluation is ended: a commit would take too much for it. */
export class OverBound extends Error {
  readonly bound: BoundName;

  constructor(bound: BoundName) {
    super(bound);
    this.bound = bound;
  }
}

/** The sources of a statement and how it joins them: what costs it something. */
export function clauseOf({ sources, joins }: SelectPlan): string {
  const nameOf = (at: number, column: number): string => {
    const source = sources[at];
    return `${source?.alias}.${source?.table.def.columns[column]?.name}`;
  };
  const tables = sources.map(({ table, alias }) => (alias === table.def.name ? alias : `${table.def.name} ${alias}`));
  const edges = joins.map(
    ({ left, right }) => `${nameOf(left.source, left.column)} = ${nameOf(right.source, right.column)}`,
  );
  return edges.length === 0 ? tables.join(" JOIN ") : `${tables.join(" JOIN ")} ON ${edges.join(" AND ")}`;
}

/** The index that would take the place of an arrangement. What only a rule reads is not named: callers may not know of it. */
export function adviceFor({ relation, columns }: WantedArrangement, { sources }: SelectPlan): string {
  const source = sources.find(({ table }) => table.id === relation.id);
  if (source === undefined) return "an index on the columns that its row-level rules join by would do instead";
  const { name, columns: all } = source.table.def;
  return `an index on ${name} (${columns.map((column) => all[column]?.name).join(", ")}) would do instead`;
}

export function exceeded(bound: BoundName, value: number, max: number, by: string): LightconeError {
  return new LightconeError("LimitExceeded", { limit: bound, value, max, by });
}
