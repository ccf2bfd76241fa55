/**
 * A small database with views of every way of reading, for tests of what is kept up to date: random changes are made, and
 * after each the rows that every subscriber has been told are held against what each view says of the tables by then.
 */
import { asRowRef, type LightconeError } from "@lightcone/base";
import { tableDef } from "@lightcone/engine/testing";
import type { HostPort, RowScan, ScanBound, ViewCall, ViewOutcome } from "@lightcone/host";
import { prepare, select, type DeltaPart } from "@lightcone/query";
import { t, toHex } from "@lightcone/sats";
import { bindParams, compileSubscription, type SelectPlan } from "@lightcone/sql";
import fc from "fast-check";
import type { Subscriber, Subscription } from "../subscriptions/subscriber.ts";
import type { TestModuleSketch, TestView } from "./test-module.ts";
import { openParts, testCaller, type TestParts } from "./test-parts.ts";

const member = tableDef({ name: "member", columns: { id: t.u32, grp: t.u32 }, unique: [["id"]] });
const item = tableDef({
  name: "item",
  columns: { id: t.u32, grp: t.u32, value: t.u32 },
  unique: [["id"]],
  indexes: [{ columns: ["grp", "value"] }],
});
const columns = { id: t.u32, grp: t.u32, value: t.u32 };

type Row = readonly number[];
interface Rows {
  readonly members: readonly Row[];
  readonly items: readonly Row[];
}

const u32s = (...numbers: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(numbers.length * 4);
  const view = new DataView(bytes.buffer);
  numbers.forEach((number, at) => view.setUint32(at * 4, number, true));
  return bytes;
};

function idOf(port: HostPort, index: string): ReturnType<HostPort["indexId"]> {
  return port.indexId(index);
}

/** The present row of the port, as numbers. */
function rowAt(port: HostPort, ref: number): number[] {
  port.resolve(asRowRef(ref));
  const { view, at, length } = port.row;
  return Array.from({ length: length / 4 }, (_, column) => view.getUint32(at + column * 4, true));
}

function rowsOf(port: HostPort, scan: RowScan | number, countMax = Infinity): number[][] {
  if (typeof scan === "number") throw new TypeError(port.failure());
  const rows: number[][] = [];
  while (rows.length < countMax) {
    const ref = scan.next();
    if (ref === -1) return rows;
    rows.push(rowAt(port, ref));
  }
  scan.close();
  return rows;
}

function given(rows: readonly Row[]): ViewOutcome {
  return { kind: "rows", bytes: u32s(rows.length, ...rows.flat()) };
}

function groupOf(port: HostPort, caller: number): number | undefined {
  const key = u32s(caller);
  const found = port.find(idOf(port, "member_id_idx_btree") as never, key, 0, 4);
  return found < 0 ? undefined : rowAt(port, found)[1];
}

function itemsOf(port: HostPort, group: number): number[][] {
  const from: ScanBound = { kind: "included", bytes: u32s(0) };
  const scan = port.scanRange(idOf(port, "item_grp_value_idx_btree") as never, u32s(group), 1, from, {
    kind: "unbounded",
  });
  return rowsOf(port, scan);
}

interface WorldView extends Omit<TestView, "run"> {
  readonly run: (port: HostPort, caller: number) => ViewOutcome;
  /** The same from rows; undefined when it fails. */
  readonly of: (rows: Rows, caller: number) => readonly Row[] | undefined;
}

const countOf = (port: HostPort) => port.rowCount(port.tableId("member") as never);
/** Whether `ping` and `pong` read each other. */
const isCircle = ({ members: { length } }: Rows) => length % 2 === 1 && length % 3 !== 0;
const mineOf = (rows: Rows, caller: number) =>
  rows.items.filter(([, grp]) => grp !== undefined && grp === memberOf(rows, caller));
const memberOf = ({ members }: Rows, caller: number) => members.find(([id]) => id === caller)?.[1];

const worldViews: Readonly<Record<string, WorldView>> = {
  mine: {
    columns,
    primaryKey: "id",
    run(port, caller) {
      const group = groupOf(port, caller);
      return given(group === undefined ? [] : itemsOf(port, group));
    },
    of(rows, caller) {
      const group = memberOf(rows, caller);
      return rows.items.filter((row) => row[1] === group && group !== undefined);
    },
  },
  first: {
    columns,
    run(port, caller) {
      const from: ScanBound = { kind: "excluded", bytes: u32s(caller % 4) };
      const to: ScanBound = { kind: "included", bytes: u32s(9) };
      const scan = port.scanRange(idOf(port, "item_grp_value_idx_btree") as never, u32s(caller % 3), 1, from, to);
      return given(rowsOf(port, scan, 2).map(([id, grp, value]) => [id ?? 0, grp ?? 0, value ?? 0]));
    },
    of: ({ items }, caller) =>
      items
        .filter(([, grp = 0, value = 0]) => grp === caller % 3 && value > caller % 4 && value <= 9)
        .toSorted((a, b) => (a[2] ?? 0) - (b[2] ?? 0) || (a[0] ?? 0) - (b[0] ?? 0))
        .slice(0, 2),
  },
  total: {
    columns: { members: t.u32 },
    isAnonymous: true,
    run: (port) => given([[port.rowCount(port.tableId("member") as never)]]),
    of: ({ members }) => [[members.length]],
  },
  odd: {
    columns,
    isAnonymous: true,
    run: (port) =>
      given(rowsOf(port, port.scanTable(port.tableId("item") as never)).filter(([, , value = 0]) => value % 2 === 1)),
    of: ({ items }) => items.filter(([, , value = 0]) => value % 2 === 1),
  },
  asked: {
    columns,
    isAnonymous: true,
    run: () => ({ kind: "query", sql: "SELECT * FROM item WHERE grp = 1 AND value > 2" }),
    of: ({ items }) => items.filter(([, grp, value = 0]) => grp === 1 && value > 2),
  },
  joined: {
    columns,
    run: (_, caller) => ({
      kind: "query",
      sql: `SELECT item.* FROM item JOIN member ON item.grp = member.grp WHERE member.id = ${caller}`,
    }),
    of(rows, caller) {
      const group = memberOf(rows, caller);
      return rows.items.filter((row) => row[1] === group && group !== undefined);
    },
  },
  moody: {
    columns: { grp: t.u32 },
    run(port, caller) {
      const group = groupOf(port, caller);
      return group === 3 ? { kind: "error", message: "not in this mood" } : given(group === undefined ? [] : [[group]]);
    },
    of(rows, caller) {
      const group = memberOf(rows, caller);
      return group === 3 ? undefined : group === undefined ? [] : [[group]];
    },
  },
  // Views that read views.
  upper: {
    columns,
    run: () => ({ kind: "query", sql: "SELECT * FROM mine WHERE value > 2" }),
    of: (rows, caller) => mineOf(rows, caller).filter(([, , value = 0]) => value > 2),
  },
  middle: {
    columns,
    run: () => ({
      kind: "query",
      sql: "SELECT upper.* FROM upper JOIN item ON upper.id = item.id WHERE item.value < 9",
    }),
    of: (rows, caller) => mineOf(rows, caller).filter(([, , value = 0]) => value > 2 && value < 9),
  },
  odd_items: {
    columns,
    isAnonymous: true,
    run: () => ({ kind: "query", sql: "SELECT item.* FROM item JOIN odd ON item.id = odd.id" }),
    of: ({ items }) => items.filter(([, , value = 0]) => value % 2 === 1),
  },
  turning: {
    columns,
    run(port, caller) {
      const group = groupOf(port, caller);
      const view = group === 1 ? "middle" : group === 2 ? "mine" : "odd_items";
      return { kind: "query", sql: `SELECT * FROM ${view}` };
    },
    of(rows, caller) {
      const group = memberOf(rows, caller);
      const mine = mineOf(rows, caller);
      if (group === 1) return mine.filter(([, , value = 0]) => value > 2 && value < 9);
      return group === 2 ? mine : rows.items.filter(([, , value = 0]) => value % 2 === 1);
    },
  },
  unsure: {
    columns: { grp: t.u32 },
    run: () => ({ kind: "query", sql: "SELECT * FROM moody" }),
    of(rows, caller) {
      const group = memberOf(rows, caller);
      return group === 3 ? undefined : group === undefined ? [] : [[group]];
    },
  },
  ping: {
    columns,
    run: (port) => ({ kind: "query", sql: `SELECT * FROM ${countOf(port) % 2 === 1 ? "pong" : "mine"}` }),
    of: (rows, caller) => (isCircle(rows) ? undefined : mineOf(rows, caller)),
  },
  pong: {
    columns,
    run: (port) => ({ kind: "query", sql: `SELECT * FROM ${countOf(port) % 3 === 0 ? "mine" : "ping"}` }),
    of: (rows, caller) => (isCircle(rows) ? undefined : mineOf(rows, caller)),
  },
  // Queries that are kept row by row, alone, read by another, and such that their key can break.
  grouped: {
    columns,
    primaryKey: "id",
    run: (_, caller) => ({ kind: "query", sql: `SELECT * FROM item WHERE grp = ${caller} OR value > 8` }),
    of: ({ items }, caller) => items.filter(([, grp, value = 0]) => grp === caller || value > 8),
  },
  above_grouped: {
    columns,
    run: () => ({ kind: "query", sql: "SELECT * FROM grouped WHERE value < 10" }),
    of: ({ items }, caller) => items.filter(([, grp, value = 0]) => (grp === caller || value > 8) && value < 10),
  },
  single: {
    columns,
    primaryKey: "grp",
    isAnonymous: true,
    run: () => ({ kind: "query", sql: "SELECT * FROM item WHERE value > 9" }),
    of({ items }) {
      const all = items.filter(([, , value = 0]) => value > 9);
      return new Set(all.map(([, grp]) => grp)).size < all.length ? undefined : all;
    },
  },
};

/** The rows of index order that `first` cuts are in the order of `(grp, value)`; ties are in no order, so values differ. */
const values = 12;

const viewNames = Object.keys(worldViews);
const composed = viewNames.indexOf("upper");
const queries: readonly string[] = [
  ...viewNames.slice(0, composed).map((view) => `SELECT * FROM ${view}`),
  "SELECT * FROM mine WHERE value > 3",
  "SELECT mine.* FROM mine JOIN item ON mine.id = item.id WHERE item.value < 6",
  "SELECT item.* FROM item JOIN mine ON mine.id = item.id",
  // Behind the others: views that read views.
  ...viewNames.slice(composed).map((view) => `SELECT * FROM ${view}`),
];
const plainCount = composed + 3;

export type Step =
  | { readonly kind: "commit"; readonly changes: readonly Change[] }
  | { readonly kind: "hold" | "release"; readonly caller: number; readonly query: number };

interface Change {
  readonly table: "member" | "item";
  readonly id: number;
  readonly grp: number;
  readonly isDelete: boolean;
}

const callers = 3;

function stepsOf(query: fc.Arbitrary<number>): fc.Arbitrary<readonly Step[]> {
  return fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant("commit" as const),
          changes: fc.array(
            fc.record({
              table: fc.constantFrom("member" as const, "item" as const),
              id: fc.nat(values - 1),
              grp: fc.nat(3),
              isDelete: fc.boolean(),
            }),
            { maxLength: 4 },
          ),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant("hold" as const),
          caller: fc.nat(callers - 1),
          query,
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant("release" as const),
          caller: fc.nat(callers - 1),
          query,
        }),
      },
    ),
    { minLength: 2, maxLength: 30 },
  );
}

/** Over views of every kind. */
export const steps = stepsOf(fc.nat(queries.length - 1));
/** Over views that read tables alone. */
export const plainSteps = stepsOf(fc.nat(plainCount - 1));

class Holder implements Subscriber {
  readonly changes: DeltaPart[] = [];
  readonly rows = new Map<string, number>();
  readonly plan: SelectPlan;
  readonly caller: number;
  readonly query: number;
  subscription: Subscription | undefined;
  struck: string | undefined;
  private readonly parts: TestParts;

  constructor(parts: TestParts, caller: number, query: number, plan: SelectPlan) {
    this.parts = parts;
    this.caller = caller;
    this.query = query;
    this.plan = plan;
  }

  deliver(): void {
    const { relations } = this.parts.context;
    for (const { deletes, inserts } of this.changes)
      for (const [list, by] of [[deletes, -1] as const, [inserts, 1] as const])
        for (const ref of list.refs.subarray(0, list.count)) {
          relations.resolve(asRowRef(ref));
          const { bytes, at, length } = relations.row;
          this.count(toHex(bytes.subarray(at, at + length)), by);
        }
  }

  missed(_: Subscription, text: string): void {
    throw new Error(text);
  }

  struckOff(_: Subscription, text: string): void {
    this.struck = text;
  }

  count(row: string, by: number): void {
    const left = (this.rows.get(row) ?? 0) + by;
    if (left === 0) this.rows.delete(row);
    else this.rows.set(row, left);
  }
}

const sketch: TestModuleSketch = {
  tables: [member, item],
  views: Object.fromEntries(
    Object.entries(worldViews).map(([name, view]) => [
      name,
      { ...view, run: (port: HostPort, { sender }: ViewCall) => view.run(port, sender[0] ?? 0) },
    ]),
  ),
};

/** Runs the steps. @throws when somebody has been told other rows than there are */
export async function runWorld(script: readonly Step[]): Promise<void> {
  const parts = await openParts(sketch);
  const { context, store, subscriptions } = parts;
  const holders: Holder[] = [];

  const tableRows = (name: string): readonly Row[] => {
    const cursor = store.tableByName(name)?.openCursor();
    const rows: Row[] = [];
    cursor?.seek();
    for (let ref = cursor?.next() ?? -1; ref !== -1; ref = cursor?.next() ?? -1) {
      store.resolve(asRowRef(ref));
      const { view, at, length } = store.row;
      rows.push(Array.from({ length: length / 4 }, (_, column) => view.getUint32(at + column * 4, true)));
    }
    return rows;
  };

  /** What a query gives, from the views as plain functions; undefined when a view fails. */
  const expected = ({ plan, caller, query }: Pick<Holder, "plan" | "caller" | "query">): string[] | undefined => {
    const rows: Rows = { members: tableRows("member"), items: tableRows("item") };
    const text = (all: readonly Row[]): string[] => all.map((row) => toHex(u32s(...row))).toSorted();
    const viewed = plan.sources.find(({ table }) => table.def.isView)?.table.def.name ?? "";
    const view = worldViews[viewed]?.of(rows, caller);
    if (view === undefined) return undefined;
    const mine = new Set(view.map(([id]) => id));
    const sql = queries[query] ?? "";
    if (sql.endsWith("value > 3")) return text(view.filter(([, , value = 0]) => value > 3));
    if (sql.includes("item.value < 6")) return text(view.filter(([, , value = 0]) => value < 6));
    if (sql.startsWith("SELECT item.*")) return text(rows.items.filter(([id]) => mine.has(id)));
    return text(view);
  };

  const has = ({ rows }: Holder): string[] =>
    [...rows].flatMap(([row, count]) => Array<string>(count).fill(row)).toSorted();

  const check = async (): Promise<void> => {
    await parts.settle();
    if (parts.broken !== undefined) throw parts.broken;
    for (const holder of [...holders]) {
      const rows = expected(holder);
      const told = holder.struck === undefined ? has(holder) : undefined;
      const isQuarantined = holder.struck?.includes("times in a row") === true;
      if (!isQuarantined && JSON.stringify(rows) !== JSON.stringify(told))
        throw new Error(
          `${queries[holder.query]} of ${holder.caller}: told ${JSON.stringify(told)}, is ${JSON.stringify(rows)}`,
        );
      if (holder.struck !== undefined) release(holder);
    }
  };

  const release = (holder: Holder): void => {
    if (holder.subscription !== undefined) subscriptions.release(holder.subscription);
    holders.splice(holders.indexOf(holder), 1);
  };

  const hold = (caller: number, query: number): void => {
    const { identity, isOwner } = testCaller(caller);
    const [plan] = compileSubscription(queries[query] ?? "", context.access.catalog({ isOwner: false }, false));
    if (plan === undefined) throw new Error("no query");
    const failed: LightconeError | undefined = context.views.compute([plan], { identity, isOwner });
    const holder = new Holder(parts, caller, query, plan);
    const rows = expected(holder);
    if ((rows === undefined) !== (failed !== undefined)) {
      if (failed?.told.includes("times in a row") === true) return;
      throw new Error(`${queries[query]} of ${caller}: ${String(failed?.message)}, is ${JSON.stringify(rows)}`);
    }
    if (failed !== undefined) return;
    const params = bindParams(plan, identity);
    select(context.relations, prepare(plan), params, (bytes, at, length) =>
      holder.count(toHex(bytes.subarray(at, at + length)), 1),
    );
    holder.subscription = subscriptions.hold(holder, plan, params);
    holders.push(holder);
  };

  const change = ({ table: name, id, grp, isDelete }: Change): void => {
    const table = store.tableByName(name);
    const key = table?.indexes.find(({ unique }) => unique);
    if (table === undefined || key === undefined) throw new Error(`no table ${name}`);
    // The values of a group differ, so that no two rows tie.
    const row = name === "member" ? u32s(id, grp) : u32s(id, grp, id);
    store.tx.deletePoint(key.id, row, 0, 4);
    if (!isDelete) store.tx.insert(table.id, row, 0, row.length);
  };

  for (const step of script) {
    if (step.kind === "commit") parts.commit(() => step.changes.forEach(change));
    else if (step.kind === "hold") hold(step.caller, step.query);
    else {
      const held = holders.find(({ caller, query }) => caller === step.caller && query === step.query);
      if (held !== undefined) release(held);
    }
    await check();
  }
  for (const holder of [...holders]) release(holder);
  parts.commit(() => [0, 1, 2, 3].forEach((grp) => change({ table: "item", id: grp, grp, isDelete: false })));
  await check();
  await parts.log.close();
}
