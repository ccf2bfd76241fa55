/**
 * How many transfers a second does the engine do by itself, complete with `Commit`?
 *
 * Workload: 100,000 accounts (id u32, balance i64), unique on id. A transaction finds two by key, reads both
 * balances, updates both by key, commits and releases. Unit: transfers/s. Expected: some 2,500,000.
 * Run: node bench/src/engine-transfer.ts [--smoke]
 */
import { commitMeta, openStore, tableDef } from "@lightcone/engine/testing";
import { t } from "@lightcone/sats";

const isSmoke = process.argv.includes("--smoke");
const accountCount = isSmoke ? 1000 : 100_000;
const transferCount = isSmoke ? 10_000 : 3_000_000;

const store = openStore();
store.begin();
const table = store.catalog.createTable(
  tableDef({ name: "account", columns: { id: t.u32, balance: t.i64 }, unique: [["id"]] }),
);
const row = new Uint8Array(12);
const rowView = new DataView(row.buffer);
for (let id = 0; id < accountCount; id += 1) {
  rowView.setUint32(0, id, true);
  rowView.setBigInt64(4, 1_000_000n, true);
  store.tx.insert(table.id, row, 0, 12);
}
const loaded = store.commit(commitMeta());
if (loaded !== undefined) store.release(loaded);

const index = store.tx.indexId("account_id_idx_btree");
if (index === 0) throw new Error("the index is missing");
const { tx } = store;
const meta = commitMeta({ functionName: "transfer", args: new Uint8Array(16) });
let random = 12_345;
function pick(): number {
  random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
  return (random >>> 8) % accountCount;
}

function change(id: number, by: number): void {
  rowView.setUint32(0, id, true);
  tx.locate(tx.find(index as never, row, 0, 4) as never);
  const { place } = tx;
  const low = place.view.getUint32(place.at + 4, true) + by;
  const high = place.view.getInt32(place.at + 8, true);
  rowView.setUint32(4, low >>> 0, true);
  rowView.setInt32(8, high + (low < 0 ? -1 : low > 0xffff_ffff ? 1 : 0), true);
  tx.update(table.id, index as never, row, 0, 12);
}

let recordBytes = 0;
function run(count: number): number {
  const begun = performance.now();
  for (let done = 0; done < count; done += 1) {
    const from = pick();
    const to = pick();
    if (from === to) continue;
    store.begin();
    change(from, -1);
    change(to, 1);
    const commit = store.commit(meta);
    if (commit === undefined) continue;
    recordBytes += commit.bytes.length;
    store.release(commit);
  }
  return count / ((performance.now() - begun) / 1000);
}

run(Math.min(transferCount, 200_000));
recordBytes = 0;
const begunCpu = process.cpuUsage();
const rates = [1, 2, 3].map(() => run(transferCount)).sort((a, b) => a - b);
const cpuSeconds = process.cpuUsage(begunCpu).user / 1e6;
console.log(
  JSON.stringify({
    question: "engine-transfer",
    transfersPerSecond: Math.round(rates[1] ?? 0),
    perCpuSecond: Math.round((3 * transferCount) / cpuSeconds),
    best: Math.round(rates[2] ?? 0),
    recordBytes: Math.round(recordBytes / (3 * transferCount)),
  }),
);
