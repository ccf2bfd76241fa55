// Goal: whatever is inserted and deleted, in whatever order within a message, across however many connections,
// the cache equals a naive bag, and what is told turns each state into the next.
// Method: random messages over few rows; a Map of counts beside; a second copy that only listens.
import { assertProperty, runCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readRowList, RowListBuilder, type RowListView } from "@lightcone/protocol";
import { ByteReader, ByteWriter, product, t, valueCodec } from "@lightcone/sats";
import { RowBag, type BagTable, type TableChange } from "./row-bag.ts";
import { partsCodec, partsOf } from "./value-codec.ts";

const numRuns = runCount(300);

interface Row {
  readonly id: number;
  readonly text: string;
}
const type = product({ id: t.u32, text: t.string });
const codec = valueCodec<Row>(type);
const columns = partsOf(type);
const plain: BagTable = { accessor: "row", row: partsCodec(columns), columns, key: undefined };
const keyed: BagTable = { ...plain, key: columns[0] };

function bytesOf(row: Row): Uint8Array {
  const out = new ByteWriter();
  codec.write(out, row);
  return out.toBytes();
}

/** As a frame has it, behind something else. */
function listOf(rows: readonly Row[]): RowListView {
  const list = new RowListBuilder();
  for (const row of rows) {
    const bytes = bytesOf(row);
    list.add(bytes, 0, bytes.length);
  }
  const out = new ByteWriter();
  out.u8(0xee);
  list.writeTo(out);
  const input = new ByteReader(out.toBytes());
  input.at = 1;
  return readRowList(input);
}

const nameOf = (row: Row): string => `${row.id} ${row.text}`;
const rowArbitrary = fc.record({ id: fc.nat({ max: 3 }), text: fc.constantFrom("a", "b", "c") });

/** A state to come to: how often each row is there. With keys, one row for each. */
const bagArbitrary = (isKeyed: boolean): fc.Arbitrary<ReadonlyMap<string, { row: Row; count: number }>> =>
  fc
    .uniqueArray(fc.record({ row: rowArbitrary, count: fc.integer({ min: 1, max: 3 }) }), {
      selector: ({ row }) => (isKeyed ? String(row.id) : nameOf(row)),
    })
    .map((list) => new Map(list.map((one) => [nameOf(one.row), one])));

/** Steps that lead from one state to another: single counts, shuffled, with detours that cancel out. */
function stepsBetween(
  before: ReadonlyMap<string, { row: Row; count: number }>,
  after: ReadonlyMap<string, { row: Row; count: number }>,
): { row: Row; by: number }[] {
  const steps: { row: Row; by: number }[] = [];
  for (const [name, { row, count }] of before) {
    const by = (after.get(name)?.count ?? 0) - count;
    for (let index = 0; index < Math.abs(by); index += 1) steps.push({ row, by: Math.sign(by) });
  }
  for (const [name, { row, count }] of after)
    if (!before.has(name)) for (let index = 0; index < count; index += 1) steps.push({ row, by: 1 });
  return steps;
}

/** Applies what was told to a copy, and says when it cannot be. */
function follow(copy: Map<string, Row>, { inserts, deletes, updates }: TableChange): void {
  const remove = (row: Row): void => expect(copy.delete(nameOf(row)), `delete of ${nameOf(row)}`).toBe(true);
  for (const row of deletes) remove(row as Row);
  for (const { before, after } of updates) {
    remove(before as Row);
    expect((before as Row).id).toBe((after as Row).id);
    copy.set(nameOf(after as Row), after as Row);
  }
  for (const row of inserts) {
    expect(copy.has(nameOf(row as Row)), `insert of ${nameOf(row as Row)}`).toBe(false);
    copy.set(nameOf(row as Row), row as Row);
  }
}

test.each([
  { what: "with a primary key", isKeyed: true },
  { what: "without one", isKeyed: false },
])("a table $what equals the naive bag", ({ isKeyed }) => {
  const message = fc.record({
    state: bagArbitrary(isKeyed),
    order: fc.infiniteStream(fc.nat()),
    reconnects: fc.boolean(),
  });
  const property = fc.property(fc.array(message, { minLength: 1, maxLength: 6 }), (messages) => {
    let bag = new RowBag(isKeyed ? keyed : plain);
    const copy = new Map<string, Row>();
    let before: ReadonlyMap<string, { row: Row; count: number }> = new Map();
    for (const { state, order, reconnects } of messages) {
      const steps = stepsBetween(reconnects ? new Map() : before, state);
      const shuffled = steps
        .map((step) => ({ step, at: order.next().value ?? 0 }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ step }) => step);
      const next = reconnects ? new RowBag(bag.table) : bag;
      for (const { row, by } of shuffled) next.take(listOf([row]), by);
      next.check();
      const told = next.settle(true);
      const objects = new Map([...bag.rows()].map((row) => [nameOf(row as Row), row]));
      const change = reconnects ? next.replace(bag, true) : told;
      bag = next;
      follow(copy, change);
      const rows = [...bag.rows()] as Row[];
      expect(rows.map(nameOf).toSorted()).toEqual([...state.keys()].toSorted());
      expect([...copy.keys()].toSorted()).toEqual([...state.keys()].toSorted());
      if (!isKeyed) expect(change.updates).toEqual([]);
      // A row that stayed is the same object.
      for (const row of rows) if (objects.has(nameOf(row))) expect(objects.get(nameOf(row))).toBe(row);
      const between = [...bag.between("text", "b", "c")] as Row[];
      expect(between.map(({ text }) => text)).toEqual(between.map(({ text }) => text).toSorted());
      expect(new Set(between)).toEqual(new Set(rows.filter(({ text }) => text >= "b")));
      expect(bag.size).toBe(rows.length);
      if (isKeyed) for (let id = 0; id <= 3; id += 1) expect(bag.find(id)).toBe(rows.find((row) => row.id === id));
      before = state;
    }
  });
  assertProperty(property, numRuns);
});

test("long lists stay where they came, what is left behind of them is given back, and an index of many rows is exact", () => {
  const bag = new RowBag(keyed, 7);
  const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, text: `row ${id % 1000}` }));
  bag.take(listOf(rows), 1);
  bag.settle(false);
  const kept = bag.find(19_999);
  const naive = (text: string): number[] => rows.filter((row) => row.text === text).map(({ id }) => id);
  const found = (text: string): number[] => ([...bag.between("text", text, text)] as Row[]).map(({ id }) => id);
  expect(found("row 7")).toEqual(naive("row 7"));
  // All but a few go, in lists of all lengths, and some come back.
  for (const [at, step] of [
    [0, 10_000],
    [10_000, 9_000],
    [19_000, 900],
    [19_900, 50],
  ] as const)
    bag.take(listOf(rows.splice(0, step).filter(({ id }) => id >= at)), -1);
  bag.check();
  expect(bag.settle(true).deletes).toHaveLength(19_950);
  const back = Array.from({ length: 700 }, (_, id) => ({ id, text: "back" }));
  bag.take(listOf(back), 1);
  const change = bag.settle(true);
  expect([change.inserts.length, change.updates.length, bag.size]).toEqual([700, 0, 750]);
  expect(bag.find(19_999)).toBe(kept);
  expect(found("back").toSorted((a, b) => a - b)).toEqual(back.map(({ id }) => id));
  expect(found("row 951")).toEqual([19_951]);
  expect((bag.rows() as Row[]).map(({ id }) => id).toSorted((a, b) => a - b)).toEqual([
    ...back.map(({ id }) => id),
    ...rows.map(({ id }) => id),
  ]);
});

test("a long list may have a row several times, and rows may go before they come", () => {
  const bag = new RowBag(keyed, 7);
  const rows = Array.from({ length: 3000 }, (_, id) => ({ id, text: `row ${id}` }));
  const [first, rest] = [rows.slice(0, 1000), rows.slice(1000)];
  bag.take(listOf([...first, ...first.toReversed(), ...first]), 1);
  bag.check();
  expect(bag.settle(true).inserts).toEqual(first);
  // None of the rest is there yet, so that they make room one by one.
  bag.take(listOf([...first, ...rest]), -1);
  bag.take(listOf([...rest, ...first.slice(0, 10), ...rest]), 1);
  bag.take(listOf(first.slice(10)), -1);
  bag.take(listOf(first.slice(10)), -1);
  bag.check();
  const { inserts, deletes } = bag.settle(true);
  expect([inserts.length, deletes]).toEqual([2000, first.slice(10)]);
  expect((bag.rows() as Row[]).map(({ id }) => id).toSorted((a, b) => a - b)).toEqual([
    ...Array.from({ length: 10 }, (_, id) => id),
    ...rest.map(({ id }) => id),
  ]);
  // Of what is not there nothing may go, wherever in a list it is.
  bag.take(listOf([...rest, { id: 7, text: "another" }]), -1);
  expect(() => bag.check()).toThrow(/deleted more often/);
  bag.undo();
  expect(bag.size).toBe(2010);
});

test("rows are paired by their keys, in the same order or in another", () => {
  const bag = new RowBag(keyed, 7);
  const rows = (ids: readonly number[], text: string): Row[] => ids.map((id) => ({ id, text }));
  bag.take(listOf(rows([1, 2, 3, 4, 5, 6], "a")), 1);
  bag.settle(false);
  // The first two in order; then one that only comes, one that only goes, and the others crosswise.
  bag.take(listOf(rows([1, 2, 9, 5, 4, 3], "b")), 1);
  bag.take(listOf(rows([1, 2, 6, 3, 4, 5], "a")), -1);
  bag.check();
  const { inserts, deletes, updates } = bag.settle(true);
  expect([inserts, deletes]).toEqual([rows([9], "b"), rows([6], "a")]);
  const pair = (id: number): object => ({ before: { id, text: "a" }, after: { id, text: "b" } });
  expect(updates).toEqual([1, 2, 5, 4, 3].map(pair));
});

test("a message that is not as it should be leaves nothing behind", () => {
  const bag = new RowBag(keyed);
  bag.take(listOf([{ id: 1, text: "a" }]), 1);
  bag.settle(false);
  const { version } = bag;
  const wrong = (run: () => void, says: RegExp): void => {
    expect(() => {
      run();
      bag.check();
    }).toThrow(says);
    bag.undo();
    expect([bag.rows(), bag.version]).toEqual([[{ id: 1, text: "a" }], version]);
  };
  wrong(() => bag.take(listOf([{ id: 2, text: "b" }]), -1), /deleted more often/);
  const cut = listOf([{ id: 3, text: "long" }]);
  cut.data[4] = 200;
  wrong(() => bag.take(cut, 1), /a row of row does not decode/);
  const notText = listOf([{ id: 4, text: "long" }]);
  notText.data[9] = 0xff;
  wrong(() => bag.take(notText, 1), /not UTF-8/);
});
