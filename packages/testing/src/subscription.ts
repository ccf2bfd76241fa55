/** A query that somebody is subscribed to: its rows, and what changed of them. */
import type { Changed, Subscription } from "./api.ts";
import { defined } from "@lightcone/base";
import { toHex } from "@lightcone/sats";
import type { RowListView, v2 } from "@lightcone/protocol";
import type { AnyRow, RowReader } from "./rows.ts";

export class LiveRows implements Subscription<AnyRow> {
  private readonly readers: ReadonlyMap<string, RowReader>;
  private readonly end: () => Promise<void>;
  private readonly present = new Map<string, { readonly row: AnyRow; count: number }>();
  private inserted: AnyRow[] = [];
  private deleted: AnyRow[] = [];
  private updated: { readonly before: AnyRow; readonly after: AnyRow }[] = [];

  /** @param readers by the names of tables: a query without rows does not say of which it is */
  constructor(readers: ReadonlyMap<string, RowReader>, end: () => Promise<void>) {
    this.readers = readers;
    this.end = end;
  }

  /** Takes in the rows that there are. */
  begin(tableName: string, rows: RowListView): void {
    const reader = this.readerOf(tableName);
    for (const bytes of rows) this.add(bytes, reader);
  }

  get rows(): readonly AnyRow[] {
    return [...this.present.values()].flatMap(({ row, count }) => Array.from({ length: count }, () => row));
  }

  take(): Changed<AnyRow> {
    const { inserted, deleted, updated } = this;
    this.inserted = [];
    this.deleted = [];
    this.updated = [];
    return { inserted, deleted, updated };
  }

  unsubscribe(): Promise<void> {
    return this.end();
  }

  /** Takes in what one commit changed. */
  apply(tableName: string, rows: v2.TableUpdateRows): void {
    const reader = this.readerOf(tableName);
    if (rows.kind === "EventTable") {
      for (const bytes of rows.events) this.inserted.push(reader.read(bytes));
      return;
    }
    const gone = new Map<string, AnyRow>();
    for (const bytes of rows.deletes) {
      const row = this.remove(bytes, reader);
      const key = reader.keyOf(row);
      if (key === undefined) this.deleted.push(row);
      else gone.set(key, row);
    }
    for (const bytes of rows.inserts) {
      const after = this.add(bytes, reader);
      const key = reader.keyOf(after);
      const before = key === undefined ? undefined : gone.get(key);
      if (before === undefined || key === undefined) this.inserted.push(after);
      else {
        gone.delete(key);
        this.updated.push({ before, after });
      }
    }
    this.deleted.push(...gone.values());
  }

  private readerOf(tableName: string): RowReader {
    return defined(this.readers.get(tableName), `the columns of ${tableName}`);
  }

  private add(bytes: Uint8Array, reader: RowReader): AnyRow {
    const key = toHex(bytes);
    const known = this.present.get(key);
    if (known !== undefined) {
      known.count += 1;
      return known.row;
    }
    const row = reader.read(bytes);
    this.present.set(key, { row, count: 1 });
    return row;
  }

  private remove(bytes: Uint8Array, reader: RowReader): AnyRow {
    const key = toHex(bytes);
    const known = this.present.get(key);
    if (known === undefined) return reader.read(bytes);
    known.count -= 1;
    if (known.count === 0) this.present.delete(key);
    return known.row;
  }
}
