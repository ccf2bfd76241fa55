/**
 * A bank in the database's thread: a module on a store of its own, called as the database calls it.
 *
 * Each call is one transaction and one commit record. 64 callers take turns; arguments are views of a buffer that
 * holds those of many calls, as they are when they come in frames.
 */
import type { IndexId, RowRef, TableId } from "@lightcone/base";
import { CommitKind, openStore, type Store } from "@lightcone/engine";
import type { HostPort, LogLine, ModuleInstance, ModuleProgram, RowView, RowScan, ScanBound } from "@lightcone/host";
import { checkModule, decodeModuleDef } from "@lightcone/schema";

const accountCount = 100_000;
const callerCount = 64;
const callsPerBatch = 500;
const argsBytes = 16;

/** Which accounts a transfer is between: what a change of theirs has to keep in order. */
export interface BankKind {
  readonly name: string;
  /** Reducers of both modules. */
  readonly open: string;
  readonly transfer: string;
}

export const bankKinds: readonly BankKind[] = [
  { name: "one index", open: "open_accounts", transfer: "transfer" },
  { name: "two indexes", open: "open_branch_accounts", transfer: "transfer_branch" },
  { name: "two indexes, one over the balance", open: "open_ranked_accounts", transfer: "transfer_ranked" },
];

/** What a process is asked to measure. */
export interface BankSettings {
  readonly language: "TypeScript" | "Rust";
  readonly kind: BankKind;
  readonly roundCount: number;
  /** Of each round. */
  readonly callCount: number;
}

const meta = {
  kind: CommitKind.reducer,
  timestampMicros: 1,
  functionName: "transfer",
  reducerId: 0,
  args: new Uint8Array(0),
  sender: new Uint8Array(32),
  connection: new Uint8Array(16),
  requestId: 0,
  requestSequence: 0,
};

function commit(store: Store): void {
  const made = store.commit(meta);
  if (made !== undefined) store.release(made);
}

/** Runs rounds of transfers on a new bank; gives the rate of each, in transfers a second. */
export function measureBank(program: ModuleProgram, kind: BankKind, roundCount: number, callCount: number): number[] {
  const store = openStore({});
  const instance = program.open(new StorePort(store));
  const def = checkModule(decodeModuleDef(instance.description));
  const reducerId = (name: string): number => def.reducers.find((reducer) => reducer.name === name)?.id ?? -1;
  store.begin();
  for (const table of def.tables) store.catalog.createTable(table);
  commit(store);
  const run = new BankRun(store, instance);
  run.open(reducerId(kind.open));
  return Array.from({ length: roundCount }, () => run.round(reducerId(kind.transfer), callCount));
}

class BankRun {
  private readonly store: Store;
  private readonly instance: ModuleInstance;
  private readonly callers = Array.from({ length: callerCount }, () => ({
    sender: crypto.getRandomValues(new Uint8Array(32)),
    connection: crypto.getRandomValues(new Uint8Array(16)),
  }));
  private random = 12_345;
  private nowMicros = 1;

  constructor(store: Store, instance: ModuleInstance) {
    this.store = store;
    this.instance = instance;
  }

  open(reducerId: number): void {
    const args = new Uint8Array(4);
    new DataView(args.buffer).setUint32(0, accountCount, true);
    this.store.begin();
    const { sender, connection } = meta;
    const outcome = this.instance.callReducer({ reducerId, sender, connection, timestampMicros: 1, args });
    if (outcome.kind !== "ok") throw new Error(JSON.stringify(outcome));
    commit(this.store);
  }

  /** Times so many calls; making their arguments is not timed. */
  round(reducerId: number, callCount: number): number {
    meta.reducerId = reducerId;
    const bytes = new Uint8Array(callsPerBatch * argsBytes);
    const view = new DataView(bytes.buffer);
    const args = Array.from({ length: callsPerBatch }, (_, slot) =>
      bytes.subarray(slot * argsBytes, (slot + 1) * argsBytes),
    );
    let spentMs = 0;
    for (let made = 0; made < callCount; made += callsPerBatch) {
      for (let at = 0; at < bytes.length; at += argsBytes) {
        const from = this.next();
        const to = this.next();
        view.setUint32(at, from, true);
        view.setUint32(at + 4, to === from ? (to + 1) % accountCount : to, true);
        view.setInt32(at + 8, 1, true);
      }
      const startedAt = performance.now();
      this.calls(reducerId, args);
      spentMs += performance.now() - startedAt;
    }
    return (callCount * 1000) / spentMs;
  }

  private calls(reducerId: number, batch: readonly Uint8Array<ArrayBuffer>[]): void {
    const store = this.store;
    const instance = this.instance;
    const callers = this.callers;
    const first = callers[0] ?? meta;
    const { sender, connection } = first;
    const call = { reducerId, sender, connection, timestampMicros: 1, args: batch[0] ?? meta.args };
    for (let index = 0; index < batch.length; index += 1) {
      const caller = callers[index % callerCount] ?? first;
      this.nowMicros += 1;
      meta.args = call.args = batch[index] ?? meta.args;
      meta.sender = call.sender = caller.sender;
      meta.connection = call.connection = caller.connection;
      meta.timestampMicros = call.timestampMicros = this.nowMicros;
      store.begin();
      const outcome = instance.callReducer(call);
      if (outcome.kind !== "ok") throw new Error(JSON.stringify(outcome));
      commit(store);
    }
  }

  private next(): number {
    this.random = (Math.imul(this.random, 1_103_515_245) + 12_345) >>> 0;
    return (this.random >>> 8) % accountCount;
  }
}

/** A port as the database makes it: the engine's transaction, and the rest beside it. */
class StorePort implements HostPort {
  readonly databaseIdentity = new Uint8Array(32);
  private readonly tx: Store["tx"];

  constructor(store: Store) {
    this.tx = store.tx;
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
    return this.tx.insert(table, bytes, at, length);
  }
  update(table: TableId, index: IndexId, bytes: Uint8Array, at: number, length: number): number {
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
    return this.tx.failure();
  }
  jwt(): undefined {}
  log(line: LogLine): void {
    console.log(line.message);
  }
  scheduleNow(): void {}
  nowMicros(): number {
    return 0;
  }
}
