/** The port of a database: what its module may ask. Data goes straight to the open transaction. */
import type { IndexId, RowRef, TableId } from "@lightcone/base";
import type { RowView, Transaction } from "@lightcone/engine";
import {
  Errno,
  type HostPort,
  type LogLine,
  type ProcedureTransactions,
  type ProcedureWaits,
  type RowScan,
  type ScanBound,
} from "@lightcone/host";
import type { DatabaseContext } from "../core/context.ts";
import { keyOfClient } from "../link/client.ts";
import { deferredCall } from "./deferred-call.ts";
import { CallTransactions, CallWaits } from "./procedure-port.ts";

/** Who knows how far ahead rows may be scheduled. */
export interface ScheduleCheck {
  /** Whether a row of a scheduled table asks for a time too far away. */
  isTooLate(table: TableId, bytes: Uint8Array, at: number, length: number, nowMicros: number): boolean;
}

export class DatabasePort implements HostPort {
  readonly databaseIdentity: Uint8Array;
  readonly procedureTransactions: ProcedureTransactions;
  readonly procedureWaits: ProcedureWaits;
  private readonly context: DatabaseContext;
  private readonly schedule: ScheduleCheck;
  /** Tables whose rows are scheduled. Mostly empty: a call then pays one look. */
  private scheduled: ReadonlySet<TableId> = new Set();
  private readonly tx: Transaction;
  private ownFailure: string | undefined;

  constructor(context: DatabaseContext, schedule: ScheduleCheck) {
    this.context = context;
    this.schedule = schedule;
    this.tx = context.store.tx;
    this.databaseIdentity = context.identity;
    this.procedureTransactions = new CallTransactions(context);
    this.procedureWaits = new CallWaits(context);
  }

  /** Says which tables are scheduled, after every change of the schema. */
  watchScheduled(tables: ReadonlySet<TableId>): void {
    this.scheduled = tables;
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
    if (this.scheduled.size > 0 && this.refusesTime(table, bytes, at, length)) return -Errno.scheduleTooLong;
    return this.tx.insert(table, bytes, at, length);
  }
  update(table: TableId, index: IndexId, bytes: Uint8Array, at: number, length: number): number {
    if (this.scheduled.size > 0 && this.refusesTime(table, bytes, at, length)) return -Errno.scheduleTooLong;
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
  jwt(connectionId: Uint8Array): Uint8Array | undefined {
    const { running, claims } = this.context;
    return running === undefined ? undefined : claims.get(keyOfClient({ identity: running.sender, connectionId }));
  }
  log(line: LogLine): void {
    this.context.log.write(line, this.context.running?.loggedName);
  }
  scheduleNow(functionName: string, args: Uint8Array): void {
    this.context.loop.push(deferredCall(this.context, functionName, args.slice()));
  }
  nowMicros(): number {
    return this.context.clock.nowMicros();
  }

  private refusesTime(table: TableId, bytes: Uint8Array, at: number, length: number): boolean {
    if (!this.scheduled.has(table)) return false;
    const nowMicros = this.context.running?.timestampMicros ?? this.context.pipeline.nowMicros();
    if (!this.schedule.isTooLate(table, bytes, at, length, nowMicros)) return false;
    this.ownFailure = "scheduled more than about 2.18 years ahead";
    return true;
  }
}
