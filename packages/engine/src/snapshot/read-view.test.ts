/**
 * Goal: a read view shows one offset for as long as it is open, several at once, and a snapshot written in slices
 * while commits go on is the state at its offset.
 * Method: random writes between steps of cursors and slices; the truth is a copy taken when the read view opened.
 */
import type { RowRef } from "@lightcone/base";
import { t } from "@lightcone/sats";
import { expect, test } from "vitest";
import type { ReadView, ReadViewTable, Store } from "../api.ts";
import type { Table } from "../api-tables.ts";
import { checkStore } from "../check-store.ts";
import { openStore, restoreStore } from "../open-store.ts";
import { commitMeta, tableDef } from "../testing/defs.ts";

function rowsOf(store: Store, table: Table): string[] {
  const rows: string[] = [];
  const cursor = table.openCursor();
  for (let ref = cursor.next(); ref >= 0; ref = cursor.next()) {
    store.resolve(ref as RowRef);
    const { row } = store;
    rows.push(Buffer.from(row.bytes.subarray(row.at, row.at + row.length)).toString("latin1"));
  }
  return rows;
}

function open(): { store: Store; table: Table; write: (times: number) => void } {
  const store = openStore({ seed: 1 });
  store.begin();
  const table = store.catalog.createTable(
    tableDef({ name: "note", columns: { id: t.u32, text: t.string }, unique: [["id"]] }),
  );
  const finish = (): void => {
    const commit = store.commit(commitMeta());
    if (commit !== undefined) store.release(commit);
  };
  finish();
  let random = 7;
  const pick = (below: number): number => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    return (random >>> 8) % below;
  };
  const write = (times: number): void => {
    for (let time = 0; time < times; time += 1) {
      const length = pick(20) === 0 ? 20_000 : pick(60);
      const row = new Uint8Array(8 + length).fill(97 + pick(26), 8);
      const view = new DataView(row.buffer);
      view.setUint32(0, pick(2000), true);
      view.setUint32(4, length, true);
      store.begin();
      const index = table.indexes[0]?.id as never;
      if (pick(3) === 0) store.tx.deletePoint(index, row, 0, 4);
      else if (store.tx.update(table.id, index, row, 0, row.length) < 0) store.tx.insert(table.id, row, 0, row.length);
      if (pick(5) === 0) store.rollback();
      else finish();
    }
  };
  write(3000);
  return { store, table, write };
}

const tableIn = (readView: ReadView): ReadViewTable =>
  readView.tables.find((table) => table.name === "note") as ReadViewTable;

test("two read views, read in steps between writes, each show their own offset", () => {
  const { store, table, write } = open();
  const views = [0, 1].map(() => {
    const truth = rowsOf(store, table);
    const readView = store.openReadView();
    write(300);
    return { truth, readView, cursor: tableIn(readView).openCursor(), seen: [] as string[] };
  });
  for (let isMore = true; isMore;) {
    isMore = false;
    for (const { cursor, seen } of views) {
      for (let step = 0; step < 50 && cursor.next(); step += 1) {
        const { row } = cursor;
        seen.push(Buffer.from(row.bytes.subarray(row.at, row.at + row.length)).toString("latin1"));
        isMore = true;
      }
    }
    write(20);
  }
  for (const { truth, readView, seen } of views) {
    expect(seen).toEqual(truth);
    expect(tableIn(readView).rowCount).toBe(truth.length);
    readView.close();
  }
  expect(checkStore(store)).toEqual([]);
});

test("a snapshot written between writes is the state at its offset", async () => {
  const { store, table, write } = open();
  const truth = rowsOf(store, table);
  const readView = store.openReadView();
  const { offset } = store;
  write(100);
  const pieces: Uint8Array[] = [];
  for (const piece of store.snapshotChunks(readView)) {
    pieces.push(piece.slice());
    expect(piece.length).toBeLessThanOrEqual(1 << 20);
    write(30);
  }
  readView.close();
  // The pieces may come cut anywhere.
  const whole = Buffer.concat(pieces);
  const cut = [whole.subarray(0, 3), whole.subarray(3, 1000), whole.subarray(1000)];
  const restored = await restoreStore(cut, { verify: true });
  expect(restored.offset).toBe(offset);
  expect(rowsOf(restored, restored.tableByName("note") as Table)).toEqual(truth);
  expect(checkStore(restored)).toEqual([]);
});

test.each([0, 1, 5, 100, 3000, -5, -1])("a snapshot cut at %i is refused", async (at) => {
  const { store } = open();
  const readView = store.openReadView();
  const whole = Buffer.concat(Array.from(store.snapshotChunks(readView), (piece) => piece.slice()));
  readView.close();
  await expect(restoreStore([whole.subarray(0, at < 0 ? whole.length + at : at)])).rejects.toMatchObject({
    code: "Malformed",
  });
});

test("a snapshot with a changed row is told by its set hash", async () => {
  const { store } = open();
  const readView = store.openReadView();
  const whole = Buffer.concat(Array.from(store.snapshotChunks(readView), (piece) => piece.slice()));
  readView.close();
  const at = whole.lastIndexOf("aaaa");
  whole[at] = 0x62;
  await expect(restoreStore([whole], { verify: true })).rejects.toMatchObject({ code: "Malformed" });
});

test("bytes written while no read view is open are not kept", () => {
  const { store, write } = open();
  const readView = store.openReadView();
  write(200);
  readView.close();
  readView.close();
  write(200);
  expect(checkStore(store)).toEqual([]);
});
