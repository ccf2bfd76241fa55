/** What the golden directories hold: a short life of a store, the same at every run, and how its state is written down. */
import type { RowRef } from "@lightcone/base";
import { ByteWriter, t, valueCodec } from "@lightcone/sats";
import { type Commit, CommitKind, type CommitMeta, type Store, type Table } from "../src/index.ts";
import { commitMeta, tableDef, type TableSketch } from "../src/testing/index.ts";

const account: TableSketch = {
  name: "account",
  columns: { id: t.u32, balance: t.i64 },
  unique: [["id"]],
  indexes: [{ columns: ["balance"] }],
};
const message: TableSketch = {
  name: "message",
  columns: { id: t.u64, author: t.u32, text: t.string },
  unique: [["id"]],
  indexes: [{ columns: ["author", "text"] }],
  autoIncrement: "id",
};
const note: TableSketch = { name: "note", columns: { text: t.string, weight: t.f64 } };
const happening: TableSketch = { name: "happening", columns: { what: t.string }, isEvent: true };

/** After how many commits the snapshot of a golden directory is taken. */
export const snapshotAfter = 9;

/** Lives that life on an empty store; `made` is called with each commit before it is released. */
export function live(store: Store, made: (commit: Commit) => void): void {
  let now = 1_700_000_000_000_000;
  const step = (meta: Partial<CommitMeta>, change: () => void): void => {
    store.begin();
    change();
    now += 1_000_003;
    const commit = store.commit(commitMeta({ timestampMicros: now, reducerId: 0xffff_ffff, ...meta }));
    if (commit === undefined) throw new Error("a step changed nothing");
    made(commit);
    store.release(commit);
  };
  const caller: Partial<CommitMeta> = {
    sender: Uint8Array.from({ length: 32 }, (_, index) => 200 - index),
    connection: Uint8Array.from({ length: 16 }, (_, index) => 16 + index),
  };
  step({ kind: CommitKind.publish, functionName: "" }, () => {
    for (const sketch of [account, message, note, happening]) store.catalog.createTable(tableDef(sketch));
  });
  const origin = { front: "café", incarnation: 2 ** 40 + 3 };
  step({ ...caller, kind: CommitKind.connect, functionName: "on_connect", reducerId: 1, origin }, () => undefined);
  step({ ...caller, functionName: "open_accounts", reducerId: 2, args: Uint8Array.of(3, 2, 1), requestId: 7 }, () => {
    for (let id = 0; id < 40; id += 1) insert(store, "account", { id, balance: BigInt(id) * 100n - 500n });
  });
  for (let round = 0; round < 4; round += 1) {
    step(
      { ...caller, functionName: "transfer", reducerId: 3, requestId: 8 + round, requestSequence: 1 + round },
      () => {
        update(store, "account", { id: round, balance: -1n });
        update(store, "account", { id: 20 + round, balance: 2n ** 62n });
        insert(store, "happening", { what: `transfer ${round}` });
      },
    );
  }
  step({ ...caller, kind: CommitKind.procedure, functionName: "écrire", reducerId: 4 }, () => {
    for (let index = 0; index < 5; index += 1)
      insert(store, "message", { id: 0n, author: index % 2, text: "ab".repeat(index * 100) });
    insert(store, "note", { text: "heavy", weight: Number.MAX_VALUE });
    insert(store, "note", { text: "zero", weight: -0 });
  });
  step({ kind: CommitKind.sql, functionName: "" }, () => clear(store, "note"));
  step({ kind: CommitKind.schedule, functionName: "tick", reducerId: 5 }, () => {
    insert(store, "message", { id: 0n, author: 9, text: "" });
    insert(store, "note", { text: "one", weight: 1.5 });
  });
  step({ kind: CommitKind.internal, functionName: "" }, () => store.catalog.returnReservations());
  step({ kind: CommitKind.publish, functionName: "" }, () => {
    store.catalog.dropTable(tableOf(store, "note").id);
    store.catalog.setAccess(tableOf(store, "account").id, "private");
  });
  step({ ...caller, kind: CommitKind.disconnect, functionName: "on_disconnect", reducerId: 6 }, () => undefined);
}

/** All that a store holds, by table: every row's reference and bytes, in scan order. */
export function stateOf(store: Store): string {
  const lines = [`offset ${store.offset}, time ${store.timestampMicros}`];
  for (const table of store.tables()) {
    lines.push(`table ${table.id} ${table.name}: ${table.rowCount} rows, ${table.rowBytes} bytes, ${table.def.access}`);
    const cursor = table.openCursor();
    for (let ref = cursor.next(); ref >= 0; ref = cursor.next()) {
      store.resolve(ref as RowRef);
      const { bytes, at, length } = store.row;
      lines.push(`  ${ref} ${Buffer.from(bytes.subarray(at, at + length)).toString("hex")}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function tableOf(store: Store, name: string): Table {
  const table = store.tableByName(name);
  if (table === undefined) throw new Error(`there is no table ${name}`);
  return table;
}

function bytesOf(table: Table, row: object): Uint8Array {
  const out = new ByteWriter();
  valueCodec<object>(table.def.rowType).write(out, row);
  return out.toBytes();
}

function insert(store: Store, name: string, row: object): void {
  const table = tableOf(store, name);
  const bytes = bytesOf(table, row);
  if (store.tx.insert(table.id, bytes, 0, bytes.length) < 0) throw new Error(store.tx.failure());
}

function update(store: Store, name: string, row: object): void {
  const table = tableOf(store, name);
  const bytes = bytesOf(table, row);
  const key = table.indexes.find((index) => index.unique);
  if (key === undefined || store.tx.update(table.id, key.id, bytes, 0, bytes.length) < 0)
    throw new Error(store.tx.failure());
}

function clear(store: Store, name: string): void {
  store.tx.clear(tableOf(store, name).id);
}
