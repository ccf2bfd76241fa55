/**
 * Goal: the engine is a set of rows under constraints, transactions all or nothing, and a commit's record says
 * exactly what changed.
 *
 * Method: random steps over tables of several shapes, done to a store and to a naive model (a `Map` of rows by
 * their bytes, copied at each begin). After each step results are compared; after each commit its record is
 * applied to a second store, and a third is restored from a snapshot in the middle and follows from there. All
 * three must show the same rows in the same order under the same references, and pass `checkStore`.
 */
import { assertProperty, runCount } from "@lightcone/base/testing";
import { asIndexId, asTableId, type RowRef } from "@lightcone/base";
import { t } from "@lightcone/sats";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Store } from "./api.ts";
import type { ScanBound } from "@lightcone/schema";
import type { Arrangement, IndexCursor, Index, Table } from "./api-tables.ts";
import { checkStore } from "./check-store.ts";
import { openStore, restoreStore } from "./open-store.ts";
import { commitMeta, tableDef } from "./testing/defs.ts";

const cases = runCount(60);

const defs = [
  tableDef({ name: "account", columns: { id: t.u32, balance: t.i64 }, unique: [["id"]] }),
  tableDef({
    name: "player",
    columns: { name: t.string, level: t.u8, score: t.i32 },
    unique: [["name"]],
    indexes: [{ columns: ["level", "score"] }],
  }),
  tableDef({
    name: "note",
    columns: { a: t.string, b: t.u8, c: t.string },
    indexes: [{ columns: ["a"] }, { columns: ["b"], algorithm: "hash" }],
  }),
  tableDef({ name: "pair", columns: { x: t.u16, y: t.u16, z: t.f64 }, unique: [["x", "y"], ["z"]] }),
  tableDef({ name: "tag", columns: { k: t.bool } }),
  // Of these, updates that leave the keys alone are made in place.
  tableDef({
    name: "seat",
    columns: { id: t.u32, room: t.u8, mark: t.i32 },
    unique: [["id"]],
    indexes: [{ columns: ["room"] }],
  }),
  tableDef({
    name: "guest",
    columns: { id: t.u8, weight: t.f64, text: t.string },
    unique: [["id"]],
    indexes: [{ columns: ["weight"] }],
  }),
];

/** A row as a few small numbers, from which each table makes its own. */
interface Draft {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

function text(n: number): string {
  return (
    ["", "a", "ab", "abcdefgh", "abcdefghi", "é", "x".repeat(40), "y".repeat(5000), "z".repeat(70_000)][n % 9] +
    String(n % 5)
  );
}

function bytesOf(table: string, { a, b, c }: Draft): Uint8Array {
  const parts: number[] = [];
  const u8 = (n: number): void => void parts.push(n & 0xff);
  const u16 = (n: number): void => void parts.push(n & 0xff, (n >> 8) & 0xff);
  const i32 = (n: number): void => void parts.push(n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, (n >> 24) & 0xff);
  const str = (s: string): void => {
    const bytes = new TextEncoder().encode(s);
    i32(bytes.length);
    for (const byte of bytes) parts.push(byte);
  };
  const f64 = (n: number): void => void parts.push(...new Uint8Array(new Float64Array([n]).buffer));
  if (table === "account") {
    i32(a);
    i32(b - 5);
    i32(b < 5 ? -1 : 0);
  }
  if (table === "player") {
    str(text(a));
    u8(b % 3);
    i32(c - 8);
  }
  if (table === "note") {
    str(text(a));
    u8(b % 4);
    str(text(c));
  }
  if (table === "pair") {
    u16(a % 4);
    u16(b % 4);
    f64([0, -0, 1.5, -2, Number.NaN, Infinity, 7][c % 7] as number);
  }
  if (table === "tag") {
    u8(a & 1);
  }
  if (table === "seat") {
    i32(a);
    u8(b % 3);
    i32(c);
  }
  if (table === "guest") {
    u8(a);
    f64([0, -0, 1.5][b % 3] as number);
    str(text(c % 4));
  }
  return Uint8Array.from(parts);
}

/** A note of 150 bytes or so that no draft makes. */
function noteOf(id: number): Uint8Array {
  const text = `bulk ${id} ${"-".repeat(100 + (id % 60))}`;
  const row = new Uint8Array(9 + text.length);
  const view = new DataView(row.buffer);
  view.setUint32(0, text.length, true);
  for (let index = 0; index < text.length; index += 1) row[4 + index] = text.charCodeAt(index);
  return row;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** The values of a row's columns, comparable. */
type Values = readonly (number | bigint | string)[];

function valuesOf(table: string, row: Uint8Array): Values {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  let at = 0;
  const str = (): string => {
    const length = view.getUint32(at, true);
    at += 4 + length;
    return hex(row.subarray(at - length, at));
  };
  const take = <T>(size: number, read: (at: number) => T): T => read((at += size) - size);
  switch (table) {
    case "account":
      return [take(4, (p) => view.getUint32(p, true)), take(8, (p) => view.getBigInt64(p, true))];
    case "player":
      return [str(), take(1, (p) => view.getUint8(p)), take(4, (p) => view.getInt32(p, true))];
    case "note":
      return [str(), take(1, (p) => view.getUint8(p)), str()];
    case "pair":
      return [
        take(2, (p) => view.getUint16(p, true)),
        take(2, (p) => view.getUint16(p, true)),
        take(8, (p) => view.getFloat64(p, true)),
      ];
    case "seat":
      return [
        take(4, (p) => view.getUint32(p, true)),
        take(1, (p) => view.getUint8(p)),
        take(4, (p) => view.getInt32(p, true)),
      ];
    case "guest":
      return [take(1, (p) => view.getUint8(p)), take(8, (p) => view.getFloat64(p, true)), str()];
    default:
      return [view.getUint8(0)];
  }
}

function compareValues(a: Values, b: Values, columns: readonly number[]): number {
  for (const column of columns) {
    const left = a[column] as number;
    const right = b[column] as number;
    if (left === right) continue;
    if (left < right) return -1;
    if (left > right) return 1;
    const order = Number(Number.isNaN(left)) - Number(Number.isNaN(right));
    if (order !== 0) return order;
  }
  return 0;
}

type Rows = Map<string, Uint8Array>;
type Model = Map<string, Rows>;

function rowsOf(store: Store, table: Table): string[] {
  const cursor = table.openCursor();
  cursor.seek();
  const rows: string[] = [];
  for (let ref = cursor.next(); ref >= 0; ref = cursor.next()) rows.push(hex(bytesAt(store, ref as RowRef)));
  return rows;
}

function bytesAt(store: Store, ref: RowRef): Uint8Array {
  store.resolve(ref);
  const { row } = store;
  return row.bytes.slice(row.at, row.at + row.length);
}

/** Rows with their references, in scan order, of every table: what two stores must share exactly. */
function layout(store: Store): string[] {
  return store.tables().flatMap((table) => {
    const cursor = table.openCursor();
    cursor.seek();
    const rows: string[] = [];
    for (let ref = cursor.next(); ref >= 0; ref = cursor.next())
      rows.push(`${table.name} ${ref} ${hex(bytesAt(store, ref as RowRef))}`);
    return rows;
  });
}

function drain(store: Store, cursor: IndexCursor): string[] {
  const rows: string[] = [];
  for (let ref = cursor.next(); ref >= 0; ref = cursor.next()) rows.push(hex(bytesAt(store, ref as RowRef)));
  return rows;
}

/** The key of a row in an index: its columns back to back. */
function keyOf(table: string, columns: readonly number[], row: Uint8Array): Uint8Array {
  return Uint8Array.from(columns.flatMap((column) => [...columnBytes(table, column, row)]));
}

function columnBytes(table: string, column: number, row: Uint8Array): Uint8Array {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const sizes: Record<string, (number | "s")[]> = {
    account: [4, 8],
    player: ["s", 1, 4],
    note: ["s", 1, "s"],
    pair: [2, 2, 8],
    tag: [1],
    seat: [4, 1, 4],
    guest: [1, 8, "s"],
  };
  let at = 0;
  for (let index = 0; ; index += 1) {
    const size = (sizes[table] ?? [])[index] as number | "s";
    const length = size === "s" ? 4 + view.getUint32(at, true) : size;
    if (index === column) return row.slice(at, at + length);
    at += length;
  }
}

// Few keys, so that steps meet each other's rows; bulk rows fill pages, so that lists of free slots matter.
const draft = fc.record({ a: fc.nat(11), b: fc.nat(6), c: fc.nat(9) });
const anyTable = fc.constantFrom(0, 1, 2, 3, 4, 5, 5, 6, 6);
const indexed = fc.constantFrom(0, 1, 2, 3, 5, 6);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("insert" as const), table: anyTable, row: draft }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("update" as const), table: anyTable, row: draft }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete" as const), table: anyTable, row: draft }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("deletePoint" as const), table: indexed, row: draft, index: fc.nat(1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("range" as const),
      table: indexed,
      row: draft,
      to: draft,
      index: fc.nat(1),
      bounds: fc.nat(8),
      isDelete: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const), table: anyTable }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("commit" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rollback" as const), isLate: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("scan" as const), table: anyTable }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("bulk" as const),
      table: fc.constantFrom(0, 2),
      count: fc.integer({ min: 20, max: 1300 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("thin" as const),
      table: fc.constantFrom(0, 2),
      keep: fc.integer({ min: 0, max: 4 }),
    }),
  },
);
type StepOf = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Tables with columns that they are arranged by. */
const arranged = [
  ["seat", [2]],
  ["seat", [1, 0]],
  ["guest", [2]],
  ["player", [2]],
] as const;

class World {
  readonly live = openStore({ seed: 1 });
  readonly replica = openStore({ seed: 2 });
  third: Store | undefined;
  model: Model = new Map(defs.map((def) => [def.name, new Map()]));
  before: Model = this.model;
  scans: { next(): number; rest: string[] }[] = [];
  bulkNext = 1000;
  private readonly arrangements: { readonly table: Table; readonly rows: Arrangement }[] = [];
  /** In the making, a few rows after each commit; made anew when they are whole. */
  private readonly sliced: { readonly table: Table; rows: Arrangement; commits: number }[] = [];

  constructor() {
    this.live.begin();
    for (const def of defs) this.live.catalog.createTable(def);
    this.finish();
    for (const [name, columns] of arranged) {
      const table = this.live.tableByName(name) as Table;
      this.arrangements.push({ table, rows: table.openArrangement(columns) });
      this.sliced.push({ table, rows: table.openArrangement(columns, true), commits: 0 });
    }
    this.begin();
  }

  begin(): void {
    this.before = new Map(Array.from(this.model, ([name, rows]) => [name, new Map(rows)]));
    this.live.begin();
    this.scans = [];
  }

  finish(): void {
    const commit = this.live.commit(commitMeta());
    if (commit === undefined) return;
    for (const follower of [this.replica, this.third]) {
      if (follower === undefined) continue;
      const replayed = follower.apply(commit.bytes.slice());
      expect(replayed.deltas.map((delta) => [delta.table.name, delta.deletes.count, delta.inserts.count])).toEqual(
        commit.deltas.map((delta) => [delta.table.name, delta.deletes.count, delta.inserts.count]),
      );
      follower.release(replayed);
    }
    this.checkNet(
      commit.deltas.map((delta) => ({
        name: delta.table.name,
        deletes: [...delta.deletes.refs.subarray(0, delta.deletes.count)].map((ref) =>
          hex(bytesAt(this.live, ref as RowRef)),
        ),
        inserts: [...delta.inserts.refs.subarray(0, delta.inserts.count)].map((ref) =>
          hex(bytesAt(this.live, ref as RowRef)),
        ),
      })),
    );
    for (const { table, rows } of this.arrangements) {
      const delta = commit.deltas.find((each) => each.table === table);
      if (delta !== undefined) rows.advance(delta);
    }
    for (const { table, rows } of this.sliced) {
      const delta = commit.deltas.find((each) => each.table === table);
      if (delta !== undefined) rows.advance(delta);
    }
    this.live.release(commit);
    for (const each of this.sliced) this.goOn(each);
  }

  private goOn(each: (typeof this.sliced)[number]): void {
    const { table, rows } = each;
    each.commits += 1;
    rows.step(1 + (each.commits % 4));
    if (!rows.isWhole) return;
    this.checkArranged(each);
    if (each.commits < 3) return; // it follows commits as any does
    each.commits = 0;
    rows.close();
    expect(rows.bytes).toBe(0);
    each.rows = table.openArrangement(rows.columns, true);
  }

  /** Each arrangement finds every row of its table, and has no more. */
  checkArrangements(): void {
    for (const each of this.arrangements) this.checkArranged(each);
  }

  private checkArranged({ table, rows }: { readonly table: Table; readonly rows: Arrangement }): void {
    const cursor = rows.openCursor();
    const found = rowsOf(this.live, table).map((row) => {
      const key = keyOf(table.name, rows.columns, Buffer.from(row, "latin1"));
      cursor.seek(new DataView(key.buffer, key.byteOffset, key.length), 0, rows.columns.length);
      for (let ref = cursor.next(); ref >= 0; ref = cursor.next())
        if (hex(bytesAt(this.live, ref as RowRef)) === row) return row;
      return `not found: ${row}`;
    });
    expect([rows.rowCount, found]).toEqual([table.rowCount, rowsOf(this.live, table)]);
  }

  checkNet(deltas: readonly { name: string; deletes: string[]; inserts: string[] }[]): void {
    for (const def of defs) {
      const before = this.before.get(def.name) as Rows;
      const after = this.model.get(def.name) as Rows;
      const delta = deltas.find((each) => each.name === def.name) ?? { deletes: [], inserts: [] };
      expect(delta.deletes.toSorted()).toEqual([...before.keys()].filter((key) => !after.has(key)).toSorted());
      expect(delta.inserts.toSorted()).toEqual([...after.keys()].filter((key) => !before.has(key)).toSorted());
    }
  }
}

function conflicts(rows: Rows, def: (typeof defs)[number], row: Uint8Array, except?: string): boolean {
  const values = valuesOf(def.name, row);
  for (const [key, other] of rows) {
    if (key === except) continue;
    for (const constraint of def.constraints)
      if (compareValues(values, valuesOf(def.name, other), constraint.columns) === 0) return true;
  }
  return false;
}

/** Rolls back when all that a commit needs is made. */
function refuseCommit(store: Store): void {
  const refusal = new Error("not admitted");
  try {
    const commit = store.commit(commitMeta(), () => {
      throw refusal;
    });
    expect(commit, "only what changes nothing is not asked for").toBeUndefined();
  } catch (error) {
    if (error !== refusal) throw error;
  }
}

function run(world: World, each: StepOf): void {
  const { live } = world;
  if (each.kind === "commit" || each.kind === "rollback") {
    if (each.kind === "commit") world.finish();
    else {
      if (each.isLate) refuseCommit(live);
      else live.rollback();
      world.model = world.before;
    }
    world.begin();
    return;
  }
  const def = defs[each.table] as (typeof defs)[number];
  const table = live.tableByName(def.name) as Table;
  const rows = world.model.get(def.name) as Rows;
  switch (each.kind) {
    case "insert": {
      const row = bytesOf(def.name, each.row);
      const result = live.tx.insert(table.id, row, 0, row.length);
      if (rows.has(hex(row))) expect(result).toBeGreaterThanOrEqual(0);
      else if (conflicts(rows, def, row)) expect(result).toBe(-12);
      else {
        expect(result).toBeGreaterThan(0);
        rows.set(hex(row), row);
      }
      break;
    }
    case "update": {
      const index = table.indexes.find((candidate) => candidate.unique);
      const row = bytesOf(def.name, each.row);
      if (index === undefined) break;
      const result = live.tx.update(table.id, index.id, row, 0, row.length);
      const old = [...rows].find(
        ([, other]) => compareValues(valuesOf(def.name, row), valuesOf(def.name, other), index.def.columns) === 0,
      );
      if (old === undefined) expect(result).toBe(-15);
      else if (old[0] !== hex(row) && conflicts(rows, def, row, old[0])) expect(result).toBe(-12);
      else {
        expect(result).toBeGreaterThan(0);
        rows.delete(old[0]);
        rows.set(hex(row), row);
      }
      break;
    }
    case "delete": {
      const row = bytesOf(def.name, each.row);
      const list = new Uint8Array(4 + row.length);
      list[0] = 1;
      list.set(row, 4);
      expect(live.tx.deleteRows(table.id, list)).toBe(rows.delete(hex(row)) ? 1 : 0);
      break;
    }
    case "clear":
      expect(live.tx.clear(table.id)).toBe(rows.size);
      rows.clear();
      break;
    case "deletePoint": {
      const index = table.indexes[each.index % table.indexes.length] as Index;
      const row = bytesOf(def.name, each.row);
      const key = keyOf(def.name, index.def.columns, row);
      const found = [...rows].filter(
        ([, other]) => compareValues(valuesOf(def.name, row), valuesOf(def.name, other), index.def.columns) === 0,
      );
      expect(live.tx.deletePoint(index.id, key, 0, key.length)).toBe(found.length);
      for (const [gone] of found) rows.delete(gone);
      break;
    }
    case "range":
      range(world, table, def, rows, each);
      break;
    case "bulk":
      // Ids of their own: nothing conflicts, so the model need not look.
      for (let left = def.name === "note" ? Math.ceil(each.count / 4) : each.count; left > 0; left -= 1) {
        const row = bytesOf(def.name, { a: 0, b: 9, c: 0 });
        const id = world.bulkNext++;
        if (def.name === "account") new DataView(row.buffer).setUint32(0, id, true);
        const bulk = def.name === "account" ? row : noteOf(id);
        expect(live.tx.insert(table.id, bulk, 0, bulk.length)).toBeGreaterThan(0);
        rows.set(hex(bulk), bulk);
      }
      break;
    case "thin": {
      const gone = [...rows].filter((_, position) => each.keep === 0 || position % 5 >= each.keep);
      const list = new Uint8Array(4 + gone.reduce((total, [, row]) => total + row.length, 0));
      new DataView(list.buffer).setUint32(0, gone.length, true);
      let at = 4;
      for (const [key, row] of gone) {
        list.set(row, at);
        at += row.length;
        rows.delete(key);
      }
      expect(live.tx.deleteRows(table.id, list)).toBe(gone.length);
      break;
    }
    case "scan": {
      const scan = live.tx.scanTable(table.id);
      if (typeof scan === "number") throw new Error("a scan was refused");
      const rest = rowsOf(live, table);
      world.scans.push({ next: () => scan.next(), rest });
      break;
    }
  }
  expect(live.tx.rowCount(table.id)).toBe(rows.size);
  for (const scan of world.scans) {
    const expected = scan.rest.shift();
    const ref = scan.next();
    if (expected === undefined) expect(ref).toBe(-1);
    else expect(hex(bytesAt(live, ref as RowRef))).toBe(expected);
  }
}

function range(
  world: World,
  table: Table,
  def: (typeof defs)[number],
  rows: Rows,
  each: { row: Draft; to: Draft; index: number; bounds: number; isDelete: boolean },
): void {
  const { live } = world;
  const index = table.indexes[each.index % table.indexes.length] as Index;
  const from = bytesOf(def.name, each.row);
  const to = bytesOf(def.name, each.to);
  const prefixColumns = index.def.columns.length - 1 === 0 ? 0 : each.row.a % index.def.columns.length;
  const prefix = keyOf(def.name, index.def.columns.slice(0, prefixColumns), from);
  const column = index.def.columns[prefixColumns] as number;
  const bound = (kind: number, row: Uint8Array): ScanBound =>
    kind === 2
      ? { kind: "unbounded" }
      : { kind: kind === 0 ? "included" : "excluded", bytes: columnBytes(def.name, column, row) };
  const lower = bound(each.bounds % 3, from);
  const upper = bound(Math.floor(each.bounds / 3), to);
  const fromValues = valuesOf(def.name, from);
  const toValues = valuesOf(def.name, to);
  const inside = (row: Uint8Array): boolean => {
    const values = valuesOf(def.name, row);
    if (compareValues(values, fromValues, index.def.columns.slice(0, prefixColumns)) !== 0) return false;
    const low = compareValues(values, fromValues, [column]);
    const high = compareValues(values, toValues, [column]);
    if (lower.kind === "included" ? low < 0 : lower.kind === "excluded" && low <= 0) return false;
    return !(upper.kind === "included" ? high > 0 : upper.kind === "excluded" && high >= 0);
  };
  const found = [...rows].filter(([, row]) => inside(row));
  if (!index.ranged) {
    expect(live.tx.scanRange(index.id, prefix, prefixColumns, lower, upper)).toBe(-10);
    return;
  }
  if (each.isDelete) {
    expect(live.tx.deleteRange(index.id, prefix, prefixColumns, lower, upper)).toBe(found.length);
    for (const [gone] of found) rows.delete(gone);
    return;
  }
  const cursor = index.openCursor();
  cursor.seekRange(prefix, prefixColumns, lower, upper);
  const scan = live.tx.scanRange(index.id, prefix, prefixColumns, lower, upper);
  if (typeof scan === "number") throw new Error(`a range was refused with ${scan}`);
  const scanned = drain(live, scan as unknown as IndexCursor);
  expect(drain(live, cursor)).toEqual(scanned);
  expect(scanned.toSorted()).toEqual(found.map(([key]) => key).toSorted());
  const values = scanned.map((key) => valuesOf(def.name, rows.get(key) as Uint8Array));
  for (let at = 1; at < values.length; at += 1) {
    expect(compareValues(values[at - 1] as Values, values[at] as Values, index.def.columns)).toBeLessThanOrEqual(0);
  }
}

describe("the engine against a model", () => {
  test(
    "random steps, replay, snapshot and tail",
    async () => {
      await assertProperty(
        fc.asyncProperty(
          fc.array(step, { minLength: 1, maxLength: 120, size: "max" }),
          fc.nat(100),
          async (steps, snapshotAt) => {
            const world = new World();
            for (const [position, each] of steps.entries()) {
              run(world, each);
              if (position === snapshotAt) {
                world.finish();
                const readView = world.live.openReadView();
                const pieces = Array.from(world.live.snapshotChunks(readView), (piece) => piece.slice());
                readView.close();
                world.third = await restoreStore(pieces, { seed: 3, verify: true });
                expect(layout(world.third)).toEqual(layout(world.live));
                world.begin();
              }
            }
            world.finish();
            world.checkArrangements();
            for (const store of [world.live, world.replica, world.third]) {
              if (store === undefined) continue;
              expect(checkStore(store)).toEqual([]);
              for (const def of defs) {
                expect(rowsOf(store, store.tableByName(def.name) as Table).toSorted()).toEqual(
                  [...(world.model.get(def.name) as Rows).keys()].toSorted(),
                );
              }
            }
            expect(layout(world.replica)).toEqual(layout(world.live));
            if (world.third !== undefined) expect(layout(world.third)).toEqual(layout(world.live));
          },
        ),
        cases,
      );
    },
    60_000 + cases * 1000,
  );
});

test("ids of another table's index are refused", () => {
  const world = new World();
  const account = world.live.tableByName("account") as Table;
  const player = world.live.tableByName("player") as Table;
  const row = bytesOf("account", { a: 1, b: 1, c: 1 });
  expect(world.live.tx.update(account.id, player.indexes[0]?.id ?? asIndexId(0), row, 0, row.length)).toBe(-5);
  expect(world.live.tx.insert(asTableId(1_000_000), row, 0, row.length)).toBe(-4);
  expect(world.live.tx.insert(account.id, row, 0, row.length - 1)).toBe(-3);
});
