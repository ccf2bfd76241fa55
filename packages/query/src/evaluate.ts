/**
 * A plan over the rows there are now: nested loops, each source reached by its best access path.
 *
 * Sources are taken in the order of their cost: first the one that its own conditions narrow most, then
 * whichever the sources so far lead to by an index; an equality that no index serves goes through a hash
 * table made for the occasion; only a true cross product walks a table once per row.
 */
import { isByteComparable, type IndexCursor, type Store, type Table, type TableCursor } from "@lightcone/engine";
import type { RowRef } from "@lightcone/base";
import { defined } from "@lightcone/base";
import type { ColumnRef, SelectPlan } from "@lightcone/sql";
import { choosePath, type AccessPath, type KeyPart } from "./access-path.ts";
import { makeArgs, type Args } from "./args.ts";
import type { Bound } from "./conjuncts.ts";
import { keyBytes } from "./key-bytes.ts";
import type { Prepared, PreparedTerm } from "./prepared.ts";
import { RowLayout } from "./row-layout.ts";

/** Takes one result: a row of each source, by position. False stops. Must not write the tables. */
export type EmitRows = (refs: Uint32Array) => boolean;

/**
 * Calls `emit` for every row of the result before projection and LIMIT, in no order.
 *
 * Shows what the store's tables show: the committed state while idle, the transaction's while one is open.
 * Stops by itself once it has looked at more than `visitMax` rows.
 *
 * @returns how many rows it looked at
 */
export function evaluate(
  store: Store,
  prepared: Prepared,
  values: readonly Uint8Array[],
  emit: EmitRows,
  visitMax = Infinity,
): number {
  return new Evaluation(store, prepared, values, emit, visitMax).run();
}

/** How a source is reached before any other has a row. */
export function pathTo(store: Store, { plan, sources }: Prepared, source: number): AccessPath {
  const { equal, bounded } = defined(sources[source], "the source");
  return choosePath(tableOf(store, plan, source), paramKeys(equal), bounded);
}

function paramKeys(equal: ReadonlyMap<number, number>): Map<number, KeyPart> {
  return new Map([...equal].map(([column, param]) => [column, { kind: "param", param }]));
}

/** The live table of a plan's source. */
export function tableOf(store: Store, plan: SelectPlan, source: number): Table {
  const id = defined(plan.sources[source], "the source").table.id;
  return defined(store.table(id), `table ${id}`);
}

interface HashJoin {
  readonly kind: "hash";
  readonly column: number;
  readonly key: KeyPart;
  readonly cost: number;
}

type Way = AccessPath | HashJoin;

/** One source's part in the nesting. */
interface Step {
  readonly source: number;
  readonly way: Way;
  readonly terms: readonly PreparedTerm[];
  readonly rows: RowWalk;
}

/** Gives a source's rows, given the rows of the sources before it. */
interface RowWalk {
  seek(): void;
  next(): RowRef | -1;
}

class Evaluation {
  private readonly store: Store;
  private readonly prepared: Prepared;
  private readonly values: readonly Uint8Array[];
  private readonly emit: EmitRows;
  private readonly visitMax: number;
  private visitCount = 0;
  private readonly args: Args;
  private readonly refs: Uint32Array;
  private readonly views: DataView[];
  private readonly ats: Float64Array;
  private readonly layouts: (RowLayout | undefined)[];

  constructor(store: Store, prepared: Prepared, values: readonly Uint8Array[], emit: EmitRows, visitMax: number) {
    const count = prepared.plan.sources.length;
    this.store = store;
    this.prepared = prepared;
    this.values = values;
    this.emit = emit;
    this.visitMax = visitMax;
    this.args = makeArgs(prepared.layout, values);
    this.refs = new Uint32Array(count);
    this.views = Array.from({ length: count }, () => new DataView(new ArrayBuffer(0)));
    this.ats = new Float64Array(count);
    this.layouts = Array.from({ length: count });
  }

  run(): number {
    const steps = this.order();
    if (this.visitCount <= this.visitMax) this.walk(steps, 0);
    return this.visitCount;
  }

  /** False when `emit` or the bound on visits stopped it. */
  private walk(steps: readonly Step[], depth: number): boolean {
    const step = steps[depth];
    if (step === undefined) return this.emit(this.refs);
    const { source, rows, terms } = step;
    const filter = this.prepared.sources[source]?.filter;
    const { numbers, views } = this.args;
    const { store } = this;
    rows.seek();
    for (let ref = rows.next(); ref !== -1; ref = rows.next()) {
      this.visitCount += 1;
      if (this.visitCount > this.visitMax) return false;
      store.locate(ref);
      const { view, at } = store.place;
      if (filter !== undefined && !filter(view, at, numbers, views)) continue;
      this.refs[source] = ref;
      this.views[source] = view;
      this.ats[source] = at;
      if (!terms.every((term) => term.holds(this.views, this.ats, numbers, views))) continue;
      if (!this.walk(steps, depth + 1)) return false;
    }
    return true;
  }

  // --- the order of the nesting

  private order(): Step[] {
    const { plan, terms } = this.prepared;
    const steps: Step[] = [];
    const bound = new Set<number>();
    while (bound.size < plan.sources.length) {
      let best: { readonly source: number; readonly way: Way } | undefined;
      for (let source = 0; source < plan.sources.length; source += 1) {
        if (bound.has(source)) continue;
        const way = this.wayTo(source, bound);
        if (best === undefined || way.cost < best.way.cost) best = { source, way };
      }
      const { source, way } = defined(best, "a source");
      bound.add(source);
      const applicable = terms.filter(
        (term) => term.sources.has(source) && [...term.sources].every((each) => bound.has(each)),
      );
      steps.push({ source, way, terms: applicable, rows: this.open(source, way) });
    }
    return steps;
  }

  private wayTo(source: number, bound: ReadonlySet<number>): Way {
    const { plan, sources } = this.prepared;
    const prepared = defined(sources[source], "the source");
    const known = paramKeys(prepared.equal);
    let join: HashJoin | undefined;
    const table = tableOf(this.store, plan, source);
    for (const { left, right, type } of plan.joins) {
      const [own, other] = left.source === source ? [left, right] : [right, left];
      if (own.source !== source || !bound.has(other.source)) continue;
      const key: KeyPart = { kind: "column", ...other };
      if (!known.has(own.column)) known.set(own.column, key);
      if (isByteComparable(type))
        join ??= { kind: "hash", column: own.column, key, cost: Math.max(1, table.rowCount / 2) };
    }
    const path = choosePath(table, known, prepared.bounded);
    // A scan inside another loop is a product: whatever avoids it comes first.
    if (path.kind === "scan" && join !== undefined) return join;
    if (path.kind === "scan" && bound.size > 0) return { kind: "scan", cost: 1e9 + path.cost };
    return path;
  }

  // --- walking rows

  private open(source: number, way: Way): RowWalk {
    const table = tableOf(this.store, this.prepared.plan, source);
    switch (way.kind) {
      case "scan":
        return table.openCursor() satisfies TableCursor;
      case "hash":
        return this.openHash(source, table, way);
      case "point": {
        const cursor = way.index.openCursor();
        const [only] = way.key;
        if (way.key.length === 1 && only?.kind === "column") return this.openProbe(cursor, only);
        return {
          seek: () => {
            const key = keyBytes(way.key, this.values, this.columnBytes);
            cursor.seekPoint(new DataView(key.buffer, key.byteOffset, key.byteLength), 0, key.length);
          },
          next: () => cursor.next(),
        };
      }
      case "range": {
        const cursor: IndexCursor = way.index.openCursor();
        return {
          seek: () => {
            const prefix = keyBytes(way.prefix, this.values, this.columnBytes);
            cursor.seekRange(prefix, way.prefix.length, this.bound(way.from), this.bound(way.to));
          },
          next: () => cursor.next(),
        };
      }
    }
  }

  private bound(bound: Bound | undefined) {
    if (bound === undefined) return { kind: "unbounded" } as const;
    const bytes = defined(this.values[bound.param], "the bound");
    return { kind: bound.isIncluded ? "included" : "excluded", bytes } as const;
  }

  /** Points at what another source's row has in a column, in place. */
  private openProbe(cursor: IndexCursor, { source, column }: ColumnRef): RowWalk {
    const layout = this.layoutOf(source);
    return {
      seek: () => {
        const view = defined(this.views[source], "the row");
        const start = layout.start(view, this.ats[source] ?? 0, column);
        cursor.seekPoint(view, start, layout.end(view, start, column) - start);
      },
      next: () => cursor.next(),
    };
  }

  private layoutOf(source: number): RowLayout {
    return (this.layouts[source] ??= new RowLayout(tableOf(this.store, this.prepared.plan, source).def));
  }

  /** A copy of a column's bytes in the row that a source has now. */
  private readonly columnBytes = (source: number, column: number): Uint8Array => {
    const layout = this.layoutOf(source);
    const view = defined(this.views[source], "the row");
    const start = layout.start(view, this.ats[source] ?? 0, column);
    const end = layout.end(view, start, column);
    return new Uint8Array(view.buffer, view.byteOffset + start, end - start).slice();
  };

  private openHash(source: number, table: Table, { column, key }: HashJoin): RowWalk {
    const filter = this.prepared.sources[source]?.filter;
    const buckets = new Map<string, number[]>();
    const cursor = table.openCursor();
    cursor.seek();
    this.visitCount += table.rowCount;
    if (this.visitCount > this.visitMax) return { seek: () => undefined, next: () => -1 };
    for (let ref = cursor.next(); ref !== -1; ref = cursor.next()) {
      this.store.locate(ref);
      const { view, at } = this.store.place;
      if (filter !== undefined && !filter(view, at, this.args.numbers, this.args.views)) continue;
      this.views[source] = view;
      this.ats[source] = at;
      const text = bytesText(this.columnBytes(source, column));
      const bucket = buckets.get(text);
      if (bucket === undefined) buckets.set(text, [ref]);
      else bucket.push(ref);
    }
    let found: readonly number[] = [];
    let at = 0;
    return {
      seek: () => {
        found = buckets.get(bytesText(keyBytes([key], this.values, this.columnBytes))) ?? [];
        at = 0;
      },
      next: () => (at < found.length ? (found[at++] as RowRef) : -1),
    };
  }
}

/** Bytes as a string, to look up by: the platform's own hashing cannot be steered by who chooses the bytes. */
function bytesText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}
