/** What every port does alike: the data that a module asks for is that of the open transaction. */
import type { IndexId, RowRef, TableId } from "@lightcone/base";
import type { RowView, Transaction } from "@lightcone/engine";
import { Errno, type HostPort, type LogLine, type RowScan, type ScanBound } from "@lightcone/host";

export abstract class TransactionPort implements HostPort {
  readonly databaseIdentity: Uint8Array;
  private readonly tx: Transaction;
  private ownFailure: string | undefined;

  constructor(tx: Transaction, databaseIdentity: Uint8Array) {
    this.tx = tx;
    this.databaseIdentity = databaseIdentity;
  }

  abstract jwt(connectionId: Uint8Array): Uint8Array | undefined;
  abstract log(line: LogLine): void;
  abstract scheduleNow(functionName: string, args: Uint8Array): void;
  abstract nowMicros(): number;
  /** Whether a row asks to be scheduled too far ahead. */
  protected abstract isTooLate(table: TableId, bytes: Uint8Array, at: number, length: number): boolean;

  get generated(): Uint8Array {
    return this.tx.generated;
  }
  get row(): RowView {
    return this.tx.row;
  }

  tableId(name: string): TableId | 0 {
    return this.tx.tableId(name);
  }
  indexId(name: string): IndexId | 0 {
    return this.tx.indexId(name);
  }
  rowCount(table: TableId): number {
    return this.tx.rowCount(table);
  }

  insert(table: TableId, bytes: Uint8Array, at: number, length: number): number {
    if (this.isTooLate(table, bytes, at, length)) return this.refuseTime();
    return this.tx.insert(table, bytes, at, length);
  }
  update(table: TableId, index: IndexId, bytes: Uint8Array, at: number, length: number): number {
    if (this.isTooLate(table, bytes, at, length)) return this.refuseTime();
    return this.tx.update(table, index, bytes, at, length);
  }
  find(index: IndexId, key: Uint8Array, at: number, length: number): number {
    return this.tx.find(index, key, at, length);
  }
  deletePoint(index: IndexId, key: Uint8Array, at: number, length: number): number {
    return this.tx.deletePoint(index, key, at, length);
  }
  deleteRange(index: IndexId, prefix: Uint8Array, prefixColumns: number, from: ScanBound, to: ScanBound): number {
    return this.tx.deleteRange(index, prefix, prefixColumns, from, to);
  }
  deleteRows(table: TableId, rows: Uint8Array): number {
    return this.tx.deleteRows(table, rows);
  }
  clear(table: TableId): number {
    return this.tx.clear(table);
  }
  scanTable(table: TableId): RowScan | number {
    return this.tx.scanTable(table);
  }
  scanPoint(index: IndexId, key: Uint8Array, at: number, length: number): RowScan | number {
    return this.tx.scanPoint(index, key, at, length);
  }
  scanRange(
    index: IndexId,
    prefix: Uint8Array,
    prefixColumns: number,
    from: ScanBound,
    to: ScanBound,
  ): RowScan | number {
    return this.tx.scanRange(index, prefix, prefixColumns, from, to);
  }
  resolve(row: RowRef): void {
    this.tx.resolve(row);
  }

  failure(): string {
    const own = this.ownFailure;
    this.ownFailure = undefined;
    return own ?? this.tx.failure();
  }

  private refuseTime(): number {
    this.ownFailure = "scheduled more than about 2.18 years ahead";
    return -Errno.scheduleTooLong;
  }
}
