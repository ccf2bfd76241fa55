/**
 * Goal: an update that leaves all keys as they are leaves the row where it is, a replay puts it there too, and records of
 * before that are replayed as they were. That histories of such updates show the same rows everywhere is the model test's.
 * Method: one table with an ordered index, one commit each; the record is written once more as earlier versions did.
 */
import { asRowRef, defined } from "@lightcone/base";
import { t } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import type { Store } from "../api.ts";
import type { Arrangement } from "../api-tables.ts";
import { checkStore } from "../check-store.ts";
import { openStore, restoreStore } from "../open-store.ts";
import { RecordWriter } from "../log/commit-record.ts";
import type { StoredChanges, StoredTable } from "../table/stored-table.ts";
import { commitMeta, tableDef } from "../testing/defs.ts";

const seat = tableDef({
  name: "seat",
  columns: { id: t.u32, room: t.u32, mark: t.u32 },
  unique: [["id"]],
  indexes: [{ columns: ["room"] }],
});
type Seat = readonly [id: number, room: number, mark: number];

function bytesOf(row: Seat): Uint8Array {
  return new Uint8Array(Uint32Array.from(row).buffer);
}

function open(): { store: Store; follower: Store } {
  const store = openStore({});
  const follower = openStore({});
  store.begin();
  store.catalog.createTable(seat);
  commit(store, follower);
  store.begin();
  for (const id of [1, 2, 3]) insert(store, [id, 10, 0]);
  commit(store, follower);
  return { store, follower };
}

const tableOf = (store: Store): StoredTable => store.tableByName("seat") as StoredTable; // what a store's tables are

function insert(store: Store, row: Seat): number {
  return store.tx.insert(tableOf(store).id, bytesOf(row), 0, 12);
}

function update(store: Store, row: Seat): number {
  const table = tableOf(store);
  const index = defined(table.uniques[0], "the key");
  return store.tx.update(table.id, index.id, bytesOf(row), 0, 12);
}

/** Commits; the follower gets the record, or one that says the same as version 2 did. Gives the version. */
function commit(store: Store, follower: Store, asVersion2 = false): number {
  const made = defined(store.commit(commitMeta()), "a commit");
  const deltas = made.deltas as readonly StoredChanges[]; // what a store's deltas are
  const record = (asVersion2 ? new RecordWriter().write(made.meta, made.sequences, deltas, false) : made.bytes).slice();
  store.release(made);
  follower.release(follower.apply(record));
  return record[0] ?? 0;
}

/** Where rows stand, with what they hold. */
function rowsOf(store: Store): (readonly [ref: number, ...Seat])[] {
  return Array.from(tableOf(store).allRefs(), (ref) => {
    store.resolve(asRowRef(ref));
    const { view, at } = store.row;
    return [ref, view.getUint32(at, true), view.getUint32(at + 4, true), view.getUint32(at + 8, true)] as const;
  });
}

describe("an update in a table with an ordered index", () => {
  test("that leaves the keys keeps the row's reference; the commit shows the old row and the new one", () => {
    const { store, follower } = open();
    const [first] = rowsOf(store);
    store.begin();
    expect(update(store, [1, 10, 7])).toBe(first?.[0]);
    const made = defined(store.commit(commitMeta()), "a commit");
    const [delta] = made.deltas;
    const markAt = (ref: number | undefined): number => {
      store.resolve(asRowRef(ref ?? 0));
      return store.row.view.getUint32(store.row.at + 8, true);
    };
    expect([markAt(delta?.deletes.refs[0]), markAt(delta?.inserts.refs[0])]).toEqual([0, 7]);
    expect([delta?.inserts.refs[0], delta?.images.count]).toEqual([first?.[0], 1]);
    const record = made.bytes.slice();
    store.release(made);
    follower.release(follower.apply(record));
    expect(record[0]).toBe(4);
    expect(rowsOf(follower)).toEqual(rowsOf(store));
    expect([...checkStore(store), ...checkStore(follower)]).toEqual([]);
  });

  test("that moves a key gives the row another reference", () => {
    const { store, follower } = open();
    const [first] = rowsOf(store);
    store.begin();
    expect(update(store, [1, 11, 0])).not.toBe(first?.[0]);
    expect(commit(store, follower)).toBe(2);
    expect(rowsOf(follower)).toEqual(rowsOf(store));
  });

  test.each<readonly [what: string, version: number, steps: (store: Store) => void]>([
    ["twice, the same row", 2, (store) => [7, 8].forEach((mark) => update(store, [1, 10, mark]))],
    [
      "and back to what it was",
      2,
      (store) => [[1, 10, 7] as const, [1, 10, 0] as const, [2, 10, 1] as const].forEach((row) => update(store, row)),
    ],
    [
      "after an insert: only pairs are made in place",
      2,
      (store) => (insert(store, [9, 10, 9]), update(store, [1, 10, 7])),
    ],
    ["before an insert", 4, (store) => (update(store, [1, 10, 7]), insert(store, [9, 10, 9]))],
    ["between updates that move a key", 4, (store) => [1, 2, 3].forEach((id) => update(store, [id, 9 + (id % 2), 7]))],
  ])("%s", (_, version, steps) => {
    const { store, follower } = open();
    store.begin();
    steps(store);
    // A row that was changed twice has a slot more than its record shows: then all is made anew as the record says.
    expect(commit(store, follower)).toBe(version);
    expect(rowsOf(follower)).toEqual(rowsOf(store));
    expect([...checkStore(store), ...checkStore(follower)]).toEqual([]);
  });

  test("is followed by arrangements, whether it moves their keys or not", () => {
    const { store } = open();
    const [byMark, byRoom] = [[2], [1]].map((columns) => tableOf(store).openArrangement(columns));
    store.begin();
    for (const [id, mark] of [[1, 7], [2, 5], [3, 0]] as const) update(store, [id, 10, mark]); // prettier-ignore
    const made = defined(store.commit(commitMeta()), "a commit");
    for (const rows of [byMark, byRoom]) rows?.advance(made.deltas[0] as StoredChanges); // the table's is the only one
    store.release(made);
    const found = (rows: Arrangement | undefined, value: number): number[] => {
      const cursor = defined(rows, "an arrangement").openCursor();
      cursor.seek(new DataView(Uint32Array.of(value).buffer), 0, 1);
      const ids: number[] = [];
      for (let ref = cursor.next(); ref >= 0; ref = cursor.next()) {
        store.resolve(asRowRef(ref));
        ids.push(store.row.view.getUint32(store.row.at, true));
      }
      return ids.toSorted();
    };
    expect([0, 5, 7].map((mark) => found(byMark, mark))).toEqual([[3], [2], [1]]);
    expect([found(byRoom, 10), byMark?.rowCount, byRoom?.rowCount]).toEqual([[1, 2, 3], 3, 3]);
  });

  test("is undone by a rollback", () => {
    const { store } = open();
    const before = rowsOf(store);
    store.begin();
    update(store, [1, 10, 7]);
    update(store, [2, 11, 7]);
    update(store, [1, 10, 8]);
    store.rollback();
    expect(rowsOf(store)).toEqual(before);
    expect(checkStore(store)).toEqual([]);
  });

  test("is seen by a scan that was begun before as it was then", () => {
    const { store } = open();
    store.begin();
    const scan = store.tx.scanTable(tableOf(store).id);
    if (typeof scan === "number") throw new Error("refused");
    const marks: number[] = [];
    for (let ref = scan.next(); ref >= 0; ref = scan.next()) {
      store.resolve(asRowRef(ref));
      marks.push(store.row.view.getUint32(store.row.at + 8, true));
      for (const id of [1, 2, 3]) update(store, [id, 10, 7]);
    }
    expect(marks).toEqual([0, 0, 0]);
    store.rollback();
  });

  test("is not seen by a read view that was opened before", async () => {
    const { store, follower } = open();
    // The image is then in another page than the row, whose own page has to be kept for the view.
    store.begin();
    for (let id = 10; id < 10_000; id += 1) insert(store, [id, 11, 0]);
    commit(store, follower);
    const before = rowsOf(store);
    const readView = store.openReadView();
    store.begin();
    update(store, [1, 10, 7]);
    expect(commit(store, follower)).toBe(4);
    const pieces = Array.from(store.snapshotChunks(readView), (piece) => piece.slice());
    readView.close();
    expect(rowsOf(await restoreStore(pieces, { verify: true }))).toEqual(before);
    expect(rowsOf(store)).toEqual(rowsOf(follower));
  });

  test("that an earlier version recorded is replayed into a slot of its own", () => {
    const { store, follower } = open();
    const [first] = rowsOf(follower);
    store.begin();
    update(store, [1, 10, 7]);
    expect(commit(store, follower, true)).toBe(2);
    const there = rowsOf(follower).find(([, id]) => id === 1);
    expect([there?.[3], there?.[0] === first?.[0]]).toEqual([7, false]);
    expect(checkStore(follower)).toEqual([]);
  });
});
