/** How many bytes does a row cost after churn, and how long does a table pause others while it grows? */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { commitMeta, openStore, type Store, type Table, tableDef } from "@lightcone/engine/testing";
import { t } from "@lightcone/sats";
import type { Figure, Question } from "./support/question.ts";

const meta = commitMeta();
const fixedBytesMax = 40;
const pauseMsMax = 5;

export const memory: Question = {
  name: "memory",
  workload:
    "the engine alone: 1,000,000 rows of 12 bytes with one unique index, 10,000,000 random updates; as many of some 80 bytes with two strings and no unique index, 10,000,000 random replacements by rows of other lengths; a table of 12-byte rows with two indexes that grows to 10,000,000 in transactions of 10",
  unit: "bytes a row, by the engine's account and as the process holds them; ms of the longest transaction",
  expected: "30 and 110 bytes; below 5 ms",
  run: (run) => {
    const rowCount = run.isSmoke ? 10_000 : 1_000_000;
    return Promise.resolve([
      ...fixedRows(rowCount),
      ...variableRows(rowCount),
      ...growth(run.isSmoke ? 100_000 : 10_000_000),
    ]);
  },
};

let random = 12_345;
function pick(below: number): number {
  random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
  return (random >>> 4) % below;
}

function finish(store: Store): void {
  const commit = store.commit(meta);
  if (commit !== undefined) store.release(commit);
}

/** Bytes that the process holds outside and inside the heap, garbage aside. */
function held(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

/** One million rows are updated ten times each, on the average. */
const updatesPerRow = 10;

function fixedRows(rowCount: number): Figure[] {
  const before = held();
  const store = openStore();
  store.begin();
  const table = store.catalog.createTable(
    tableDef({ name: "account", columns: { id: t.u32, balance: t.i64 }, unique: [["id"]] }),
  );
  finish(store);
  const [index] = table.indexes;
  const row = new Uint8Array(12);
  const view = new DataView(row.buffer);
  const engineBefore = store.memoryBytes;
  for (let id = 0; id < rowCount; id += 1) {
    if (id % 1000 === 0) store.begin();
    view.setUint32(0, id, true);
    store.tx.insert(table.id, row, 0, 12);
    if (id % 1000 === 999) finish(store);
  }
  for (let done = 0; done < rowCount * updatesPerRow; done += 1) {
    if (done % 100 === 0) store.begin();
    view.setUint32(0, pick(rowCount), true);
    view.setUint32(4, done, true);
    store.tx.update(table.id, index?.id as never, row, 0, 12);
    if (done % 100 === 99) finish(store);
  }
  const reach = `<= ${fixedBytesMax}`;
  return [
    { name: "12-byte rows", value: (store.memoryBytes - engineBefore) / rowCount, unit: "bytes", reach },
    { name: "12-byte rows, process", value: (held() - before) / rowCount, unit: "bytes", reach },
  ];
}

function variableRows(rowCount: number): Figure[] {
  const before = held();
  const store = openStore();
  store.begin();
  const table: Table = store.catalog.createTable(
    tableDef({ name: "note", columns: { id: t.u64, a: t.string, b: t.string } }),
  );
  finish(store);
  const row = new Uint8Array(4 + 200).fill(97);
  const view = new DataView(row.buffer);
  // Bytes 4 … are the row; the four before let one row stand as the array of rows that deleting takes.
  const write = (id: number, version: number): number => {
    const a = 20 + ((id * 7 + version * 13) % 25);
    const b = 20 + ((id * 11 + version * 5) % 25);
    view.setUint32(4, id, true);
    view.setUint32(8, version, true);
    view.setUint32(12, a, true);
    view.setUint32(16 + a, b, true);
    row.fill(97, 16, 16 + a);
    row.fill(97, 20 + a, 20 + a + b);
    return 16 + a + b;
  };
  const engineBefore = store.memoryBytes;
  const versions = new Uint16Array(rowCount);
  for (let id = 0; id < rowCount; id += 1) {
    if (id % 1000 === 0) store.begin();
    store.tx.insert(table.id, row, 4, write(id, 0));
    if (id % 1000 === 999) finish(store);
  }
  for (let done = 0; done < rowCount * updatesPerRow; done += 1) {
    if (done % 100 === 0) store.begin();
    const id = pick(rowCount);
    const version = versions[id] as number;
    view.setUint32(0, 1, true);
    const length = write(id, version);
    view.setUint32(0, 1, true);
    store.tx.deleteRows(table.id, row.subarray(0, 4 + length));
    store.tx.insert(table.id, row, 4, write(id, version + 1));
    versions[id] = version + 1;
    if (done % 100 === 99) finish(store);
  }
  const mean = table.rowBytes / table.rowCount;
  const name = `rows of ${mean.toFixed(1)} bytes`;
  const reach = `<= ${(1.5 * mean + 40).toFixed(1)}: 1.5 x the row + 40`;
  return [
    { name, value: (store.memoryBytes - engineBefore) / rowCount, unit: "bytes", reach },
    { name: `${name}, process`, value: (held() - before) / rowCount, unit: "bytes", reach },
  ];
}

function growth(grownCount: number): Figure[] {
  const store = openStore();
  store.begin();
  const table = store.catalog.createTable(
    tableDef({
      name: "event",
      columns: { id: t.u32, group: t.u32, value: t.u32 },
      unique: [["id"]],
      indexes: [{ columns: ["group"] }],
    }),
  );
  finish(store);
  const row = new Uint8Array(12);
  const view = new DataView(row.buffer);
  const pauses: number[] = [];
  const begun = performance.now();
  for (let id = 0; id < grownCount; id += 10) {
    const from = performance.now();
    store.begin();
    for (let each = id; each < id + 10; each += 1) {
      view.setUint32(0, each, true);
      view.setUint32(4, pick(1 << 28), true);
      store.tx.insert(table.id, row, 0, 12);
    }
    finish(store);
    pauses.push(performance.now() - from);
  }
  const seconds = (performance.now() - begun) / 1000;
  pauses.sort((a, b) => b - a);
  return [
    { name: "growing, rows added", value: grownCount / seconds, unit: "rows/s" },
    { name: "growing, longest transaction", value: pauses[0] ?? 0, unit: "ms", reach: `<= ${pauseMsMax}` },
    { name: "growing, tenth longest", value: pauses[9] ?? 0, unit: "ms" },
    {
      name: `growing, transactions over ${pauseMsMax} ms`,
      value: pauses.filter((pause) => pause > pauseMsMax).length,
      unit: "transactions",
    },
    { name: "grown, rows with two indexes", value: store.memoryBytes / grownCount, unit: "bytes" },
  ];
}
