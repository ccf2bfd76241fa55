/**
 * How many transfers a second does a Rust module do in the database thread, commits included, without a network?
 *
 * Workload: 100,000 accounts of 12 bytes, one unique index (and, in the second row, an ordered index over the
 * balance that every transfer moves); 64 callers in turn; each call is one transaction and one commit record.
 * Unit: transfers per second, best and median of the rounds. Expected: above 1,000,000 for the first row.
 *
 *   node bench/src/wasm-transfer.ts [rounds] [calls per round]
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CommitKind, openStore, type Store } from "@lightcone/engine";
import type { HostPort, ModuleInstance } from "@lightcone/host";
import { loadWasmModule } from "@lightcone/host-wasm";
import { checkModule, decodeModuleDef } from "@lightcone/schema";

const accountCount = 100_000;
const callerCount = 64;

export interface TransferRates {
  readonly name: string;
  readonly perSecond: readonly number[];
}

interface Bank {
  readonly store: Store;
  readonly instance: ModuleInstance;
  readonly reducerId: (name: string) => number;
}

/** Opens the bank on a store of its own. Undefined when the module is not built. */
function openBank(): Bank | undefined {
  const path = fileURLToPath(new URL("../../modules/rust/built/bank.wasm", import.meta.url));
  if (!existsSync(path)) return undefined;
  const store = openStore({});
  const instance = loadWasmModule(readFileSync(path), { memoryPagesMax: 4096 }).open(portOf(store));
  const def = checkModule(decodeModuleDef(instance.description));
  store.begin();
  for (const table of def.tables) store.catalog.createTable(table);
  commit(store);
  return { store, instance, reducerId: (name) => def.reducers.find((reducer) => reducer.name === name)?.id ?? -1 };
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

/** Runs rounds of transfers; gives the rate of each. */
export function measureTransfers(
  reducer: "transfer" | "transfer_ranked",
  rounds: number,
  callsPerRound: number,
): TransferRates | undefined {
  const bank = openBank();
  if (bank === undefined) return undefined;
  const { store, instance } = bank;
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, accountCount, true);
  const callers = Array.from({ length: callerCount }, () => ({
    sender: crypto.getRandomValues(new Uint8Array(32)),
    connection: crypto.getRandomValues(new Uint8Array(16)),
  }));
  const open = bank.reducerId(reducer === "transfer" ? "open_accounts" : "open_ranked_accounts");
  const [first] = callers;
  if (first === undefined) return undefined;
  store.begin();
  instance.callReducer({ reducerId: open, ...first, timestampMicros: 1, args: count });
  commit(store);

  const args = new Uint8Array(16);
  const view = new DataView(args.buffer);
  view.setInt32(8, 1, true);
  const call = { reducerId: bank.reducerId(reducer), ...first, timestampMicros: 1, args };
  meta.args = args;
  meta.reducerId = call.reducerId;
  let random = 12_345;
  const next = () => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    return (random >>> 8) % accountCount;
  };
  const perSecond: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    for (let made = 0; made < callsPerRound; made += 1) {
      const from = next();
      const to = next();
      view.setUint32(0, from, true);
      view.setUint32(4, to === from ? (to + 1) % accountCount : to, true);
      const caller = callers[made % callerCount] ?? first;
      call.sender = caller.sender;
      call.connection = caller.connection;
      call.timestampMicros += 1;
      meta.timestampMicros = call.timestampMicros;
      meta.sender = caller.sender;
      meta.connection = caller.connection;
      store.begin();
      const outcome = instance.callReducer(call);
      if (outcome.kind !== "ok") throw new Error(JSON.stringify(outcome));
      commit(store);
    }
    perSecond.push((callsPerRound * 1000) / (performance.now() - startedAt));
  }
  return { name: reducer, perSecond };
}

/** A port straight onto the transaction. */
function portOf(store: Store): HostPort {
  const { tx } = store;
  return {
    databaseIdentity: new Uint8Array(32),
    place: tx.place,
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
    locate: (row) => tx.locate(row),
    failure: () => tx.failure(),
    jwt: () => undefined,
    log: (line) => console.log(line.message),
    scheduleNow: () => {},
    nowMicros: () => 0,
  };
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 7);
  const calls = Number(process.argv[3] ?? 500_000);
  for (const reducer of ["transfer", "transfer_ranked"] as const) {
    const rates = measureTransfers(reducer, rounds, calls);
    if (rates === undefined) {
      console.log("wasm-transfer: skipped, since modules/rust/built/bank.wasm is not built");
      continue;
    }
    const sorted = rates.perSecond.toSorted((a, b) => a - b);
    const round = (value: number | undefined) => Math.round(value ?? 0).toLocaleString("en");
    console.log(
      `${rates.name}: median ${round(sorted[Math.floor(sorted.length / 2)])}/s, best ${round(sorted.at(-1))}/s`,
    );
  }
}
