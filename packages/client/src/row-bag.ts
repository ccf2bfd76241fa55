/**
 * Rows as a server tells of them: a bag, keyed by the row's bytes, since overlapping subscriptions may send one
 * row several times (docs/wire/websocket-v1.md). A row is there while its count is above zero.
 *
 *   message ─▶ count(…) per row ─▶ settle() ─▶ TableChange { inserts, deletes, updates }
 *
 * Rows are decoded once, when they first appear; one that goes and comes back within a message, or across a
 * reconnection, keeps its object. `settle` ends a message: what it returns is its net effect.
 */
import { LightconeError } from "@lightcone/base";
import { decodeValue, encodeValue, type Codec } from "./value-codec.ts";

/** A table as the cache needs to know it. */
export interface BagTable {
  /** Its name in the module's code. */
  readonly accessor: string;
  readonly row: Codec;
  /** The primary key: its column's name and type. Updates are told by it. */
  readonly key: { readonly column: string; readonly codec: Codec } | undefined;
}

/** What a message did to a table, in the order that rows came. */
export interface TableChange {
  /** Rows that happened, and are in no table. */
  readonly events: readonly object[];
  readonly inserts: readonly object[];
  readonly deletes: readonly object[];
  readonly updates: readonly { readonly before: object; readonly after: object }[];
}

export const noChange: TableChange = { events: [], inserts: [], deletes: [], updates: [] };

interface Entry {
  readonly row: object;
  count: number;
  /** Its count before the message that is being applied; undefined when that has not touched it. */
  countBefore: number | undefined;
}

/** Bytes as a text of one character each: a key of a `Map`. */
export function keyOfBytes(bytes: Uint8Array): string {
  let key = "";
  // In pieces, since every byte becomes an argument.
  for (let at = 0; at < bytes.length; at += 4096) key += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return key;
}

export class RowBag {
  readonly table: BagTable;
  readonly #entries = new Map<string, Entry>();
  readonly #byKey = new Map<string, object>();
  #touched: Entry[] = [];
  #touchedKeys: string[] = [];
  #events: object[] = [];

  constructor(table: BagTable) {
    this.table = table;
  }

  /** Every row, as of the last `settle`. */
  *rows(): Generator<object> {
    for (const { row, count } of this.#entries.values()) if (count > 0) yield row;
  }

  /**
   * The row with a primary key.
   *
   * @throws {TypeError} when it is none of this table's
   */
  find(key: unknown): object | undefined {
    if (this.table.key === undefined) throw new TypeError(`table ${this.table.accessor} has no primary key`);
    return this.#byKey.get(keyOfBytes(encodeValue(this.table.key.codec, key)));
  }

  /** Counts a row `by` times more, or fewer. One that is counted 0 times happens, and is not kept. */
  count(bytes: Uint8Array, by: number): void {
    if (by === 0) return void this.#events.push(this.#decode(bytes));
    const key = keyOfBytes(bytes);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { row: this.#decode(bytes), count: 0, countBefore: undefined };
      this.#entries.set(key, entry);
    }
    this.#touch(key, entry);
    entry.count += by;
  }

  #decode(bytes: Uint8Array): object {
    // A row type is a product, so its values are objects.
    return decodeValue(this.table.row, bytes, `a row of ${this.table.accessor}`) as object;
  }

  /** @throws {LightconeError} `Malformed` when the message deleted more of a row than there was */
  check(): void {
    if (this.#touched.every(({ count }) => count >= 0)) return;
    const reason = "a row was deleted more often than it was inserted";
    throw new LightconeError("Malformed", { what: `update of ${this.table.accessor}`, reason });
  }

  /** Takes a message back. */
  undo(): void {
    for (const entry of this.#touched) entry.count = entry.countBefore ?? 0;
    this.#events = [];
    this.settle();
  }

  /** Ends a message that was checked. */
  settle(): TableChange {
    const gone: object[] = [];
    const come: object[] = [];
    for (const [index, entry] of this.#touched.entries()) {
      const before = entry.countBefore ?? 0;
      entry.countBefore = undefined;
      if (entry.count === 0) this.#entries.delete(this.#touchedKeys[index] ?? "");
      if (before > 0 && entry.count === 0) gone.push(entry.row);
      if (before === 0 && entry.count > 0) come.push(entry.row);
    }
    this.#touched = [];
    this.#touchedKeys = [];
    return this.#pair(gone, come);
  }

  /** Takes the place of `before`, whose rows are the same objects wherever they are equal. Gives the difference. */
  replace(before: RowBag | undefined): TableChange {
    const [gone, come]: [object[], object[]] = [[], []];
    const entriesBefore: ReadonlyMap<string, Entry> = before === undefined ? new Map() : before.#entries;
    for (const [key, entry] of this.#entries) {
      const known = entriesBefore.get(key);
      if (known === undefined) come.push(entry.row);
      else this.#entries.set(key, { ...entry, row: known.row });
    }
    for (const [key, { row }] of entriesBefore) if (!this.#entries.has(key)) gone.push(row);
    this.#byKey.clear();
    for (const { row } of this.#entries.values()) this.#index(row);
    return this.#pair(gone, come);
  }

  #touch(key: string, entry: Entry): void {
    if (entry.countBefore !== undefined) return;
    entry.countBefore = entry.count;
    this.#touched.push(entry);
    this.#touchedKeys.push(key);
  }

  /** A row that goes and one that comes with the same primary key are one update. */
  #pair(gone: readonly object[], come: readonly object[]): TableChange {
    const events = this.#events;
    this.#events = [];
    if (this.table.key === undefined) return { events, inserts: come, deletes: gone, updates: [] };
    const goneByKey = new Map(gone.map((row) => [this.#keyOf(row), row]));
    for (const key of goneByKey.keys()) this.#byKey.delete(key);
    const inserts: object[] = [];
    const updates: { before: object; after: object }[] = [];
    for (const after of come) {
      const key = this.#index(after);
      const before = goneByKey.get(key);
      if (before === undefined) inserts.push(after);
      else updates.push({ before, after });
      goneByKey.delete(key);
    }
    return { events, inserts, deletes: [...goneByKey.values()], updates };
  }

  #index(row: object): string {
    const key = this.#keyOf(row);
    if (this.table.key !== undefined) this.#byKey.set(key, row);
    return key;
  }

  #keyOf(row: object): string {
    const { key } = this.table;
    if (key === undefined) return "";
    // A row has its key's column, by its type.
    return keyOfBytes(encodeValue(key.codec, (row as Readonly<Record<string, unknown>>)[key.column]));
  }
}
