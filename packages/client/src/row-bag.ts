/**
 * Rows as a server tells of them: a bag, keyed by the row's bytes, since overlapping subscriptions may send one row several
 * times (docs/wire/websocket-v1.md). A row is there while its count is above zero.
 *
 *   message ─▶ take(…) per list ─▶ check() ─▶ settle() ─▶ TableChange { inserts, deletes, updates }
 *
 * Rows stay bytes (`row-store.ts`), checked when they come, and become objects when somebody looks at them: each once, so that
 * one that stays, or goes and comes back within a message or across a reconnection, is the same object. `settle` ends a
 * message: what it returns is its net effect.
 */
import { LightconeError } from "@lightcone/base";
import type { RowListView } from "@lightcone/protocol";
import { ByteReader } from "@lightcone/sats";
import { ColumnIndex } from "./column-index.ts";
import { scalarOf, type Scalar } from "./compare.ts";
import { RowStore } from "./row-store.ts";
import { decodeValue, encodeValue, type Codec, type Part } from "./value-codec.ts";

/** A table as the cache needs to know it. */
export interface BagTable {
  /** Its name in the module's code. */
  readonly accessor: string;
  readonly row: Codec;
  readonly columns: readonly Part[];
  /** The primary key's column. Updates are told by it. */
  readonly key: Part | undefined;
}

/** What a message did to a table, in the order that rows came. Without lists when nobody listens to them. */
export interface TableChange {
  /** Rows that happened, and are in no table. */
  readonly events: readonly object[];
  readonly inserts: readonly object[];
  readonly deletes: readonly object[];
  readonly updates: readonly { readonly before: object; readonly after: object }[];
}

/** Nothing changed. */
export const noChange: TableChange = { events: [], inserts: [], deletes: [], updates: [] };

/** The rows of a list that nobody keeps. */
export function rowsIn({ accessor, row }: BagTable, list: RowListView): object[] {
  // A row type is a product, so its values are objects.
  return [...list].map((bytes) => decodeValue(row, bytes, `a row of ${accessor}`) as object);
}

export class RowBag {
  readonly table: BagTable;
  /** Another one whenever rows have changed. */
  version: object = {};
  readonly #store: RowStore;
  /** By slot, of rows that somebody has looked at. */
  #objects: (object | undefined)[] = [];
  readonly #indexes = new Map<string, ColumnIndex>();
  #listed: readonly object[] | undefined;
  readonly #input: ByteReader;
  /** What the message that is being applied has touched, and counts before it. */
  touched: number[] = [];
  before: number[] = [];
  #events: object[] = [];
  /** Whether some row was counted less than 0 times in its midst. */
  #isShort = false;

  /** @param seed of its hashes, the same for bags that replace one another */
  constructor(table: BagTable, seed = 0) {
    this.table = table;
    this.#store = new RowStore(seed);
    this.#input = new ByteReader(new Uint8Array(0), `a row of ${table.accessor}`);
  }

  get size(): number {
    return this.#store.size;
  }

  /** Every row, as of the last `settle`. */
  rows(): readonly object[] {
    this.#listed ??= this.slots().map((slot) => this.#row(slot));
    return this.#listed;
  }

  /**
   * The row with a primary key.
   *
   * @throws {TypeError} when it is none of this table's
   */
  find(key: unknown): object | undefined {
    const { accessor, key: column } = this.table;
    if (column === undefined) throw new TypeError(`table ${accessor} has no primary key`);
    encodeValue(column.codec, key); // refuses what is no key
    const [row] = this.between(column.name, scalarOf(key), scalarOf(key));
    return row;
  }

  /** Rows whose column is not below `low` and not above `high`, in its order or in the other; undefined is no bound. */
  *between(column: string, low: Scalar, high: Scalar, isDown = false): Generator<object> {
    const index = this.index(column);
    for (const slot of isDown ? index.betweenDown(low, high) : index.between(low, high)) yield this.#row(slot);
  }

  /** Counts the rows of a list `by` times more, or fewer. Those that are counted 0 times happen, and are not kept. */
  take(list: RowListView, by: number): void {
    const [store, input, { row }] = [this.#store, this.#input, this.table];
    if (by === 0) {
      this.#events = this.#events.concat(rowsIn(this.table, list));
      return;
    }
    const { data, count } = list;
    const view = store.read(list, by > 0);
    for (let index = 0; index < count; index += 1) {
      const before = store.size;
      const slot = store.slotOf(index);
      if (store.mark(slot)) {
        this.touched.push(slot);
        this.before.push(store.count(slot));
      }
      const now = store.count(slot) + by;
      if (now < 0) this.#isShort = true;
      store.setCount(slot, now);
      if (store.size === before) continue;
      input.set(data, view, list.startOf(index), list.startOf(index + 1));
      row.skip(input);
      input.expectEnd();
    }
  }

  /** @throws {LightconeError} `Malformed` when the message deleted more of a row than there was */
  check(): void {
    if (!this.#isShort) return;
    this.#isShort = false;
    for (const slot of this.touched) {
      if (this.#store.count(slot) >= 0) continue;
      const reason = "a row was deleted more often than it was inserted";
      throw new LightconeError("Malformed", { what: `update of ${this.table.accessor}`, reason });
    }
  }

  /** Takes a message back. */
  undo(): void {
    for (const [index, slot] of this.touched.entries()) this.#store.setCount(slot, this.before[index] ?? 0);
    this.#events = [];
    this.settle(false);
  }

  /** Ends a message that was checked. @param isHeard whether anybody hears which rows they are */
  settle(isHeard: boolean): TableChange {
    const store = this.#store;
    const [gone, come]: [number[], number[]] = [[], []];
    const isAsked = isHeard || this.#indexes.size > 0;
    let hasChanged = false;
    for (let index = 0; index < this.touched.length; index += 1) {
      const [slot = 0, before = 0] = [this.touched[index], this.before[index]];
      store.unmark(slot);
      const isThere = store.count(slot) > 0;
      if (before > 0 !== isThere) hasChanged = true;
      if (isThere) {
        if (isAsked && before === 0) come.push(slot);
      } else if (isAsked && before > 0) gone.push(slot);
      else this.#remove(slot);
    }
    const events = this.#events;
    this.touched = [];
    this.before = [];
    this.#events = [];
    if (!hasChanged) {
      store.tidy();
      return events.length === 0 ? noChange : { ...noChange, events };
    }
    const all = (slots: readonly number[]): object[] => slots.map((slot) => this.#row(slot));
    const change = isHeard ? this.#paired(events, all(gone), all(come)) : { ...noChange, events };
    for (const [name, index] of this.#indexes) for (const slot of gone) index.remove(this.scalar(slot, name), slot);
    for (const slot of gone) this.#remove(slot);
    store.tidy();
    for (const [name, index] of this.#indexes) for (const slot of come) index.add(this.scalar(slot, name), slot);
    this.version = {};
    this.#listed = undefined;
    return change;
  }

  /** Takes the place of `before`, whose rows are the same objects wherever they are equal. Gives the difference. */
  replace(before: RowBag | undefined, isHeard: boolean): TableChange {
    if (before === undefined && !isHeard) return this.size === 0 ? noChange : { ...noChange };
    const known = before?.table === this.table ? before : undefined;
    const slotIn = (bag: RowBag | undefined, of: RowBag, slot: number): number =>
      bag === undefined ? -1 : bag.#store.slotLike(of.#store, slot);
    const come: number[] = [];
    for (const slot of this.slots()) {
      const same = slotIn(known, this, slot);
      const row = known === undefined ? undefined : known.#objects[same];
      if (row !== undefined) this.#place(slot, row);
      if (same < 0) come.push(slot);
    }
    const gone =
      before === undefined
        ? []
        : before.slots().filter((slot) => known === undefined || slotIn(this, before, slot) < 0);
    if (come.length + gone.length === 0) {
      if (before !== undefined) this.#listed = before.#listed;
      return noChange;
    }
    if (!isHeard) return { ...noChange };
    const rowsOf = (bag: RowBag | undefined, slots: readonly number[]): object[] =>
      bag === undefined ? [] : slots.map((slot) => bag.#row(slot));
    return this.#paired([], rowsOf(before, gone), rowsOf(this, come));
  }

  // --- as the rows are in the midst of a message: what is guessed is worked out from them

  /** Every row that is there. */
  slots(): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < this.#store.end; slot += 1) if (this.#store.count(slot) > 0) slots.push(slot);
    return slots;
  }

  /** How often a row is counted. */
  count(slot: number): number {
    return this.#store.count(slot);
  }

  slotOf(bytes: Uint8Array): number {
    return this.#store.slotOfBytes(bytes);
  }

  bytesOf(slot: number): Uint8Array {
    const { bytes, at, end } = this.#at(slot);
    return bytes.slice(at, end);
  }

  // ---

  #remove(slot: number): void {
    this.#store.remove(slot);
    if (slot < this.#objects.length) this.#objects[slot] = undefined;
  }

  #row(slot: number): object {
    const known = this.#objects[slot];
    if (known !== undefined) return known;
    const row = this.table.row.read(this.#at(slot)) as object; // a row type is a product
    this.#place(slot, row);
    return row;
  }

  #place(slot: number, row: object): void {
    // One by one: an array that is filled far behind its end is slow for ever.
    for (let end = this.#objects.length; end <= slot; end += 1) this.#objects.push(undefined);
    this.#objects[slot] = row;
  }

  #at(slot: number): ByteReader {
    this.#store.aim(this.#input, slot);
    return this.#input;
  }

  /** A column's index, of the rows as of the last `settle`. */
  index(column: string): ColumnIndex {
    let index = this.#indexes.get(column);
    if (index === undefined) {
      const before = new Map(this.touched.map((slot, at) => [slot, this.before[at] ?? 0]));
      const entries: [Scalar, number][] = [];
      for (let slot = 0; slot < this.#store.end; slot += 1)
        if ((before.get(slot) ?? this.count(slot)) > 0) entries.push([this.scalar(slot, column), slot]);
      index = new ColumnIndex(entries);
      this.#indexes.set(column, index);
    }
    return index;
  }

  /** A column of a row, without making an object of it. */
  scalar(slot: number, column: string): Scalar {
    const input = this.#at(slot);
    for (const { name, codec } of this.table.columns) {
      if (name === column) return scalarOf(codec.read(input));
      codec.skip(input);
    }
    return undefined;
  }

  /** A row that goes and one that comes with the same primary key are one update. */
  #paired(events: readonly object[], gone: readonly object[], come: readonly object[]): TableChange {
    const { key } = this.table;
    if (key === undefined) return { events, inserts: come, deletes: gone, updates: [] };
    // A row has its key's column, by its type.
    const keyOf = (row: object): Scalar => scalarOf((row as Readonly<Record<string, unknown>>)[key.name]);
    const inserts: object[] = [];
    const updates: { before: object; after: object }[] = [];
    // A transaction's rows mostly go in the order in which they come: those need no map.
    for (const [at, after] of come.entries()) {
      const before = gone[at];
      if (before === undefined || keyOf(before) !== keyOf(after)) break;
      updates.push({ before, after });
    }
    const paired = updates.length;
    const goneByKey = new Map<Scalar, object>();
    for (const row of gone.slice(paired)) goneByKey.set(keyOf(row), row);
    for (const after of come.slice(paired)) {
      const value = keyOf(after);
      const before = goneByKey.get(value);
      if (before === undefined) inserts.push(after);
      else updates.push({ before, after });
      goneByKey.delete(value);
    }
    return { events, inserts, deletes: [...goneByKey.values()], updates };
  }
}
