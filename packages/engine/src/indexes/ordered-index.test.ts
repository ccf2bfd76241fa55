/**
 * Goal: trees keep rows of every key type in value order through splits and merges, whatever the prefix can tell.
 * Method: per type some thousand random keys, near each other and far apart, inserted and deleted in random order;
 * the order is checked against values compared in JavaScript, ranges against a filter, and `checkStore` against
 * the rows.
 */
import type { RowRef } from "@lightcone/base";
import {
  type AlgebraicType,
  ByteReader,
  ByteWriter,
  identity,
  product,
  sum,
  t,
  timestamp,
  unit,
  valueCodec,
} from "@lightcone/sats";
import { expect, test } from "vitest";
import type { Store } from "../api.ts";
import type { Table } from "../api-tables.ts";
import { checkStore } from "../check-store.ts";
import { openStore } from "../open-store.ts";
import { commitMeta, tableDef } from "../testing/defs.ts";

let random = 99;
const pick = (below: number): number => {
  random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
  return (random >>> 7) % below;
};
const wide = (bits: number): bigint => {
  let value = 0n;
  for (let word = 0; word < bits; word += 16)
    value = (value << 16n) | BigInt(pick(3) === 0 ? pick(65_536) : pick(2) * 65_535);
  return pick(2) === 0 ? value : BigInt(pick(500));
};
const text = (): string =>
  ["", "a", "abcdefgh", "é", "prefix-", "prefix-prefix-"][pick(6)] +
  String.fromCodePoint(97 + pick(26)).repeat(pick(4)) +
  pick(3);
const signed = (bits: number): bigint => BigInt.asIntN(bits, wide(bits));

type Key = bigint | number | string | boolean;

const types: { name: string; type: AlgebraicType; make: () => unknown; keyOf: (value: never) => readonly Key[] }[] = [
  { name: "u8", type: t.u8, make: () => pick(256), keyOf: (value) => [value] },
  { name: "i16", type: t.i16, make: () => pick(65_536) - 32_768, keyOf: (value) => [value] },
  { name: "i32", type: t.i32, make: () => pick(2 ** 25) * 128 - 2 ** 31, keyOf: (value) => [value] },
  { name: "bool", type: t.bool, make: () => pick(2) === 1, keyOf: (value) => [value] },
  { name: "u64", type: t.u64, make: () => wide(64), keyOf: (value) => [value] },
  { name: "i64", type: t.i64, make: () => signed(64), keyOf: (value) => [value] },
  { name: "u128", type: t.u128, make: () => wide(128), keyOf: (value) => [value] },
  { name: "i128", type: t.i128, make: () => signed(128), keyOf: (value) => [value] },
  { name: "i256", type: t.i256, make: () => signed(256), keyOf: (value) => [value] },
  {
    name: "f64",
    type: t.f64,
    make: () => [0, -0, NaN, Infinity, -Infinity, 5e-324, pick(100) - 50.5][pick(7)],
    keyOf: (value) => [value],
  },
  { name: "string", type: t.string, make: text, keyOf: (value) => [value] },
  {
    name: "enum",
    type: sum({ a: unit, b: unit, c: unit }),
    make: () => ({ tag: ["a", "b", "c"][pick(3)] }),
    keyOf: (value: { tag: string }) => [value.tag],
  },
  {
    name: "sum with payloads",
    type: sum({ a: t.u32, b: t.string }),
    make: () => (pick(2) === 0 ? { tag: "a", value: pick(1000) } : { tag: "b", value: text() }),
    keyOf: (value: { tag: string; value: Key }) => [value.tag, value.value],
  },
  {
    name: "product",
    type: product({ x: t.i8, y: t.string, z: t.u64 }),
    make: () => ({ x: pick(4) - 2, y: text(), z: wide(64) }),
    keyOf: (value: { x: Key; y: Key; z: Key }) => [value.x, value.y, value.z],
  },
];

function compareKeys(a: readonly Key[], b: readonly Key[]): number {
  for (let index = 0; index < a.length; index += 1) {
    const left = a[index] as Key;
    const right = b[index] as Key;
    if (typeof left === "string") {
      const order = Buffer.compare(Buffer.from(left), Buffer.from(right as string));
      if (order !== 0) return order;
    } else if (left < right) return -1;
    else if (left > right) return 1;
    else {
      const order = Number(Number.isNaN(left)) - Number(Number.isNaN(right));
      if (order !== 0) return order;
    }
  }
  return 0;
}

interface Row {
  readonly k: unknown;
  readonly n: number;
}

test.each(types)("keys of type $name", ({ type, make, keyOf }) => {
  const store: Store = openStore();
  const finish = (): void => {
    const commit = store.commit(commitMeta());
    if (commit !== undefined) store.release(commit);
  };
  store.begin();
  const table: Table = store.catalog.createTable(
    tableDef({
      name: "row",
      columns: { k: type, n: t.u32 },
      unique: [["n"]],
      indexes: [{ columns: ["k"] }, { columns: ["k", "n"] }],
    }),
  );
  finish();
  const codec = valueCodec<Row>(table.def.rowType);
  const keyCodec = valueCodec(type);
  const out = new ByteWriter();
  const encode = <T>(write: (out: ByteWriter, value: T) => void, value: T): Uint8Array => {
    out.reset();
    write(out, value);
    return out.toBytes();
  };
  const rows = new Map<number, Row>();
  store.begin();
  for (let step = 0; step < 6000; step += 1) {
    const n = pick(3000);
    const row: Row = { k: make(), n };
    const bytes = encode(codec.write.bind(codec), row);
    const unique = table.indexes.find((index) => index.unique)?.id as never;
    if (step > 4000 && pick(3) > 0) {
      store.tx.deletePoint(
        unique,
        encode((target, value: number) => target.u32(value), n),
        0,
        4,
      );
      rows.delete(n);
      continue;
    }
    if (store.tx.update(table.id, unique, bytes, 0, bytes.length) < 0)
      store.tx.insert(table.id, bytes, 0, bytes.length);
    rows.set(n, row);
    if (step % 500 === 499) {
      finish();
      store.begin();
    }
  }
  finish();
  expect(checkStore(store)).toEqual([]);

  const read = (ref: number): Row => {
    store.resolve(ref as RowRef);
    const { row } = store;
    const reader = new ByteReader(row.bytes);
    reader.set(row.bytes, row.view, row.at, row.at + row.length);
    return codec.read(reader);
  };
  for (const index of table.indexes) {
    if (index.unique) continue;
    const cursor = index.openCursor();
    for (let round = 0; round < 20; round += 1) {
      const low = make() as never;
      const high = make() as never;
      cursor.seekRange(
        new Uint8Array(0),
        0,
        round === 0
          ? { kind: "unbounded" }
          : { kind: round % 2 === 0 ? "included" : "excluded", bytes: encode(keyCodec.write.bind(keyCodec), low) },
        round === 0
          ? { kind: "unbounded" }
          : { kind: round % 3 === 0 ? "included" : "excluded", bytes: encode(keyCodec.write.bind(keyCodec), high) },
      );
      const seen: Row[] = [];
      for (let ref = cursor.next(); ref >= 0; ref = cursor.next()) seen.push(read(ref));
      const expected = [...rows.values()].filter((row) => {
        if (round === 0) return true;
        const fromLow = compareKeys(keyOf(row.k as never), keyOf(low));
        const toHigh = compareKeys(keyOf(row.k as never), keyOf(high));
        return (round % 2 === 0 ? fromLow >= 0 : fromLow > 0) && (round % 3 === 0 ? toHigh <= 0 : toHigh < 0);
      });
      expect(seen.map((row) => row.n).toSorted()).toEqual(expected.map((row) => row.n).toSorted());
      for (let at = 1; at < seen.length; at += 1) {
        const before = seen[at - 1] as Row;
        const after = seen[at] as Row;
        const order = compareKeys(keyOf(before.k as never), keyOf(after.k as never));
        expect(order <= 0, `${String(before.k)} before ${String(after.k)}`).toBe(true);
        if (order === 0 && index.def.columns.length === 2) expect(before.n).toBeLessThan(after.n);
      }
    }
  }
});

test("identities and timestamps order as their numbers", () => {
  const store = openStore();
  store.begin();
  const table = store.catalog.createTable(
    tableDef({
      name: "row",
      columns: { who: identity, at: timestamp },
      indexes: [{ columns: ["who"] }, { columns: ["at"] }],
    }),
  );
  const row = new Uint8Array(40);
  const view = new DataView(row.buffer);
  for (let step = 0; step < 2000; step += 1) {
    for (let word = 0; word < 32; word += 4) view.setUint32(word, pick(2) === 0 ? 0xffff_ffff : pick(3), true);
    view.setBigInt64(32, signed(64), true);
    store.tx.insert(table.id, row, 0, 40);
  }
  const commit = store.commit(commitMeta());
  if (commit !== undefined) store.release(commit);
  expect(checkStore(store)).toEqual([]);
});

test("an entry costs at most 20 bytes after churn, and leaves read between changes are in order", () => {
  const store = openStore();
  const finish = (): void => {
    const commit = store.commit(commitMeta());
    if (commit !== undefined) store.release(commit);
  };
  const rowCount = 30_000;
  store.begin();
  const columns = { id: t.u32, rank: t.u32 };
  const tables = [[], [{ columns: ["rank"] }]].map((indexes, position) =>
    store.catalog.createTable(tableDef({ name: `player${position}`, columns, unique: [["id"]], indexes })),
  );
  finish();
  const row = new Uint8Array(8);
  const view = new DataView(row.buffer);
  const write = (id: number): void => {
    view.setUint32(0, id, true);
    view.setUint32(4, pick(2) === 0 ? pick(50) : pick(1 << 28), true);
  };
  const bytes = tables.map((table) => {
    const before = store.memoryBytes;
    const unique = table.indexes.find((index) => index.unique)?.id as never;
    const cursor = table.indexes.at(-1)?.openCursor();
    for (let step = 0; step < 5 * rowCount; step += 1) {
      if (step % 100 === 0) store.begin();
      write(step % rowCount);
      if (step < rowCount) store.tx.insert(table.id, row, 0, 8);
      else store.tx.update(table.id, unique, row, 0, 8);
      if (step % 1000 === 99) {
        cursor?.seekRange(new Uint8Array(0), 0, { kind: "included", bytes: row.subarray(4) }, { kind: "unbounded" });
        for (let left = 100, ref = cursor?.next() ?? -1; left > 0 && ref >= 0; left -= 1) ref = cursor?.next() ?? -1;
      }
      if (step % 100 === 99) finish();
    }
    return store.memoryBytes - before;
  });
  expect(((bytes[1] as number) - (bytes[0] as number)) / rowCount).toBeLessThanOrEqual(20);
  expect(checkStore(store)).toEqual([]);

  // Branches join and go, down to nothing, and come again.
  const table = tables[1] as Table;
  const unique = table.indexes.find((index) => index.unique)?.id as never;
  for (const stride of [7, 3, 1]) {
    store.begin();
    for (let id = 0; id < rowCount; id += 1) {
      if (stride > 1 && id % stride === 0) continue;
      view.setUint32(0, id, true);
      store.tx.deletePoint(unique, row, 0, 4);
    }
    finish();
    expect(checkStore(store)).toEqual([]);
  }
  expect(table.rowCount).toBe(0);
  store.begin();
  for (let id = 0; id < 100; id += 1) {
    write(id);
    store.tx.insert(table.id, row, 0, 8);
  }
  finish();
  expect(checkStore(store)).toEqual([]);
});
