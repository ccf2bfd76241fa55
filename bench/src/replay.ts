/**
 * How many records of a log's tail does a store replay a second, by itself?
 *
 * Workload: 100,000 accounts (id u32, balance i64), unique on id; then records of transfers between two of them,
 * and after those records that insert a row each. Unit: records/s. Expected: above 1,700,000 transfers.
 * Run: node bench/src/replay.ts [--smoke]
 */
import { commitMeta, openStore, tableDef } from "@lightcone/engine/testing";
import { t } from "@lightcone/sats";

const isSmoke = process.argv.includes("--smoke");
const accountCount = isSmoke ? 1000 : 100_000;
const transferCount = isSmoke ? 10_000 : 1_600_000;
const insertCount = isSmoke ? 10_000 : 1_000_000;
const row = new Uint8Array(12);
const rowView = new DataView(row.buffer);
const meta = commitMeta({ functionName: "transfer", args: new Uint8Array(16) });

/** Records back to back, as a log file has them. */
class Tail {
  private bytes = new Uint8Array(256 * 1024 ** 2);
  private readonly ends: number[] = [];
  private length = 0;

  push(record: Uint8Array): void {
    if (this.length + record.length > this.bytes.length) {
      const bytes = new Uint8Array(this.bytes.length * 2);
      bytes.set(this.bytes);
      this.bytes = bytes;
    }
    this.bytes.set(record, this.length);
    this.length += record.length;
    this.ends.push(this.length);
  }
  *records(): IterableIterator<Uint8Array> {
    let from = 0;
    for (const end of this.ends) {
      yield this.bytes.subarray(from, end);
      from = end;
    }
  }
}

let random = 12_345;
function pick(): number {
  random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
  return (random >>> 8) % accountCount;
}

/** What is before the tail, the transfers, and the inserts. */
function makeTails(): readonly [Tail, Tail, Tail] {
  const store = openStore();
  const tails = [new Tail(), new Tail(), new Tail()] as const;
  const finish = (tail: Tail): void => {
    const commit = store.commit(meta);
    if (commit === undefined) return;
    tail.push(commit.bytes);
    store.release(commit);
  };
  const put = (id: number, balance: number): void => {
    rowView.setUint32(0, id, true);
    rowView.setBigInt64(4, BigInt(balance), true);
  };
  store.begin();
  const table = store.catalog.createTable(
    tableDef({ name: "account", columns: { id: t.u32, balance: t.i64 }, unique: [["id"]] }),
  );
  const ledger = store.catalog.createTable(
    tableDef({ name: "ledger", columns: { id: t.u32, amount: t.i64 }, unique: [["id"]] }),
  );
  for (let id = 0; id < accountCount; id += 1) {
    put(id, 0);
    store.tx.insert(table.id, row, 0, 12);
  }
  finish(tails[0]);
  const index = table.indexes[0];
  if (index === undefined) throw new Error("the index is missing");
  for (let done = 1; done <= transferCount; done += 1) {
    store.begin();
    for (const id of [pick(), pick()]) {
      put(id, done);
      store.tx.update(table.id, index.id, row, 0, 12);
    }
    finish(tails[1]);
  }
  for (let done = 0; done < insertCount; done += 1) {
    store.begin();
    put(done, done);
    store.tx.insert(ledger.id, row, 0, 12);
    finish(tails[2]);
  }
  return tails;
}

const tails = makeTails();
const store = openStore();
function replay(tail: Tail): number {
  const begun = performance.now();
  let count = 0;
  for (const record of tail.records()) {
    store.release(store.apply(record));
    count += 1;
  }
  return Math.round(count / ((performance.now() - begun) / 1000));
}
replay(tails[0]);
console.log(
  JSON.stringify({
    question: "replay",
    transfersPerSecond: replay(tails[1]),
    insertsPerSecond: replay(tails[2]),
  }),
);
