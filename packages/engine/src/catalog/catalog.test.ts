/**
 * Goal: definitions follow transactions, replays and snapshots like rows do.
 * Method: each change is made, rolled back, made again and committed; a replica that applies the records and a
 * store restored from a snapshot must then describe the same tables.
 */
import { t } from "@lightcone/sats";
import type { TableDef, ViewDef } from "@lightcone/schema";
import { expect, test } from "vitest";
import type { Store } from "../api.ts";
import type { Table } from "../api-tables.ts";
import { checkStore } from "../check-store.ts";
import { openStore, restoreStore } from "../open-store.ts";
import { commitMeta, tableDef } from "../testing/defs.ts";

const base: TableDef = {
  ...tableDef({
    name: "room",
    columns: { id: t.u64, name: t.string, size: t.u32 },
    unique: [["id"]],
    indexes: [{ columns: ["name"] }],
    autoIncrement: "id",
  }),
  accessor: "Room",
};
const sizeIndex = {
  name: "room_size_idx_btree",
  sourceName: "Room_size_idx_btree",
  accessor: undefined,
  algorithm: "btree" as const,
  columns: [2],
  unique: false,
};
const scheduled: TableDef = {
  ...tableDef({ name: "alarm", columns: { id: t.u64, at: t.u64 }, unique: [["id"]] }),
  primaryKey: 0,
  schedule: { name: "alarm_sched", atColumn: 1, idColumn: 0, functionName: "ring" },
};

function describeTables(store: Store): unknown {
  return store.tables().map(({ id, def, schema, rowCount }) => ({
    id,
    rowCount,
    indexIds: [...schema.indexIds],
    name: def.name,
    accessor: def.accessor,
    access: def.access,
    isEvent: def.isEvent,
    primaryKey: def.primaryKey,
    schedule: def.schedule,
    columns: def.columns,
    constraints: def.constraints,
    sequences: def.sequences,
    indexes: def.indexes,
  }));
}

function room(id: number, name: string, size: number): Uint8Array {
  const text = new TextEncoder().encode(name);
  const row = new Uint8Array(16 + text.length);
  const view = new DataView(row.buffer);
  view.setUint32(0, id, true);
  view.setUint32(8, text.length, true);
  row.set(text, 12);
  view.setUint32(12 + text.length, size, true);
  return row;
}

const put = (store: Store, table: Table, row: Uint8Array): number => store.tx.insert(table.id, row, 0, row.length);
const tableOf = (store: Store): Table => store.tableByName("room") as Table;

test.each<{ what: string; change: (store: Store) => void }>([
  { what: "createTable", change: (store) => void store.catalog.createTable(scheduled) },
  {
    what: "createTable of events",
    change: (store) =>
      void store.catalog.createTable({ ...tableDef({ name: "blip", columns: { x: t.u8 } }), isEvent: true }),
  },
  { what: "dropTable with rows", change: (store) => store.catalog.dropTable(tableOf(store).id) },
  {
    what: "drop and create under the same name",
    change: (store) => {
      store.catalog.dropTable(tableOf(store).id);
      put(store, store.catalog.createTable(base), room(1, "again", 1));
    },
  },
  {
    what: "createIndex between writes",
    change: (store) => {
      put(store, tableOf(store), room(77, "before", 5));
      store.catalog.createIndex(tableOf(store).id, sizeIndex);
      put(store, tableOf(store), room(78, "after", 5));
    },
  },
  {
    what: "dropIndex between writes",
    change: (store) => {
      put(store, tableOf(store), room(77, "before", 5));
      const index = tableOf(store).indexes.find((each) => each.def.name === "room_name_idx_btree");
      if (index !== undefined) store.catalog.dropIndex(index.id);
      put(store, tableOf(store), room(78, "after", 5));
    },
  },
  {
    what: "dropping the only unique index",
    change: (store) => {
      const index = tableOf(store).indexes.find((each) => each.unique);
      if (index !== undefined) store.catalog.dropIndex(index.id);
      put(store, tableOf(store), room(78, "after", 5));
    },
  },
  { what: "setAccess", change: (store) => store.catalog.setAccess(tableOf(store).id, "private") },
  {
    what: "setAccessors",
    change: (store) =>
      store.catalog.setAccessors(tableOf(store).id, {
        ...base,
        accessor: "Chamber",
        columns: base.columns.map((column) => ({ ...column, accessor: `${column.name}_` })),
      }),
  },
])("$what", async ({ change }) => {
  const store = openStore();
  const replica = openStore();
  const finish = (): void => {
    const commit = store.commit(commitMeta());
    if (commit === undefined) throw new Error("nothing was committed");
    replica.release(replica.apply(commit.bytes));
    store.release(commit);
  };
  store.begin();
  const table = store.catalog.createTable(base);
  for (let id = 1; id < 50; id += 1) put(store, table, room(id, `room ${id % 7}`, id % 5));
  finish();
  const before = describeTables(store);
  expect(describeTables(replica)).toEqual(before);

  const refuse = (): never => {
    throw new Error("not admitted");
  };
  for (const undo of [() => store.rollback(), () => expect(() => store.commit(commitMeta(), refuse)).toThrow("not")]) {
    store.begin();
    change(store);
    undo();
    expect(store.isOpen).toBe(false);
    expect(describeTables(store)).toEqual(before);
    expect(checkStore(store)).toEqual([]);
  }

  store.begin();
  change(store);
  finish();
  expect(describeTables(replica)).toEqual(describeTables(store));
  expect(checkStore(store)).toEqual([]);
  expect(checkStore(replica)).toEqual([]);
  const readView = store.openReadView();
  const restored = await restoreStore(store.snapshotChunks(readView));
  readView.close();
  expect(describeTables(restored)).toEqual(describeTables(store));
  expect(checkStore(restored)).toEqual([]);

  // Each of them goes on to give the same ids.
  for (const each of [store, replica, restored]) {
    each.begin();
    each.catalog.createTable(tableDef({ name: "later", columns: { x: t.u8 }, unique: [["x"]] }));
  }
  expect(replica.tableByName("later")?.id).toBe(store.tableByName("later")?.id);
  expect(restored.tableByName("later")?.schema).toEqual(store.tableByName("later")?.schema);
});

test("the first user table has id 4096, and names lead to ids by accessor too", () => {
  const store = openStore();
  store.begin();
  const table = store.catalog.createTable(base);
  expect(table.id).toBe(4096);
  expect(table.schema.indexIds).toEqual([4096, 4097]);
  expect([
    store.tx.tableId("room"),
    store.tx.tableId("Room"),
    store.tx.tableId("st_table"),
    store.tx.tableId("x"),
  ]).toEqual([4096, 4096, 1, 0]);
});

test("a unique index over rows that share a key is refused and leaves no trace", () => {
  const store = openStore();
  store.begin();
  const def = { ...base, constraints: [...base.constraints, { name: "room_size_key", columns: [2] }] };
  const table = store.catalog.createTable(def);
  put(store, table, room(1, "a", 3));
  put(store, table, room(2, "b", 3));
  expect(() => store.catalog.createIndex(table.id, { ...sizeIndex, unique: true })).toThrow(
    expect.objectContaining({ code: "UniqueViolation" }),
  );
  const commit = store.commit(commitMeta());
  if (commit !== undefined) store.release(commit);
  expect(checkStore(store)).toEqual([]);
});

test("row 9: views get ids of tables in the order of their names, keep them, and are replayed", () => {
  const view = (name: string, isPublic = true): ViewDef => ({
    name,
    accessor: name,
    index: 0,
    isPublic,
    isAnonymous: true,
    params: { kind: "Product", elements: [] },
    paramsByRef: { kind: "Product", elements: [] },
    shape: "array",
    rowTypeRef: 0,
    rowType: base.rowType,
    columns: base.columns,
    primaryKey: undefined,
  });
  const store = openStore();
  const replica = openStore();
  const commit = (change: () => void): void => {
    store.begin();
    change();
    const made = store.commit(commitMeta({ kind: 5 })) ?? expect.fail("no commit");
    replica.release(replica.apply(made.bytes.slice()));
    store.release(made);
    expect(replica.catalog.viewTables()).toEqual(store.catalog.viewTables());
    checkStore(store);
  };
  const ids = () => Object.fromEntries(store.catalog.viewTables());
  commit(() => {
    store.catalog.createTable(base);
    store.catalog.setViews([view("b"), view("a")]);
  });
  expect(ids()).toEqual({ a: 4097, b: 4098 });
  commit(() => store.catalog.setViews([view("a"), view("b", false), view("c")]));
  expect(ids()).toEqual({ a: 4097, b: 4099, c: 4100 });
  store.begin();
  store.catalog.setViews([]);
  store.rollback();
  expect(ids()).toEqual({ a: 4097, b: 4099, c: 4100 });
  commit(() => store.catalog.createTable(scheduled));
  expect(store.tableByName("alarm")?.id).toBe(4101);
  expect(replica.tableByName("alarm")?.id).toBe(4101);
  expect(store.tableByName("st_view_column")?.rowCount).toBe(9);
});
