/**
 * First rows in slices: a one-table plan over a fixed-offset view of its table, good across commits.
 *
 * The view has no indexes; `isSliced` says when walking all of it is the way to go anyway. Everything else
 * is narrow enough to be evaluated at once.
 */
import { assert, defined } from "@lightcone/base";
import type { Epoch, EpochCursor, RowPlace, Store } from "@lightcone/engine";
import { makeArgs, type Args } from "./args.ts";
import { pathTo } from "./evaluate.ts";
import { noArgs, type RowFilter } from "./predicate-code.ts";
import type { Prepared } from "./prepared.ts";

/** Whether a plan's rows are best read by walking the whole of its one table. */
export function isSliced(store: Store, prepared: Prepared): boolean {
  const { plan, sources } = prepared;
  return sources.length === 1 && plan.projection.kind === "rows" && pathTo(store, prepared, 0).kind === "scan";
}

export class EpochScan {
  private readonly cursor: EpochCursor | undefined;
  private readonly filter: RowFilter | undefined;
  private readonly args: Args;

  constructor(epoch: Epoch, prepared: Prepared, values: readonly Uint8Array[]) {
    assert(prepared.sources.length === 1, "an epoch is scanned one table at a time");
    const id = defined(prepared.plan.sources[0], "the source").table.id;
    this.cursor = epoch.tables.find((table) => table.id === id)?.openCursor();
    this.filter = prepared.sources[0]?.filter;
    this.args = values.length === 0 ? noArgs : makeArgs(prepared.layout, values);
  }

  /**
   * Steps over up to `rowsMax` rows and emits those that match; `emit` must read the place before it
   * returns. False when no row is left.
   */
  step(rowsMax: number, emit: (place: RowPlace) => void): boolean {
    const { cursor, filter, args } = this;
    if (cursor === undefined) return false;
    for (let left = rowsMax; left > 0; left -= 1) {
      if (!cursor.next()) return false;
      const { place } = cursor;
      if (filter === undefined || filter(place.view, place.at, args.numbers, args.views)) emit(place);
    }
    return true;
  }
}
