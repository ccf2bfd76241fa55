/**
 * A database as small as can be: a module, the real engine, and nothing between. For tests of the module host.
 *
 * Calls commit or roll back as the real one does; logs and scheduled calls are kept to be looked at.
 */
import { type Commit, CommitKind, type CommitMeta, openStore, type Store } from "@lightcone/engine";
import {
  type CallOutcome,
  Errno,
  type HostPort,
  type LogLine,
  type ModuleInstance,
  type ModuleProgram,
  type ProcedureOutcome,
} from "@lightcone/host";
import { type HostCallWatcher, loadWasmModule } from "@lightcone/host-wasm";
import { checkModule, decodeModuleDef, type ModuleDef } from "@lightcone/schema";
import { type AlgebraicType, ByteReader, ByteWriter, valueCodec } from "@lightcone/sats";

export interface Caller {
  readonly sender: Uint8Array;
  readonly connection: Uint8Array;
}

const noBytes = new Uint8Array(0);
/** Sender words 1, 2, 3, 4 and connection words 5, 6, as the recorded traces have them. */
export const traceCaller: Caller = { sender: words(1, 2, 3, 4), connection: words(5, 6) };
export const internalCaller: Caller = { sender: words(9, 9, 9, 9), connection: words(0, 0) };
export const traceMicros = 1_700_000_000_000_000;

export interface EngineDatabaseOptions {
  readonly memoryPagesMax?: number;
  readonly bytesMax?: number;
  readonly watch?: HostCallWatcher;
  /** Claims by connection, as hex. */
  readonly claims?: ReadonlyMap<string, Uint8Array>;
}

export class EngineDatabase {
  readonly store: Store;
  readonly program: ModuleProgram;
  readonly port: HostPort;
  readonly def: ModuleDef;
  readonly logs: LogLine[] = [];
  readonly scheduled: { readonly name: string; readonly args: Uint8Array }[] = [];
  instance: ModuleInstance;
  nowMicros = traceMicros;

  /** Of a WebAssembly module's bytes, or of any program. */
  constructor(module: Uint8Array | ModuleProgram, options: EngineDatabaseOptions = {}) {
    this.store = openStore({ bytesMax: options.bytesMax });
    this.port = this.makePort(options);
    const limits = { memoryPagesMax: options.memoryPagesMax ?? 1024 };
    this.program = module instanceof Uint8Array ? loadWasmModule(module, limits, options.watch) : module;
    this.instance = this.program.open(this.port);
    this.def = checkModule(decodeModuleDef(this.instance.description));
    this.store.begin();
    for (const table of this.def.tables) this.store.catalog.createTable(table);
    this.commit(this.meta(CommitKind.publish, ""));
  }

  /** Calls a reducer by its name, with the values of its parameters in order. */
  call(name: string, args: readonly unknown[] = [], caller: Caller = traceCaller): CallOutcome {
    const reducer = this.def.reducers.find((found) => found.name === name);
    if (reducer === undefined) throw new Error(`no reducer ${name}`);
    return this.callRaw(reducer.id, this.encode(reducer.params.elements, args), caller, name);
  }

  callRaw(reducerId: number, args: Uint8Array, caller: Caller = traceCaller, name = ""): CallOutcome {
    this.store.begin();
    let outcome: CallOutcome;
    try {
      outcome = this.instance.callReducer({ reducerId, ...caller, timestampMicros: this.nowMicros, args });
    } catch (error) {
      this.store.rollback();
      this.reopen();
      throw error;
    }
    if (outcome.kind === "ok") this.commit(this.meta(CommitKind.reducer, name));
    else this.store.rollback();
    if (outcome.kind === "panic" && outcome.fatal) this.reopen();
    return outcome;
  }

  callProcedure(name: string, args: readonly unknown[] = []): ProcedureOutcome {
    const procedure = this.def.procedures.find((found) => found.name === name);
    if (procedure === undefined || this.instance.callProcedure === undefined) throw new Error(`no procedure ${name}`);
    const outcome = this.instance.callProcedure({
      procedureId: procedure.id,
      ...traceCaller,
      timestampMicros: this.nowMicros,
      args: this.encode(procedure.params.elements, args),
    });
    if (outcome === undefined) throw new Error(`procedure ${name} waits`);
    if (outcome.kind === "panic" && outcome.fatal) this.reopen();
    return outcome;
  }

  /** What a call takes apart from the function's id and arguments. */
  get traceCall(): { sender: Uint8Array; connection: Uint8Array; timestampMicros: number; args: Uint8Array } {
    return { ...traceCaller, timestampMicros: this.nowMicros, args: noBytes };
  }

  /** Writes tables directly and commits. */
  transact(work: () => void): void {
    this.store.begin();
    work();
    this.commit(this.meta(CommitKind.internal, ""));
  }

  /** Makes a new instance, as after a call that broke the old one. */
  reopen(): void {
    this.instance = this.program.open(this.port);
  }

  /** A table's rows as bytes, in the store's order. */
  rowBytes(tableName: string): Uint8Array[] {
    const table = this.store.tableByName(tableName);
    if (table === undefined) throw new Error(`no table ${tableName}`);
    const cursor = table.openCursor();
    cursor.seek();
    const rows: Uint8Array[] = [];
    for (let row = cursor.next(); row !== -1; row = cursor.next()) {
      this.store.resolve(row);
      const { bytes, at, length } = this.store.row;
      rows.push(bytes.slice(at, at + length));
    }
    return rows;
  }

  /** A table's rows as values. */
  rows(tableName: string): Record<string, unknown>[] {
    const def = this.def.tables.find((table) => table.name === tableName);
    if (def === undefined) throw new Error(`no table ${tableName}`);
    const codec = valueCodec<Record<string, unknown>>(def.rowType);
    return this.rowBytes(tableName).map((bytes) => codec.read(new ByteReader(bytes, "a row")));
  }

  encode(elements: readonly { readonly type: AlgebraicType }[], values: readonly unknown[]): Uint8Array {
    const out = new ByteWriter();
    elements.forEach((element, at) => valueCodec(element.type, this.def.typespace).write(out, values[at]));
    return out.bytes.slice(0, out.length);
  }

  private meta(kind: CommitKind, functionName: string): CommitMeta {
    return {
      kind,
      timestampMicros: this.nowMicros,
      functionName,
      reducerId: 0xffff_ffff,
      args: noBytes,
      sender: traceCaller.sender,
      connection: traceCaller.connection,
      requestId: 0,
      requestSequence: 0,
    };
  }

  private commit(meta: CommitMeta): Commit | undefined {
    const commit = this.store.commit(meta);
    if (commit !== undefined) this.store.release(commit);
    return commit;
  }

  private makePort(options: EngineDatabaseOptions): HostPort {
    const { store } = this;
    const { tx } = store;
    return {
      databaseIdentity: new Uint8Array(32).fill(0xdb),
      row: tx.row,
      get generated() {
        return tx.generated;
      },
      tableId: (name) => tx.tableId(name),
      indexId: (name) => tx.indexId(name),
      rowCount: (table) => tx.rowCount(table),
      insert: (table, bytes, at, length) => tx.insert(table, bytes, at, length),
      update: (table, index, bytes, at, length) => tx.update(table, index, bytes, at, length),
      find: (index, key, at, length) => tx.find(index, key, at, length),
      deletePoint: (index, key, at, length) => tx.deletePoint(index, key, at, length),
      deleteRange: (index, prefix, columns, from, to) => tx.deleteRange(index, prefix, columns, from, to),
      deleteRows: (table, rows) => tx.deleteRows(table, rows),
      clear: (table) => tx.clear(table),
      scanTable: (table) => tx.scanTable(table),
      scanPoint: (index, key, at, length) => tx.scanPoint(index, key, at, length),
      scanRange: (index, prefix, columns, from, to) => tx.scanRange(index, prefix, columns, from, to),
      resolve: (row) => tx.resolve(row),
      failure: () => tx.failure(),
      jwt: (connection) => options.claims?.get(Buffer.from(connection).toString("hex")),
      log: (line) => void this.logs.push(line),
      scheduleNow: (name, args) => void this.scheduled.push({ name, args }),
      procedureTransactions: {
        begin: () => {
          if (store.isOpen) return -Errno.wouldBlockTransaction;
          store.begin();
          this.nowMicros += 1000;
          return this.nowMicros;
        },
        commit: () => {
          this.commit(this.meta(CommitKind.internal, ""));
          return 0;
        },
        abort: () => {
          store.rollback();
          return 0;
        },
      },
      // Nothing goes on here that waits.
      procedureWaits: { sleepUntil: () => undefined, request: () => undefined },
      nowMicros: () => this.nowMicros,
    };
  }
}

/** 64-bit words as little-endian bytes. */
function words(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  values.forEach((value, at) => view.setBigUint64(at * 8, BigInt(value), true));
  return new Uint8Array(view.buffer);
}
