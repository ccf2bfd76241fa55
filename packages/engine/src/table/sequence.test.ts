/**
 * Goal: the rules of docs/wire/module-abi.md: what is drawn, where it wraps, what is reserved and stored.
 * Method: a row per case through a store; restarts are a replay of the records into a new store.
 */
import { t } from "@lightcone/sats";
import type { SequenceDef } from "@lightcone/schema";
import { describe, expect, test } from "vitest";
import type { Store } from "../api.ts";
import type { Table } from "../api-tables.ts";
import { checkStore } from "../check-store.ts";
import { Sequence } from "./sequence.ts";
import { openStore } from "../open-store.ts";
import type { StoredTable } from "./stored-table.ts";
import { commitMeta, tableDef } from "../testing/defs.ts";

const def = (given: Partial<SequenceDef>): SequenceDef => ({
  name: "s",
  column: 0,
  start: 1n,
  min: 1n,
  max: 2n ** 127n - 1n,
  increment: 1n,
  ...given,
});

test.each([
  { why: "the usual", given: {}, draws: [1n, 2n, 3n], allocated: 4097n },
  { why: "a start", given: { start: 100n }, draws: [100n, 101n], allocated: 4196n },
  { why: "steps of ten", given: { increment: 10n }, draws: [1n, 11n, 21n], allocated: 40_961n },
  {
    why: "past the maximum to the minimum",
    given: { start: 3n, min: 2n, max: 4n },
    draws: [3n, 4n, 2n, 3n],
    allocated: 4n,
  },
  {
    why: "the overshoot counts",
    given: { start: 9n, min: 1n, max: 10n, increment: 4n },
    draws: [9n, 3n, 7n, 1n],
    allocated: undefined,
  },
  {
    why: "downwards",
    given: { start: -1n, min: -3n, max: -1n, increment: -1n },
    draws: [-1n, -2n, -3n, -1n],
    allocated: -2n,
  },
  { why: "one value only", given: { start: 5n, min: 5n, max: 5n }, draws: [5n, 5n, 5n], allocated: 5n },
])("draws: $why", ({ given, draws, allocated }) => {
  const sequence = new Sequence(1, def(given), [t.u64], given.start ?? 1n);
  expect(draws.map(() => sequence.draw())).toEqual(draws);
  if (allocated !== undefined) expect(sequence.allocated).toBe(allocated);
});

const sketch = { name: "log", columns: { id: t.u16, text: t.u32 }, autoIncrement: "id" };

function open(): { store: Store; table: Table; records: Uint8Array[] } {
  const store = openStore();
  const records: Uint8Array[] = [];
  store.begin();
  const table = store.catalog.createTable(tableDef(sketch));
  finish(store, records);
  return { store, table, records };
}

function finish(store: Store, records: Uint8Array[]): void {
  const commit = store.commit(commitMeta());
  if (commit === undefined) return;
  records.push(commit.bytes.slice());
  store.release(commit);
}

/** Where the sequences of a table stand. */
function positionsOf(table: Table): readonly object[] {
  // Every table of a store is one.
  const { sequences } = table as StoredTable;
  return sequences.map(({ id, def: { column }, next, stored }) => ({ id, column, next, allocated: stored }));
}

function draw(store: Store, table: Table, id = 0): number {
  const row = new Uint8Array(6);
  new DataView(row.buffer).setUint16(0, id, true);
  expect(store.tx.insert(table.id, row, 0, 6)).toBeGreaterThan(0);
  const { generated } = store.tx;
  return generated.length === 0 ? -1 : new DataView(generated.buffer, generated.byteOffset).getUint16(0, true);
}

describe("a sequence in a table", () => {
  test("fills zero and nothing else", () => {
    const { store, table, records } = open();
    store.begin();
    expect([draw(store, table), draw(store, table, 7), draw(store, table)]).toEqual([1, -1, 2]);
    finish(store, records);
    expect(positionsOf(table)).toEqual([{ id: 4096, column: 0, next: 3n, allocated: 65n }]);
  });

  test("goes on after a rollback, and what it then hands out is stored", () => {
    const { store, table, records } = open();
    store.begin();
    expect(draw(store, table)).toBe(1);
    store.rollback();
    expect(positionsOf(table)[0]).toMatchObject({ next: 2n, allocated: 1n });
    store.begin();
    expect(draw(store, table)).toBe(2);
    finish(store, records);
    expect(positionsOf(table)[0]).toMatchObject({ next: 3n, allocated: 65n });
    expect(checkStore(store)).toEqual([]);
  });

  test("skips what was reserved after a restart", () => {
    const { store, table, records } = open();
    store.begin();
    draw(store, table);
    finish(store, records);
    const restarted = openStore();
    for (const record of records) restarted.release(restarted.apply(record));
    restarted.begin();
    expect(draw(restarted, restarted.tableByName("log") as Table)).toBe(65);
    finish(restarted, records);
    expect(checkStore(restarted)).toEqual([]);
  });

  test("is cut to its column and reserves again every 64", () => {
    const { store, table, records } = open();
    store.begin();
    let last = 0;
    for (let count = 0; count < 65_537; count += 1) {
      const value = draw(store, table);
      // The column is cut to 16 bits: 65,536 is stored as 0, which is a value like any other.
      expect(value).toBe((count + 1) & 0xffff);
      last = value;
      if (count % 100 === 0) store.tx.clear(table.id);
    }
    expect(last).toBe(1);
    finish(store, records);
    expect(positionsOf(table)[0]).toMatchObject({ next: 65_538n, allocated: 65_601n });
  });

  test("moves are in the commit", () => {
    const { store, table } = open();
    store.begin();
    draw(store, table);
    draw(store, table);
    const commit = store.commit(commitMeta());
    expect(commit?.sequences).toEqual([{ id: 4096, before: 1n, after: 3n }]);
  });
});
