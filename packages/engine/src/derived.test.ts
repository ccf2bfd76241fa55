/**
 * Goal: a derived store is a store like any other, and none of its references is another store's.
 * Method: the same random changes are made to both; rows, deltas and what a read view shows must be equal.
 */
import { asTableId, type RowRef } from "@lightcone/base";
import { assertProperty, runCount } from "@lightcone/base/testing";
import { t } from "@lightcone/sats";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Store } from "./api.ts";
import { checkStore } from "./check-store.ts";
import { openStore } from "./open-store.ts";
import { derivedRefMin } from "./storage/memory.ts";
import { commitMeta, tableDef } from "./testing/defs.ts";

const def = tableDef({
  name: "row",
  columns: { id: t.u32, text: t.string },
  unique: [["id"]],
  indexes: [{ columns: ["text"] }],
});
const id = asTableId(5000);

function rowOf(key: number, length: number): Uint8Array {
  const row = new Uint8Array(8 + length).fill(97);
  new DataView(row.buffer).setUint32(0, key, true);
  new DataView(row.buffer).setUint32(4, length, true);
  return row;
}

function opened(isDerived: boolean): Store {
  const store = openStore({ isDerived });
  store.begin();
  store.catalog.createTable(def, id);
  store.release(store.commit(commitMeta({ kind: 5 })) ?? expect.fail("no commit"));
  return store;
}

function bytesOf(store: Store, ref: RowRef): string {
  store.resolve(ref);
  const { bytes, at, length } = store.row;
  return Buffer.from(bytes.subarray(at, at + length)).toString("hex");
}

function rowsOf(store: Store): readonly string[] {
  const cursor = store.table(id)?.openCursor() ?? expect.fail("no table");
  const rows: string[] = [];
  cursor.seek();
  for (let ref = cursor.next(); ref !== -1; ref = cursor.next()) rows.push(bytesOf(store, ref));
  return rows;
}

const change = fc.record({ key: fc.nat(40), length: fc.constantFrom(0, 3, 900, 20_000), isDelete: fc.boolean() });

test("a derived store has the same rows as a store, under references of its own", () => {
  assertProperty(
    fc.property(fc.array(fc.array(change, { maxLength: 30 }), { maxLength: 8 }), (commits) => {
      const stores = [opened(false), opened(true)] as const;
      const told = stores.map((store, at) =>
        commits.map((changes) => {
          const view = store.openReadView();
          const before = rowsOf(store);
          store.begin();
          const index = store.table(id)?.indexes.find(({ unique }) => unique) ?? expect.fail("no index");
          for (const { key, length, isDelete } of changes) {
            const row = rowOf(key, length);
            if (isDelete) store.tx.deletePoint(index.id, row, 0, 4);
            else store.tx.insert(id, row, 0, row.length);
          }
          const commit = store.commit(commitMeta());
          const deltas = commit?.deltas.map(({ deletes, inserts }) =>
            [deletes, inserts].map(({ refs, count }) =>
              Array.from(refs.subarray(0, count), (ref) => {
                expect(ref >= derivedRefMin).toBe(at === 1);
                return bytesOf(store, ref as RowRef);
              }),
            ),
          );
          if (commit !== undefined) store.release(commit);
          const seen: string[] = [];
          const cursor = view.tables.find((table) => table.id === id)?.openCursor() ?? expect.fail("not viewed");
          while (cursor.next()) {
            const { bytes, at: from, length } = cursor.row;
            seen.push(Buffer.from(bytes.subarray(from, from + length)).toString("hex"));
          }
          view.close();
          expect(seen).toEqual(before);
          checkStore(store);
          return [deltas, rowsOf(store)];
        }),
      );
      expect(told[1]).toEqual(told[0]);
    }),
    runCount(12),
  );
});

test("rows of a derived store stay where they were put, although two tables took pages in turns", () => {
  const store = opened(true);
  const other = asTableId(5001);
  store.begin();
  store.catalog.createTable(
    { ...tableDef({ name: "other", columns: { id: t.u32, text: t.string }, unique: [["id"]] }) },
    other,
  );
  store.release(store.commit(commitMeta({ kind: 5 })) ?? expect.fail("no commit"));
  store.begin();
  const put: { readonly ref: number; readonly bytes: string }[] = [];
  for (let key = 0; key < 40; key += 1) {
    const row = rowOf(key, 900);
    put.push({
      ref: store.tx.insert(key % 2 === 0 ? id : other, row, 0, row.length),
      bytes: Buffer.from(row).toString("hex"),
    });
  }
  store.release(store.commit(commitMeta()) ?? expect.fail("no commit"));
  expect(put.map(({ ref }) => bytesOf(store, ref as RowRef))).toEqual(put.map(({ bytes }) => bytes));
  expect(checkStore(store)).toEqual([]);
});
