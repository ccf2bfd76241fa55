/**
 * Rows of the system tables, as the database writes them about itself: what it defines, which program runs, who is
 * connected. Nobody else does; the data port refuses it.
 */
import { assert, defined, LightconeError, type RowRef, type TableId } from "@lightcone/base";
import type { SystemRows } from "../api.ts";
import type { StoredIndex, StoredTable } from "../table/stored-table.ts";
import type { TableDirectory } from "../table/table-directory.ts";
import { TransactionState } from "./transaction-state.ts";
import type { StoreTransaction } from "./transaction.ts";

export class StoreSystemRows implements SystemRows {
  private readonly tx: StoreTransaction;
  private readonly tables: TableDirectory;

  constructor(tx: StoreTransaction, tables: TableDirectory) {
    this.tx = tx;
    this.tables = tables;
  }

  insert(id: TableId, row: Uint8Array, length: number): void {
    const table = this.open(id);
    const view = this.tx.viewOf(row);
    assert(this.tx.isRow(table, row, view, 0, length), `a row of ${table.name} is no row of it`);
    if (this.tx.insertChecked(table, row, view, 0, length) < 0)
      throw new LightconeError("SchemaInvalid", { problems: [this.tx.failure()] });
  }

  /** Replaces the row with the same key in a unique index. */
  update(index: StoredIndex, row: Uint8Array, length: number): void {
    const table = this.open(index.table.id);
    const view = this.tx.viewOf(row);
    assert(this.tx.isRow(table, row, view, 0, length), `a row of ${table.name} is no row of it`);
    if (this.tx.updateChecked(table, index, row, view, 0, length) < 0)
      throw new LightconeError("DatabaseStopped", { reason: this.tx.failure() });
  }

  delete(id: TableId, row: Uint8Array, length: number): boolean {
    const table = this.open(id);
    const ref = table.findRow(row, 0, length);
    if (ref < 0) return false;
    this.tx.deleteVisible(table, ref);
    return true;
  }

  deleteRow(id: TableId, row: RowRef): void {
    this.tx.deleteVisible(this.open(id), row);
  }

  clear(id: TableId): number {
    return this.tx.clearTable(this.open(id));
  }

  private open(id: TableId): StoredTable {
    const { changes } = this.tx;
    if (changes.state !== TransactionState.open && changes.refuse(-1) < 0)
      throw new LightconeError("DatabaseStopped", { reason: "system tables are written inside transactions only" });
    return defined(this.tables.byId[id], `table ${id}`);
  }
}
