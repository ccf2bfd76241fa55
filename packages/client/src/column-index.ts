/**
 * A column of a cache in order: which rows have a value, or lie between two, without looking at the others.
 *
 * Blocks of a few hundred entries, each in order, so that an entry that comes or goes moves no more than those.
 */
import { compareScalars, type Scalar } from "./compare.ts";

const blockEntriesMax = 512;

interface Block {
  readonly values: Scalar[];
  /** Of equal values the lower slot stands first. */
  readonly slots: number[];
}

export class ColumnIndex {
  #blocks: Block[] = [];

  /** @param entries in any order */
  constructor(entries: (readonly [Scalar, number])[]) {
    entries.sort(([a, one], [b, other]) => compareScalars(a, b) || one - other);
    const step = blockEntriesMax >> 1;
    for (let at = 0; at < entries.length; at += step) {
      const some = entries.slice(at, at + step);
      this.#blocks.push({ values: some.map(([value]) => value), slots: some.map(([, slot]) => slot) });
    }
  }

  add(value: Scalar, slot: number): void {
    if (this.#blocks.length === 0) this.#blocks.push({ values: [], slots: [] });
    const index = this.#blockOf(value, slot);
    const block = this.#blocks[index];
    if (block === undefined) return;
    const at = placeIn(block, value, slot);
    block.values.splice(at, 0, value);
    block.slots.splice(at, 0, slot);
    if (block.slots.length <= blockEntriesMax) return;
    const half = blockEntriesMax >> 1;
    this.#blocks.splice(index + 1, 0, { values: block.values.splice(half), slots: block.slots.splice(half) });
  }

  remove(value: Scalar, slot: number): void {
    const index = this.#blockOf(value, slot);
    const block = this.#blocks[index];
    if (block === undefined) return;
    const at = placeIn(block, value, slot);
    block.values.splice(at, 1);
    block.slots.splice(at, 1);
    if (block.slots.length === 0) this.#blocks.splice(index, 1);
  }

  /** Slots in order, from the first whose value is not below `low` to the last whose value is not above `high`. */
  *between(low: Scalar, high: Scalar): Generator<number> {
    for (let index = low === undefined ? 0 : this.#blockOf(low, -1); index < this.#blocks.length; index += 1) {
      const block = this.#blocks[index];
      if (block === undefined) return;
      for (let at = low === undefined ? 0 : placeIn(block, low, -1); at < block.slots.length; at += 1) {
        if (high !== undefined && compareScalars(block.values[at], high) > 0) return;
        yield block.slots[at] ?? 0;
      }
    }
  }

  /** The same from the other end. */
  *betweenDown(low: Scalar, high: Scalar): Generator<number> {
    const last = high === undefined ? this.#blocks.length - 1 : this.#blockOf(high, Infinity);
    for (let index = last; index >= 0; index -= 1) {
      const block = this.#blocks[index];
      if (block === undefined) return;
      const end = high === undefined ? block.slots.length : placeIn(block, high, Infinity);
      for (let at = end - 1; at >= 0; at -= 1) {
        if (low !== undefined && compareScalars(block.values[at], low) < 0) return;
        yield block.slots[at] ?? 0;
      }
    }
  }

  /** The last block that begins before an entry, or the first. */
  #blockOf(value: Scalar, slot: number): number {
    let [low, high] = [0, this.#blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const block = this.#blocks[middle];
      const way = compareScalars(block?.values[0], value) || (block?.slots[0] ?? 0) - slot;
      if (way <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Where an entry is in a block, or would be. */
function placeIn({ values, slots }: Block, value: Scalar, slot: number): number {
  let [low, high] = [0, slots.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const way = compareScalars(values[middle], value) || (slots[middle] ?? 0) - slot;
    if (way < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
