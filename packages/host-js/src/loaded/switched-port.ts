/**
 * A port that asks another: an instance of a module is bound to it once, and serves one database after the other. What was
 * compiled for its tables is the same for all.
 */
import type { IndexId, RowRef, TableId } from "@lightcone/base";
import type { HostPort, LogLine, ProcedureTransactions, ProcedureWaits, RowScan, ScanBound } from "@lightcone/host";
import type { RowView } from "@lightcone/schema";

export class SwitchedPort implements HostPort {
  /** Whom it asks. */
  to: HostPort;
  procedureWaits: ProcedureWaits | undefined;

  constructor(to: HostPort) {
    this.to = to;
  }

  get databaseIdentity(): Uint8Array {
    return this.to.databaseIdentity;
  }
  get procedureTransactions(): ProcedureTransactions | undefined {
    return this.to.procedureTransactions;
  }
  get generated(): Uint8Array {
    return this.to.generated;
  }
  get row(): RowView {
    return this.to.row;
  }
  tableId(name: string): TableId | 0 {
    return this.to.tableId(name);
  }
  indexId(name: string): IndexId | 0 {
    return this.to.indexId(name);
  }
  rowCount(table: TableId): number {
    return this.to.rowCount(table);
  }
  insert(table: TableId, bytes: Uint8Array, at: number, length: number): number {
    return this.to.insert(table, bytes, at, length);
  }
  update(table: TableId, index: IndexId, bytes: Uint8Array, at: number, length: number): number {
    return this.to.update(table, index, bytes, at, length);
  }
  find(index: IndexId, key: Uint8Array, at: number, length: number): number {
    return this.to.find(index, key, at, length);
  }
  deletePoint(index: IndexId, key: Uint8Array, at: number, length: number): number {
    return this.to.deletePoint(index, key, at, length);
  }
  deleteRange(index: IndexId, prefix: Uint8Array, prefixColumns: number, from: ScanBound, to: ScanBound): number {
    return this.to.deleteRange(index, prefix, prefixColumns, from, to);
  }
  deleteRows(table: TableId, rows: Uint8Array): number {
    return this.to.deleteRows(table, rows);
  }
  clear(table: TableId): number {
    return this.to.clear(table);
  }
  scanTable(table: TableId): RowScan | number {
    return this.to.scanTable(table);
  }
  scanPoint(index: IndexId, key: Uint8Array, at: number, length: number): RowScan | number {
    return this.to.scanPoint(index, key, at, length);
  }
  scanRange(
    index: IndexId,
    prefix: Uint8Array,
    prefixColumns: number,
    from: ScanBound,
    to: ScanBound,
  ): RowScan | number {
    return this.to.scanRange(index, prefix, prefixColumns, from, to);
  }
  resolve(row: RowRef): void {
    this.to.resolve(row);
  }
  failure(): string {
    return this.to.failure();
  }
  jwt(connection: Uint8Array): Uint8Array | undefined {
    return this.to.jwt(connection);
  }
  log(line: LogLine): void {
    this.to.log(line);
  }
  scheduleNow(functionName: string, args: Uint8Array): void {
    this.to.scheduleNow(functionName, args);
  }
  nowMicros(): number {
    return this.to.nowMicros();
  }
}
