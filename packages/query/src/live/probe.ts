/**
 * Whether there are rows of a join's other sources for a row of its first: looks no further than to the first such tuple.
 *
 *   row of source 0 ─condition─▶ lookup ─condition─▶ … ─condition─▶ yes
 *
 * It is asked for one query at a time, so a lookup's key may contain the query's values: of ten thousand members of a room
 * it looks at the one that is the caller.
 */
import type { RowRef } from "@lightcone/base";
import type { ColumnPlace } from "../code/column-place.ts";
import type { TupleFilter } from "../code/predicate-code.ts";
import { checkVisits, type PathCounters } from "./delta-path.ts";
import type { ParameterRow } from "./operator.ts";
import type { SeenIn } from "./qualifier.ts";
import type { Keyed, RowResolver } from "./relation.ts";

/** A part of a lookup's key: a column of a row that is bound, or a parameter of the query. */
export type ProbeKeyPart =
  | { readonly kind: "column"; readonly source: number; readonly place: ColumnPlace }
  | { readonly kind: "param"; readonly param: number };

export interface ProbeStep {
  readonly source: number;
  readonly key: readonly ProbeKeyPart[];
  readonly rows: Keyed;
  /** The conditions whose sources are all bound then, parameters or not. */
  readonly condition: TupleFilter | undefined;
  readonly seen: SeenIn | undefined;
}

export class Probe {
  private readonly resolver: RowResolver;
  private readonly condition: TupleFilter | undefined;
  private readonly steps: readonly ProbeStep[];
  private readonly counters: PathCounters;
  private readonly views: DataView[];
  private readonly ats: number[];
  /** By step: its key's bytes. */
  private readonly keys: { bytes: Uint8Array; view: DataView }[];

  /** @param condition on the row of source 0 alone */
  constructor(
    resolver: RowResolver,
    condition: TupleFilter | undefined,
    steps: readonly ProbeStep[],
    counters: PathCounters,
  ) {
    this.resolver = resolver;
    this.condition = condition;
    this.steps = steps;
    this.counters = counters;
    this.views = Array.from({ length: steps.length + 1 }, () => new DataView(new ArrayBuffer(0)));
    this.ats = this.views.map(() => 0);
    this.keys = steps.map(() => keyOf(64));
  }

  /** Whether the row at `at` is in a tuple, for a query. */
  finds(view: DataView, at: number, query: ParameterRow): boolean {
    this.views[0] = view;
    this.ats[0] = at;
    return this.holds(this.condition, query) && this.goOn(0, query);
  }

  /** Whether there is a tuple for a query, where no row is given. */
  any(query: ParameterRow): boolean {
    return this.goOn(0, query);
  }

  private goOn(depth: number, query: ParameterRow): boolean {
    const step = this.steps[depth];
    if (step === undefined) return true;
    const { source, rows, condition, seen } = step;
    const length = this.readKey(depth, step, query);
    rows.seek((this.keys[depth] as { view: DataView }).view, 0, length); // a key for each step
    for (let row: RowRef | -1 = rows.next(); row !== -1; row = rows.next()) {
      this.counters.matchCount += 1;
      checkVisits(this.counters);
      this.resolver.resolve(row);
      const { view, at } = this.resolver.row;
      this.views[source] = view;
      this.ats[source] = at;
      if (!this.holds(condition, query)) continue;
      if (seen !== undefined && !seen.qualifier.isSeen(seen.state, row, view, at, query)) continue;
      if (this.goOn(depth + 1, query)) return true;
    }
    return false;
  }

  private holds(condition: TupleFilter | undefined, { numbers, views }: ParameterRow): boolean {
    return condition === undefined || condition(this.views, this.ats, numbers, views);
  }

  /** Writes a step's key. @returns its length */
  private readKey(depth: number, { key }: ProbeStep, query: ParameterRow): number {
    let length = 0;
    for (const part of key) {
      if (part.kind === "param") {
        length = this.write(depth, length, query.values[part.param] as Uint8Array); // a value for each parameter
        continue;
      }
      const view = this.views[part.source] as DataView; // the source is bound
      const at = this.ats[part.source] ?? 0;
      const start = part.place.start(view, at);
      const bytes = new Uint8Array(view.buffer, view.byteOffset + start, part.place.end(view, at) - start);
      length = this.write(depth, length, bytes);
    }
    return length;
  }

  private write(depth: number, at: number, bytes: Uint8Array): number {
    let key = this.keys[depth] as { bytes: Uint8Array; view: DataView }; // a key for each step
    if (at + bytes.length > key.bytes.length) {
      const grown = keyOf((at + bytes.length) * 2);
      grown.bytes.set(key.bytes);
      this.keys[depth] = key = grown;
    }
    key.bytes.set(bytes, at);
    return at + bytes.length;
  }
}

function keyOf(length: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(length);
  return { bytes, view: new DataView(bytes.buffer) };
}
