/**
 * Rows of a table that have come since its indexes were brought up to date, in the midst of a message: found by a column's
 * value, so that a guess that looks for one among many does not look at each.
 */
import { compareScalars, type Scalar } from "../compare.ts";
import type { RowBag } from "../row-bag.ts";

interface Column {
  /** So many touched rows are in it. */
  seen: number;
  readonly slots: Map<Scalar, number[]>;
}

export class CameRows {
  readonly #bag: RowBag;
  readonly #columns = new Map<string, Column>();

  constructor(bag: RowBag) {
    this.#bag = bag;
  }

  /** Slots of rows whose column is not below `low` and not above `high`; undefined is no bound. */
  between(name: string, low: Scalar, high: Scalar): number[] {
    const { slots } = this.#column(name);
    if (low !== undefined && low === high) return slots.get(low) ?? [];
    const found: number[] = [];
    for (const [value, some] of slots)
      if (
        (low === undefined || compareScalars(value, low) >= 0) &&
        (high === undefined || compareScalars(value, high) <= 0)
      )
        found.push(...some);
    return found;
  }

  #column(name: string): Column {
    const bag = this.#bag;
    let column = this.#columns.get(name);
    if (column === undefined) this.#columns.set(name, (column = { seen: 0, slots: new Map() }));
    for (; column.seen < bag.touched.length; column.seen += 1) {
      if ((bag.before[column.seen] ?? 0) > 0) continue;
      const slot = bag.touched[column.seen] ?? 0;
      const value = bag.scalar(slot, name);
      const some = column.slots.get(value);
      if (some === undefined) column.slots.set(value, [slot]);
      else some.push(slot);
    }
    return column;
  }
}
