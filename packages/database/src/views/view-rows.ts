/** The rows that a run of a view has given, as they will stand: each with the caller behind it. */
import { asRowRef, LightconeError, type RowRef } from "@lightcone/base";
import { equalBytes, type RowSource, type Table } from "@lightcone/engine";
import { makeSkip } from "@lightcone/sats";
import { callerBytes, type ViewTable } from "./relations.ts";

/** What makes the rows that there are be those that were given. */
export interface Difference {
  readonly deletes: readonly RowRef[];
  /** Rows that are not there, by their positions. */
  readonly inserts: readonly number[];
  /** The rows that stand then, in the order given; `toCome` for each of the inserts. */
  readonly rows: RowRef[];
}

const none: readonly RowRef[] = [];
/** Stands for a row that is to be inserted. No row has this reference. */
export const toCome: RowRef = asRowRef(0xffff_ffff);

export class ViewRows {
  private readonly of: ViewTable;
  private readonly caller: Uint8Array;
  private readonly rowsMax: number;
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  private readonly ends: number[] = [];

  /** @param rowsMax the most rows that there may be */
  constructor(of: ViewTable, caller: Uint8Array, rowsMax: number) {
    this.of = of;
    this.caller = caller;
    this.rowsMax = rowsMax;
  }

  get count(): number {
    return this.ends.length;
  }

  /** @throws {LightconeError} `LimitExceeded` for a row too many */
  readonly add = (bytes: Uint8Array, at: number, length: number): void => {
    const value = this.ends.length + 1;
    if (value > this.rowsMax)
      throw new LightconeError("LimitExceeded", { limit: "viewRowsMax", value, max: this.rowsMax });
    const from = this.ends.at(-1) ?? 0;
    const end = from + length + callerBytes;
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, from));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    for (let step = 0; step < length; step += 1) this.bytes[from + step] = bytes[at + step] ?? 0;
    this.bytes.set(this.caller, end - callerBytes);
    this.ends.push(end);
  };

  /** Adds a list of rows as a module writes one. @throws {LightconeError} `ViewFailed` when it is none */
  addList(bytes: Uint8Array): void {
    const { validate, view } = this.of;
    const wrong = (reason: string): never => {
      throw new LightconeError("ViewFailed", { view: view.name, reason });
    };
    if (bytes.length < 4) return wrong("what it returned is no list of rows");
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = data.getUint32(0, true);
    if (count > this.rowsMax)
      throw new LightconeError("LimitExceeded", { limit: "viewRowsMax", value: count, max: this.rowsMax });
    let at = 4;
    for (let row = 0; row < count; row += 1) {
      const end = validate(bytes, data, at, bytes.length);
      if (end < 0) return wrong(`row ${row} of what it returned is of another type`);
      this.add(bytes, at, end - at);
      at = end;
    }
    if (at !== bytes.length) return wrong("there is more behind the rows that it returned");
  }

  /** @throws {LightconeError} `ViewFailed` when two different rows have the same key */
  checkKey(): void {
    const { view } = this.of;
    if (view.primaryKey === undefined) return;
    const skips = view.columns.slice(0, view.primaryKey + 1).map(({ type }) => makeSkip(type));
    const data = this.view;
    const seen = new Map<string, string>();
    for (let row = 0; row < this.count; row += 1) {
      const from = this.start(row);
      let [start, end] = [from, from];
      for (const skip of skips) [start, end] = [end, skip(data, end)];
      const key = this.text(start, end);
      const whole = this.text(from, this.end(row));
      const before = seen.get(key);
      if (before !== undefined && before !== whole) {
        const column = view.columns[view.primaryKey]?.name ?? "";
        const reason = `two of its rows have the same \`${column}\`, which is its primary key`;
        throw new LightconeError("ViewFailed", { view: view.name, reason });
      }
      seen.set(key, whole);
    }
  }

  /**
   * Compares with the rows that there are. A view gives most of its rows again, and in the same order: those are found without
   * a search.
   *
   * @param store of the rows
   * @param present the rows that a run before gave, in its order, each once
   */
  differenceTo(table: Table, store: RowSource, present: readonly RowRef[]): Difference {
    const isKept = new Uint8Array(present.length);
    const inserts: number[] = [];
    const rows: RowRef[] = [];
    let positions: ReadonlyMap<RowRef, number> | undefined;
    let next = 0;
    for (let row = 0; row < this.count; row += 1) {
      if (this.isRow(row, store, present[next])) next += 1;
      else if (this.isRow(row, store, present[next + 1])) next += 2;
      else {
        const from = this.start(row);
        const there = table.findRow(this.bytes, from, this.end(row) - from);
        if (there === -1) {
          inserts.push(row);
          rows.push(toCome);
          continue;
        }
        positions ??= new Map(present.map((ref, at) => [ref, at] as const));
        const at = positions.get(there) ?? -1;
        // A row that is given twice stands once.
        if (at === -1 || isKept[at] === 1) continue;
        isKept[at] = 1;
        rows.push(there);
        continue;
      }
      if (isKept[next - 1] === 1) continue;
      isKept[next - 1] = 1;
      rows.push(present[next - 1] ?? toCome);
    }
    const deletes =
      rows.length - inserts.length === present.length ? none : present.filter((_, at) => isKept[at] === 0);
    return { deletes, inserts, rows };
  }

  /** Whether the row is the one that stands at `ref`. */
  private isRow(row: number, store: RowSource, ref: RowRef | undefined): boolean {
    if (ref === undefined) return false;
    store.resolve(ref);
    const from = this.start(row);
    const length = this.end(row) - from;
    return store.row.length === length && equalBytes(store.row.view, store.row.at, this.view, from, length);
  }

  /** Gives a row's bytes, the caller included. */
  use<T>(row: number, with_: (bytes: Uint8Array, at: number, length: number) => T): T {
    const from = this.start(row);
    return with_(this.bytes, from, this.end(row) - from);
  }

  private start(row: number): number {
    return row === 0 ? 0 : (this.ends[row - 1] ?? 0);
  }

  private end(row: number): number {
    return this.ends[row] ?? 0;
  }

  private text(from: number, to: number): string {
    return Buffer.from(this.bytes.buffer, from, to - from).toString("latin1");
  }
}
