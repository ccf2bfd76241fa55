/** The result of a SELECT as rows of bytes: projection, COUNT and LIMIT over what `evaluate` finds. */
import type { RowRef } from "@lightcone/base";
import { defined } from "@lightcone/base";
import type { Store } from "@lightcone/engine";
import type { ColumnRef } from "@lightcone/sql";
import { evaluate, tableOf } from "./evaluate.ts";
import type { Prepared } from "./prepared.ts";
import { RowLayout } from "./row-layout.ts";

/** Takes one row of the result: BSATN of the plan's `columns`, good until it returns. */
export type EmitBytes = (bytes: Uint8Array, at: number, length: number) => void;

/** Runs a SELECT at once. Rows come in no order. */
export function select(store: Store, prepared: Prepared, values: readonly Uint8Array[], emit: EmitBytes): void {
  const { projection, limit } = prepared.plan;
  let left = limit === undefined ? Infinity : Number(limit);
  if (left === 0) return;
  if (projection.kind === "count") {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(count(store, prepared, values)), true);
    return emit(bytes, 0, 8);
  }
  const emitRow =
    projection.kind === "rows"
      ? wholeRow(store, projection.source, emit)
      : someColumns(store, prepared, projection.columns, emit);
  evaluate(store, prepared, values, (refs) => {
    emitRow(refs);
    left -= 1;
    return left > 0;
  });
}

/** How many rows the result has, LIMIT aside. */
export function count(store: Store, prepared: Prepared, values: readonly Uint8Array[]): number {
  const { plan, sources } = prepared;
  if (plan.sources.length === 1 && sources[0]?.filter === undefined) return tableOf(store, plan, 0).rowCount;
  let total = 0;
  evaluate(store, prepared, values, () => {
    total += 1;
    return true;
  });
  return total;
}

function wholeRow(store: Store, source: number, emit: EmitBytes): (refs: Uint32Array) => void {
  return (refs) => {
    store.locate(refs[source] as RowRef); // `evaluate` sets every source
    const { bytes, at, length } = store.place;
    emit(bytes, at, length);
  };
}

function someColumns(
  store: Store,
  { plan }: Prepared,
  columns: readonly ColumnRef[],
  emit: EmitBytes,
): (refs: Uint32Array) => void {
  const layouts = plan.sources.map((_, source) => new RowLayout(tableOf(store, plan, source).def));
  let out = new Uint8Array(256);
  return (refs) => {
    let length = 0;
    for (const { source, column } of columns) {
      store.locate(refs[source] as RowRef); // `evaluate` sets every source
      const { bytes, view, at } = store.place;
      const layout = defined(layouts[source], "the layout");
      const start = layout.start(view, at, column);
      const end = layout.end(view, start, column);
      if (length + end - start > out.length) {
        const grown = new Uint8Array(2 * (length + end - start));
        grown.set(out.subarray(0, length));
        out = grown;
      }
      out.set(bytes.subarray(start, end), length);
      length += end - start;
    }
    emit(out, 0, length);
  };
}
