/**
 * How many transfers a second does a TypeScript module do in the database thread, commits included, without a network?
 *
 * Workload: as `wasm-transfer.ts`: 100,000 accounts of 12 bytes with one unique index (and, in the second row, an
 * ordered index over the balance too); each call is one transaction and one commit record. The module runs in the
 * real sandbox. Unit: transfers per second, best and median of the rounds. Expected: above 1,500,000 for the first row.
 *
 *   node bench/src/js-transfer.ts [rounds] [calls per round]
 */
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { CommitKind, openStore, type Store } from "@lightcone/engine";
import type { HostPort } from "@lightcone/host";
import { loadJsModule } from "@lightcone/host-js";
import { checkModule, decodeModuleDef } from "@lightcone/schema";

const accountCount = 100_000;
const callerCount = 64;
/** Calls share buffers as they do when they arrive in frames. */
const callsPerFrame = 40;

export interface TransferRates {
  readonly name: string;
  readonly perSecond: readonly number[];
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
export async function measureTransfers(
  reducer: "transfer" | "transfer_ranked",
  rounds: number,
  callsPerRound: number,
): Promise<TransferRates> {
  const entry = fileURLToPath(new URL("../../modules/typescript/bank/src/index.ts", import.meta.url));
  const { code } = await bundleModule(entry);
  const store = openStore({});
  const instance = loadJsModule(code).open(new StorePort(store));
  const def = checkModule(decodeModuleDef(instance.description));
  const reducerId = (name: string): number => def.reducers.find((one) => one.name === name)?.id ?? -1;
  store.begin();
  for (const table of def.tables) store.catalog.createTable(table);
  commit(store);

  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, accountCount, true);
  const callers = Array.from({ length: callerCount }, () => ({
    sender: crypto.getRandomValues(new Uint8Array(32)),
    connection: crypto.getRandomValues(new Uint8Array(16)),
  }));
  const open = reducerId(reducer === "transfer" ? "open_accounts" : "open_ranked_accounts");
  const first = callers[0] ?? { sender: meta.sender, connection: meta.connection };
  store.begin();
  instance.callReducer({ reducerId: open, ...first, timestampMicros: 1, args: count });
  commit(store);

  const frame = new Uint8Array(callsPerFrame * 16);
  const view = new DataView(frame.buffer);
  const argsOf = Array.from({ length: callsPerFrame }, (_, at) => frame.subarray(at * 16, at * 16 + 16));
  const call = { reducerId: reducerId(reducer), ...first, timestampMicros: 1, args: frame };
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
      const slot = made % callsPerFrame;
      const from = next();
      const to = next();
      view.setUint32(slot * 16, from, true);
      view.setUint32(slot * 16 + 4, to === from ? (to + 1) % accountCount : to, true);
      view.setInt32(slot * 16 + 8, 1, true);
      const caller = callers[made % callerCount] ?? first;
      const args = argsOf[slot] ?? frame;
      call.sender = caller.sender;
      call.connection = caller.connection;
      call.args = args;
      call.timestampMicros += 1;
      meta.timestampMicros = call.timestampMicros;
      meta.args = args;
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

/** A port as the database makes it: the engine's transaction, and the rest beside it. */
class StorePort implements HostPort {
  readonly databaseIdentity = new Uint8Array(32);
  readonly #tx: Store["tx"];
  readonly place: HostPort["place"];
  constructor(store: Store) {
    this.#tx = store.tx;
    this.place = store.tx.place;
  }
  get generated(): Uint8Array {
    return this.#tx.generated;
  }
  tableId: HostPort["tableId"] = (name) => this.#tx.tableId(name);
  indexId: HostPort["indexId"] = (name) => this.#tx.indexId(name);
  rowCount: HostPort["rowCount"] = (table) => this.#tx.rowCount(table);
  insert: HostPort["insert"] = (table, bytes, at, length) => this.#tx.insert(table, bytes, at, length);
  update: HostPort["update"] = (table, index, bytes, at, length) => this.#tx.update(table, index, bytes, at, length);
  find: HostPort["find"] = (index, key, at, length) => this.#tx.find(index, key, at, length);
  deletePoint: HostPort["deletePoint"] = (index, key, at, length) => this.#tx.deletePoint(index, key, at, length);
  deleteRange: HostPort["deleteRange"] = (index, prefix, columns, from, to) =>
    this.#tx.deleteRange(index, prefix, columns, from, to);
  deleteRows: HostPort["deleteRows"] = (table, rows) => this.#tx.deleteRows(table, rows);
  clear: HostPort["clear"] = (table) => this.#tx.clear(table);
  scanTable: HostPort["scanTable"] = (table) => this.#tx.scanTable(table);
  scanPoint: HostPort["scanPoint"] = (index, key, at, length) => this.#tx.scanPoint(index, key, at, length);
  scanRange: HostPort["scanRange"] = (index, prefix, columns, from, to) =>
    this.#tx.scanRange(index, prefix, columns, from, to);
  locate: HostPort["locate"] = (row) => this.#tx.locate(row);
  failure: HostPort["failure"] = () => this.#tx.failure();
  jwt = (): undefined => undefined;
  log: HostPort["log"] = (line) => console.log(line.message);
  scheduleNow = (): void => {};
  nowMicros = (): number => 0;
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 7);
  const calls = Number(process.argv[3] ?? 500_000);
  for (const reducer of ["transfer", "transfer_ranked"] as const) {
    const { name, perSecond } = await measureTransfers(reducer, rounds, calls);
    const sorted = perSecond.toSorted((a, b) => a - b);
    const shown = (value: number | undefined) => Math.round(value ?? 0).toLocaleString("en");
    console.log(`${name}: median ${shown(sorted[Math.floor(sorted.length / 2)])}/s, best ${shown(sorted.at(-1))}/s`);
  }
}
