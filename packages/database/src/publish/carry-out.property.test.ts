/**
 * Goal: whatever a plan carries out, the rows are those that a naive model has, live, replayed and from a snapshot, in
 * the same slots; what is refused or given up leaves no trace.
 * Method: random tables and rows, random changes of them; the plan of the real planner, carried out on a real store in
 * slices of a few rows. The model keeps rows as JavaScript values and knows what each change does to them. A second store
 * applies the records, a third is restored from a snapshot and goes on from there; all must be laid out alike.
 */
import { isLightconeError, LightconeError } from "@lightcone/base";
import { assertProperty, runCount } from "@lightcone/base/testing";
import { checkStore, CommitKind, openStore, restoreStore, type Store, type Table } from "@lightcone/engine";
import { commitMeta, tableDef } from "@lightcone/engine/testing";
import {
  array,
  ByteWriter,
  option,
  product,
  sum,
  t,
  toHex,
  unit,
  valueCodec,
  type AlgebraicType,
} from "@lightcone/sats";
import { planMigration, type ColumnDef, type ModuleDef, type TableDef } from "@lightcone/schema";
import fc from "fast-check";
import { expect, test } from "vitest";
import { changeTables, openRemakes, rowCounts } from "./carry-out.ts";

const cases = runCount(12);

type Row = Record<string, unknown>;

/** A column as the model knows it: by a key that no change touches. */
interface ModelColumn {
  readonly key: string;
  name: string;
  was: string | undefined;
  type: AlgebraicType;
  defaultValue: unknown;
}
interface ModelTable {
  name: string;
  was: string | undefined;
  columns: ModelColumn[];
  unique: string[];
  indexes: string[];
  auto: string | undefined;
  isPublic: boolean;
  rows: Row[];
}

const rig = sum({ bare: unit, sail: t.u16 });
const rigs = sum({ bare: unit, sail: t.u16, motor: t.string });
const types: readonly { readonly type: AlgebraicType; readonly make: (n: number) => unknown }[] = [
  { type: t.u8, make: (n) => n % 256 },
  { type: t.i16, make: (n) => (n % 400) - 200 },
  { type: t.u32, make: (n) => n },
  { type: t.i64, make: (n) => BigInt(n) - 50n },
  { type: t.f32, make: (n) => n / 2 },
  { type: t.string, make: (n) => "x".repeat(n % 40) + String(n) },
  { type: rig, make: (n) => (n % 2 === 0 ? { tag: "bare" } : { tag: "sail", value: n % 999 }) },
  { type: array(t.u16), make: (n) => Array.from({ length: n % 4 }, (_, i) => i + n) },
  { type: product({ a: t.u8, b: t.string }), make: (n) => ({ a: n % 256, b: String(n % 7) }) },
  { type: option(t.u32), make: (n) => (n % 3 === 0 ? undefined : n) },
];
/** A type that holds all values of another. */
const wider: ReadonlyMap<AlgebraicType, AlgebraicType> = new Map<AlgebraicType, AlgebraicType>([
  [t.u8, t.i32],
  [t.i16, t.i128],
  [t.u32, t.u64],
  [t.i64, t.i256],
  [t.f32, t.f64],
  [rig, rigs],
  [types[7]?.type ?? unit, array(t.u32)],
]);

interface Draft {
  readonly columns: readonly number[];
  readonly rowCount: number;
  readonly seed: number;
  readonly shape: number;
}
interface Change {
  readonly kind: number;
  readonly at: number;
  readonly by: number;
}

const drafts = fc.array(
  fc.record({
    columns: fc.array(fc.nat(types.length - 1), { minLength: 1, maxLength: 5 }),
    rowCount: fc.nat(40),
    seed: fc.nat(1000),
    shape: fc.nat(7),
  }),
  { minLength: 1, maxLength: 3 },
);
const changes = fc.array(fc.record({ kind: fc.nat(13), at: fc.nat(7), by: fc.nat(99) }), {
  minLength: 1,
  maxLength: 8,
});

function tableOf({ columns, rowCount, seed, shape }: Draft, place: number): ModelTable {
  const made = columns.map((at, i): ModelColumn => ({
    key: `k${i}`,
    name: `c${i}`,
    was: undefined,
    type: types[at]?.type ?? unit,
    defaultValue: undefined,
  }));
  const hasKey = (shape & 1) === 1;
  if (hasKey) made.unshift({ key: "id", name: "id", was: undefined, type: t.u32, defaultValue: undefined });
  const rows = Array.from({ length: rowCount }, (_, n): Row =>
    Object.fromEntries([
      ...(hasKey ? [["id", n + 1]] : []),
      ...columns.map((at, i) => [`k${i}`, types[at]?.make((seed * (i + 3) + n * 7) % 997)]),
    ]),
  );
  const seen = new Map(rows.map((row) => [textOf(row), row]));
  return {
    name: `t${place}`,
    was: undefined,
    columns: made,
    unique: hasKey ? ["id"] : [],
    indexes: (shape & 2) === 0 ? [] : ["k0"],
    auto: hasKey && (shape & 4) !== 0 ? "id" : undefined,
    isPublic: true,
    rows: [...seen.values()],
  };
}

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === "bigint" ? `${each}n` : each === undefined ? "none" : each,
  );

/** Does a change to the model. What it drops is agreed to. */
function change(world: ModelTable[], { kind, at, by }: Change, serial: number): void {
  const table = world[at % Math.max(1, world.length)];
  if (table === undefined) return;
  const column = table.columns[by % table.columns.length];
  if (column === undefined) return;
  const isBuiltOn = table.unique.includes(column.key) || table.indexes.includes(column.key);
  switch (kind) {
    case 0:
    case 1: {
      const { type, make } = types[by % types.length] ?? { type: t.u8, make: () => 0 };
      const added: ModelColumn = {
        key: `n${serial}`,
        name: `n${serial}`,
        was: undefined,
        type,
        defaultValue: make(by),
      };
      table.columns.splice(kind === 0 ? table.columns.length : by % table.columns.length, 0, added);
      for (const row of table.rows) row[added.key] = added.defaultValue;
      break;
    }
    case 2:
      if (table.columns.length > 1 && !isBuiltOn) table.columns = table.columns.filter((each) => each !== column);
      break;
    case 3:
      table.columns = [...table.columns.filter((each) => each !== column), column];
      break;
    case 4: {
      const type = wider.get(column.type);
      if (type === undefined) break;
      const big = /^[IU](64|128|256)$/;
      const [wasBig, isBig] = [big.test(column.type.kind), big.test(type.kind)];
      column.type = type;
      if (!isBig || wasBig) break;
      for (const row of table.rows) row[column.key] = BigInt(row[column.key] as number);
      if (column.defaultValue !== undefined) column.defaultValue = BigInt(column.defaultValue as number);
      break;
    }
    case 5:
      if (column.type.kind === "Sum" || isBuiltOn || table.auto === column.key) break;
      column.type = option(column.type);
      break;
    case 6:
      column.was ??= column.name;
      column.name = `r${serial}`;
      break;
    case 7:
      table.was ??= table.name;
      table.name = `u${serial}`;
      break;
    case 8:
      if (!table.unique.includes(column.key) && column.type.kind !== "Array") table.unique.push(column.key);
      break;
    case 9:
      if (table.auto !== column.key) table.unique = table.unique.filter((key) => key !== column.key);
      break;
    case 10:
      if (!table.indexes.includes(column.key)) table.indexes.push(column.key);
      break;
    case 11:
      table.indexes = table.indexes.filter((key) => key !== column.key);
      break;
    case 12:
      table.isPublic = !table.isPublic;
      break;
    default:
      if (by % 4 === 0) world.splice(world.indexOf(table), 1);
      else world.push(tableOf({ columns: [by % types.length], rowCount: 0, seed: 0, shape: by % 8 }, 100 + serial));
  }
}

function defOf(table: ModelTable): TableDef {
  const nameOf = (key: string): string[] =>
    table.columns.flatMap((column) => (column.key === key ? [column.name] : []));
  const def = tableDef({
    name: table.name,
    columns: Object.fromEntries(table.columns.map(({ name, type }) => [name, type])),
    unique: table.unique.map(nameOf),
    indexes: table.indexes.filter((key) => !table.unique.includes(key)).map((key) => ({ columns: nameOf(key) })),
    ...(table.auto === undefined ? {} : { autoIncrement: nameOf(table.auto)[0] ?? "" }),
  });
  return {
    ...def,
    was: table.was,
    access: table.isPublic ? "public" : "private",
    columns: def.columns.map((column, i): ColumnDef => {
      const { was, defaultValue } = table.columns[i] as ModelColumn;
      return {
        ...column,
        was,
        defaultValue: defaultValue === undefined ? undefined : bytesOf(column.type, defaultValue),
      };
    }),
  };
}

function moduleOf(world: readonly ModelTable[]): ModuleDef {
  return {
    version: 10,
    typespace: [],
    sourceTypespace: [],
    types: [],
    tables: world.map(defOf),
    reducers: [],
    procedures: [],
    views: [],
    rowLevelRules: [],
    httpHandlers: [],
    httpRoutes: [],
    submodules: [],
  };
}

function bytesOf(type: AlgebraicType, value: unknown): Uint8Array {
  const out = new ByteWriter();
  valueCodec(type).write(out, value);
  return out.toBytes();
}

const rowBytes = (table: ModelTable, def: TableDef, row: Row): Uint8Array =>
  bytesOf(def.rowType, Object.fromEntries(table.columns.map(({ key, name }) => [name, row[key]])));

/** The rows that a table holds, as the model has them. */
function modelRows(world: readonly ModelTable[]): Record<string, readonly string[]> {
  return Object.fromEntries(
    world.map((table) => {
      const def = defOf(table);
      return [table.name, table.rows.map((row) => toHex(rowBytes(table, def, row))).toSorted()];
    }),
  );
}

function eachRow(store: Store, table: Table, see: (ref: number, bytes: Uint8Array) => void): void {
  const cursor = table.openCursor();
  cursor.seek();
  for (let ref = cursor.next(); ref !== -1; ref = cursor.next()) {
    store.resolve(ref);
    see(ref, store.row.bytes.slice(store.row.at, store.row.at + store.row.length));
  }
}

const userTables = (store: Store): readonly Table[] => store.tables().filter(({ def }) => def.kind === "user");

function storedRows(store: Store): Record<string, readonly string[]> {
  return Object.fromEntries(
    userTables(store).map((table) => {
      const rows: string[] = [];
      eachRow(store, table, (_, bytes) => void rows.push(toHex(bytes)));
      return [table.name, rows.toSorted()];
    }),
  );
}

/** Every row of every table with where it stands, and what the tables are. */
function layout(store: Store): unknown {
  return store.tables().map((table) => {
    const rows: string[] = [];
    eachRow(store, table, (ref, bytes) => void rows.push(`${ref} ${toHex(bytes)}`));
    const { id, name, schema, def } = table;
    return {
      id,
      name,
      indexIds: schema.indexIds,
      columns: def.columns.map(({ name: column, type }) => [column, type]),
      rows,
    };
  });
}

class World {
  readonly live = openStore({ seed: 1 });
  readonly replica = openStore({ seed: 2 });
  third: Store | undefined;

  commit(work: () => void, kind: CommitKind = CommitKind.reducer, admit?: () => void): void {
    this.live.begin();
    try {
      work();
    } catch (error) {
      this.live.rollback();
      throw error;
    }
    const commit = this.live.commit(commitMeta({ kind }), admit);
    if (commit === undefined) return;
    for (const store of [this.replica, this.third])
      if (store !== undefined) store.release(store.apply(commit.bytes.slice()));
    this.live.release(commit);
  }

  async snapshot(): Promise<void> {
    const readView = this.live.openReadView();
    const pieces = Array.from(this.live.snapshotChunks(readView), (piece) => piece.slice());
    readView.close();
    this.third = await restoreStore(pieces, { seed: 3, verify: true });
  }

  check(world: readonly ModelTable[]): void {
    for (const store of [this.live, this.replica, this.third]) {
      if (store === undefined) continue;
      expect(checkStore(store)).toEqual([]);
      expect(storedRows(store)).toEqual(modelRows(world));
      expect(layout(store)).toEqual(layout(this.live));
    }
  }
}

function insertAll(store: Store, table: ModelTable): void {
  const def = defOf(table);
  const id = store.tableByName(table.name)?.id;
  if (id === undefined) throw new Error(`table ${table.name} is not there`);
  for (const row of table.rows) {
    const bytes = rowBytes(table, def, row);
    expect(store.tx.insert(id, bytes, 0, bytes.length)).toBeGreaterThanOrEqual(0);
  }
}

/** Whether rows would not be let in: two with one key, or two that are the same. */
function collides(world: readonly ModelTable[]): boolean {
  return world.some((table) => {
    const def = defOf(table);
    const keys = [...table.unique.map((key) => [key]), table.columns.map(({ key }) => key)];
    return keys.some((columns) => {
      const texts = table.rows.map((row) => columns.map((key) => textOf(row[key])).join());
      return new Set(texts).size < texts.length && def.columns.length > 0;
    });
  });
}

function migrate(world: World, before: readonly ModelTable[], after: readonly ModelTable[], givesUpAt: number): string {
  const { live } = world;
  const plan = planMigration(moduleOf(before), moduleOf(after), { ...rowCounts(live), dropsData: true });
  if (plan.kind === "refused") return plan.reason;
  try {
    // Begun and given up first: that must leave no trace.
    if (openRemakes(live, plan)) {
      live.catalog.stepRemakes(givesUpAt);
      live.catalog.abandonRemakes();
    }
    const make = (): void => {
      openRemakes(live, plan);
      while (live.catalog.isRemaking && !live.catalog.stepRemakes(7));
    };
    const change = (): void => changeTables(live, plan);
    // A disk that has no room for the record, and a module that refuses in the end.
    make();
    const full = (): never => {
      throw new LightconeError("DiskFull", { path: "log" });
    };
    let isFull = false;
    try {
      world.commit(change, CommitKind.publish, full);
    } catch (error) {
      if (!isLightconeError(error, "DiskFull")) throw error;
      isFull = true;
    }
    expect(isFull).toBe(true);
    expect([live.catalog.isRemaking, checkStore(live)]).toEqual([false, []]);
    make();
    live.begin();
    change();
    live.rollback();
    expect([live.catalog.isRemaking, checkStore(live)]).toEqual([false, []]);
    make();
    world.commit(change, CommitKind.publish);
  } catch (error) {
    if (isLightconeError(error)) return error.code;
    throw error;
  }
  return "";
}

test(
  "random changes of random tables",
  async () => {
    let carriedOut = 0;
    await assertProperty(
      fc.asyncProperty(
        drafts,
        fc.array(changes, { minLength: 1, maxLength: 3 }),
        fc.nat(50),
        async (begun, rounds, n) => {
          let model = begun.map(tableOf);
          const world = new World();
          world.commit(() => {
            for (const table of model) world.live.catalog.createTable(defOf(table));
          }, CommitKind.publish);
          world.commit(() => {
            for (const table of model) insertAll(world.live, table);
          });
          for (const [round, steps] of rounds.entries()) {
            const before = structuredClone(model);
            const after = structuredClone(model);
            steps.forEach((step, i) => change(after, step, 10 * round + i));
            const outcome = migrate(world, before, after, n % 20);
            if (outcome === "") {
              carriedOut += 1;
              for (const table of after) {
                table.was = undefined;
                for (const column of table.columns) column.was = undefined;
              }
              model = after;
            } else {
              expect([outcome, collides(after)]).toEqual([
                expect.stringMatching(/UniqueViolation|MigrationRefused/),
                true,
              ]);
            }
            world.check(model);
            if (round === 0) await world.snapshot();
            // Rows come and go afterwards as ever.
            world.commit(() => {
              for (const table of model) {
                const def = defOf(table);
                const id = world.live.tableByName(table.name)?.id;
                const gone = table.rows.splice(n % 7, 3);
                for (const row of gone) {
                  const bytes = rowBytes(table, def, row);
                  const ref = world.live.tableByName(table.name)?.findRow(bytes, 0, bytes.length) ?? -1;
                  if (id !== undefined && ref !== -1) world.live.tx.deleteRow(id, ref);
                }
              }
            });
            world.check(model);
          }
        },
      ),
      cases,
    );
    // What it looked at was not all refused.
    expect(carriedOut).toBeGreaterThan(0);
  },
  60_000 + cases * 1000,
);
