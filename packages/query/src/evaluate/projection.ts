/** Makes a row of the result from the rows of the sources. */
import { defined } from "@lightcone/base";
import type { RowView, RowSource } from "@lightcone/engine";
import type { ColumnRef, SelectPlan } from "@lightcone/sql";
import { tableOf } from "./evaluate.ts";
import { RowLayout } from "../code/row-layout.ts";

/** Takes one row of the result: BSATN of the plan's `columns`, good until it returns. */
export type EmitBytes = (bytes: Uint8Array, at: number, length: number) => void;

/** Where a source's row is at the moment. */
export type ViewOf = (source: number) => RowView;

/** Returns a function that emits the result's row, made from the rows that `viewOf` shows when it is called. */
export function projected(store: RowSource, plan: SelectPlan, viewOf: ViewOf, emit: EmitBytes): () => void {
  const { projection } = plan;
  switch (projection.kind) {
    case "rows": {
      const { source } = projection;
      return () => {
        const { bytes, at, length } = viewOf(source);
        emit(bytes, at, length);
      };
    }
    case "columns":
      return someColumns(store, plan, projection.columns, viewOf, emit);
    case "count":
      throw new TypeError("a count is no row of its sources");
  }
}

/** Emits the only row of COUNT. */
export function emitCount(count: number, emit: EmitBytes): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(count), true);
  emit(bytes, 0, 8);
}

/** The plan's LIMIT; infinite without one. */
export function limitOf({ limit }: SelectPlan): number {
  return limit === undefined ? Infinity : Number(limit);
}

function someColumns(
  store: RowSource,
  plan: SelectPlan,
  columns: readonly ColumnRef[],
  viewOf: ViewOf,
  emit: EmitBytes,
): () => void {
  const layouts = plan.sources.map((_, source) => new RowLayout(tableOf(store, plan, source).def));
  let out = new Uint8Array(256);
  return () => {
    let length = 0;
    for (const { source, column } of columns) {
      const { bytes, view, at } = viewOf(source);
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
