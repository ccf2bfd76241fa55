/** What a module may ask while a recorded call is run again: rows, and what the log has kept of the call. */
import type { IndexId, RowRef, TableId } from "@lightcone/base";
import type { CommitMeta, RowView, Store, Transaction } from "@lightcone/engine";
import { Errno, type HostPort, type RowScan, type ScanBound } from "@lightcone/host";
import type { Scheduler } from "../schedule/scheduler.ts";

export class RerunPort implements HostPort {
  readonly databaseIdentity: Uint8Array;
  private readonly tx: Transaction;
  private readonly schedule: Scheduler;
  private call: CommitMeta | undefined;
  private ownFailure: string | undefined;
  /** Whether the call has asked for what its caller's token claims, which the log does not keep. */
  hasAskedForToken = false;

  constructor(store: Store, schedule: Scheduler, databaseIdentity: Uint8Array) {
    this.tx = store.tx;
    this.schedule = schedule;
    this.databaseIdentity = databaseIdentity;
  }

  begin(call: CommitMeta): void {
    this.call = call;
    this.hasAskedForToken = false;
  }

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
    return this.refuses(table, bytes, at, length) ?? this.tx.insert(table, bytes, at, length);
  }
  update(table: TableId, index: IndexId, bytes: Uint8Array, at: number, length: number): number {
    return this.refuses(table, bytes, at, length) ?? this.tx.update(table, index, bytes, at, length);
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
  scanRange(index: IndexId, prefix: Uint8Array, columns: number, from: ScanBound, to: ScanBound): RowScan | number {
    return this.tx.scanRange(index, prefix, columns, from, to);
  }
  resolve(row: RowRef): void {
    this.tx.resolve(row);
  }
  failure(): string {
    const own = this.ownFailure;
    this.ownFailure = undefined;
    return own ?? this.tx.failure();
  }

  jwt(): undefined {
    this.hasAskedForToken = true;
  }
  log(): void {
    // It was written when the call ran.
  }
  scheduleNow(): void {
    // What it has run then is a call of its own in the log.
  }
  nowMicros(): number {
    return this.call?.timestampMicros ?? 0;
  }

  private refuses(table: TableId, bytes: Uint8Array, at: number, length: number): number | undefined {
    if (!this.schedule.isTooLate(table, bytes, at, length, this.nowMicros())) return undefined;
    this.ownFailure = "scheduled more than about 2.18 years ahead";
    return -Errno.scheduleTooLong;
  }
}
