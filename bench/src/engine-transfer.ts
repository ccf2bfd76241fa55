/**
 * How many transfers a second does the engine do by itself, complete with `Commit`, and what do indexes cost?
 *
 * Workload: 100,000 accounts (id u32, balance i64, branch u32), unique on id. A transaction finds two by key, reads
 * both balances, updates both by key, commits and releases. Three tables, each in a process of its own:
 *
 *   sole     rows without `branch`, no index besides     expected: some 2,500,000 a second
 *   ranked   the same, and an index over balance, in which both rows move: four tree operations      1,000,000
 *   branch   an index over branch, of a thousand values, in which both rows stay                     1,200,000
 *
 * Unit: transfers/s, median of three rounds; engine's bytes an entry of the second index after all of them.
 * Run: node bench/src/engine-transfer.ts [sole | ranked | branch] [--smoke]
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { commitMeta, openStore, tableDef } from "@lightcone/engine/testing";
import { t } from "@lightcone/sats";

const isSmoke = process.argv.includes("--smoke");
const accountCount = isSmoke ? 1000 : 100_000;
const transferCount = isSmoke ? 10_000 : 2_000_000;
const branchCount = 1000;

const tables = {
  sole: { columns: { id: t.u32, balance: t.i64 }, index: undefined },
  ranked: { columns: { id: t.u32, balance: t.i64 }, index: "balance" },
  branch: { columns: { id: t.u32, balance: t.i64, branch: t.u32 }, index: "branch" },
} as const;

function measure(name: keyof typeof tables): Record<string, string | number> {
  const { columns, index: column } = tables[name];
  const open = (indexed: boolean) => {
    const store = openStore();
    store.begin();
    const table = store.catalog.createTable(
      tableDef({
        name: "account",
        columns,
        unique: [["id"]],
        indexes: indexed && column !== undefined ? [{ columns: [column] }] : [],
      }),
    );
    const row = new Uint8Array(name === "branch" ? 16 : 12);
    const view = new DataView(row.buffer);
    for (let id = 0; id < accountCount; id += 1) {
      view.setUint32(0, id, true);
      view.setBigInt64(4, 1_000_000n, true);
      if (name === "branch") view.setUint32(12, id % branchCount, true);
      store.tx.insert(table.id, row, 0, row.length);
    }
    const loaded = store.commit(commitMeta());
    if (loaded !== undefined) store.release(loaded);
    return { store, table, row, view };
  };
  const { store, table, row, view } = open(true);
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
    view.setUint32(0, id, true);
    tx.resolve(tx.find(index as never, row, 0, 4) as never);
    const { row: seen } = tx;
    const low = seen.view.getUint32(seen.at + 4, true) + by;
    const high = seen.view.getInt32(seen.at + 8, true);
    view.setUint32(4, low >>> 0, true);
    view.setInt32(8, high + (low < 0 ? -1 : low > 0xffff_ffff ? 1 : 0), true);
    if (row.length === 16) view.setUint32(12, seen.view.getUint32(seen.at + 12, true), true);
    tx.update(table.id, index as never, row, 0, row.length);
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
  return {
    question: `engine-transfer ${name}`,
    transfersPerSecond: Math.round(rates[1] ?? 0),
    perCpuSecond: Math.round((3 * transferCount) / cpuSeconds),
    best: Math.round(rates[2] ?? 0),
    recordBytes: Math.round(recordBytes / (3 * transferCount)),
    entryBytes: Math.round(((store.memoryBytes - open(false).store.memoryBytes) / accountCount) * 10) / 10,
  };
}

const asked = process.argv.find((argument): argument is keyof typeof tables => argument in tables);
if (asked !== undefined) console.log(JSON.stringify(measure(asked)));
else {
  const options = isSmoke ? ["--smoke"] : [];
  for (const name of Object.keys(tables))
    spawnSync(process.execPath, [fileURLToPath(import.meta.url), name, ...options], { stdio: "inherit" });
}
