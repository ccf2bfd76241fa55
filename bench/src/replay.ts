/** How many records of a log's tail does a store replay a second, by itself? */
import { commitMeta, openStore, tableDef } from "@lightcone/engine/testing";
import { t } from "@lightcone/sats";
import type { Question } from "./support/question.ts";

const row = new Uint8Array(12);
const rowView = new DataView(row.buffer);
const meta = commitMeta({ functionName: "transfer", args: new Uint8Array(16) });

export const replay: Question = {
  name: "replay",
  workload:
    "the engine alone, from memory: 1,600,000 records of transfers between 100,000 accounts of 12 bytes with one unique index, and 1,000,000 records that insert a row each",
  unit: "records/s",
  expected: "above 1,700,000 transfers",
  run: (run) => {
    const accountCount = run.isSmoke ? 1000 : 100_000;
    const tails = run.isSmoke ? makeTails(accountCount, 10_000, 10_000) : makeTails(accountCount, 1_600_000, 1_000_000);
    const store = openStore();
    const rate = (tail: Tail): number => {
      const startedAt = performance.now();
      let count = 0;
      for (const record of tail.records()) {
        store.release(store.apply(record));
        count += 1;
      }
      return (count * 1000) / (performance.now() - startedAt);
    };
    rate(tails.accounts);
    return Promise.resolve([
      { name: "transfers", value: rate(tails.transfers), unit: "records/s", reach: ">= 1,700,000" },
      { name: "inserts", value: rate(tails.inserts), unit: "records/s" },
    ]);
  },
};

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

/** What is before the tail, the transfers, and the inserts. */
interface Tails {
  readonly accounts: Tail;
  readonly transfers: Tail;
  readonly inserts: Tail;
}

function makeTails(accountCount: number, transferCount: number, insertCount: number): Tails {
  const store = openStore();
  const tails = { accounts: new Tail(), transfers: new Tail(), inserts: new Tail() };
  let random = 12_345;
  const pick = (): number => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    return (random >>> 8) % accountCount;
  };
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
  finish(tails.accounts);
  const index = table.indexes[0];
  if (index === undefined) throw new Error("the index is missing");
  for (let done = 1; done <= transferCount; done += 1) {
    store.begin();
    for (const id of [pick(), pick()]) {
      put(id, done);
      store.tx.update(table.id, index.id, row, 0, 12);
    }
    finish(tails.transfers);
  }
  for (let done = 0; done < insertCount; done += 1) {
    store.begin();
    put(done, done);
    store.tx.insert(ledger.id, row, 0, 12);
    finish(tails.inserts);
  }
  return tails;
}
