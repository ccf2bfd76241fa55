/**
 * Runs a random world: after every commit and every coming and going, each live query's accumulated deltas, the plan
 * evaluated afresh (twice, in the same order) and the oracle agree as bags; no delta takes and gives the same row; equal
 * deltas of a template are one part. A query of an event table is told what the oracle says of the commit's events.
 *
 * Throws what it finds: it needs no test runner, so that `run-mutants.ts` can run it in a process of its own.
 */
import { strict as assert } from "node:assert";
import { bindParams, compileRule, compileStatement, type Catalog, type Rule, type SelectPlan } from "@lightcone/sql";
import {
  LiveQueries,
  prepare,
  select,
  SlicedSelect,
  type DeltaPart,
  type LiveQuery,
  type Prepared,
  type Warming,
} from "../index.ts";
import { callers, domains } from "./domains.ts";
import { Fixture, rowsOf, type TableSpec } from "./fixture.ts";
import { fresh } from "./fresh.ts";
import { nodeOfDraft, sqlOf, type QueryDraft } from "./query-draft.ts";
import { tableNames, type TableName, type World, type WorldTable } from "./random-worlds.ts";
import { compareValues, type Row } from "./values.ts";

const owner = 2;

interface Running {
  /** Who asks: one of `callers`; the last is the owner, who sees all rows. */
  readonly caller: number;
  readonly draft: QueryDraft;
  readonly sql: string;
  readonly prepared: Prepared;
  readonly live: LiveQuery<number>;
  /** Whether it reads an event table: its rows are told once, and are not there afterwards. */
  readonly isEvent: boolean;
  /** Row → how often the deltas so far (of an event query: of this commit) say it is there. */
  readonly bag: Map<string, number>;
}

export function runWorld(world: World): void {
  new Runner(world).run();
}

class Runner {
  private readonly world: World;
  private readonly fixture: Fixture;
  private readonly live: LiveQueries<number>;
  private readonly model: Readonly<Record<TableName, Map<string, Row>>> = { r: new Map(), s: new Map(), u: new Map() };
  private readonly running = new Map<string, Running>();
  /** What callers see of tables, until these change. */
  private readonly seen = new Map<string, readonly Row[]>();
  /** What queries to come need, in the making. Some are subscribed before it is whole. */
  private readonly warmings = new Map<string, Warming>();
  /** Who asks each query. */
  private readonly askers: readonly number[];

  constructor(world: World) {
    this.world = world;
    this.fixture = new Fixture(...tableNames.map((name) => specOf(name, world.tables[name])));
    this.live = new LiveQueries<number>(this.fixture.store, { seed: 7, rowsAtOnceMax: 0 });
    this.askers = Object.keys(world.rules).length === 0 ? [owner] : [...callers.keys()];
  }

  /** What a caller may name, and under which rules. */
  private catalogOf(caller: number): Catalog {
    const { catalog } = this.fixture;
    if (caller === owner) return catalog;
    const rules: Rule[] = Object.values(this.world.rules).flatMap((drafts) =>
      drafts.map((draft) => compileRule(sqlOf(draft), catalog)),
    );
    return { ...catalog, rules: (table) => rules.filter(({ sources }) => sources[0]?.table.id === table) };
  }

  run(): void {
    this.comeAndGo(0);
    for (const [turn, changes] of this.world.commits.entries()) {
      this.fixture.store.begin();
      this.redefine(turn);
      for (const change of changes) this.change(change);
      this.fixture.commit((commit) => {
        this.live.advance(commit);
        this.takeDeltas();
      });
      this.checkEvents();
      this.checkAll();
      this.comeAndGo(turn + 1);
      this.checkAll();
    }
    for (const warming of this.warmings.values()) warming.close();
    for (const { live, caller } of this.running.values()) this.live.unsubscribe(live, caller);
    assert.deepEqual([this.live.templateCount, this.live.queryCount, this.live.arrangementBytes], [0, 0, 0]);
  }

  private redefine(turn: number): void {
    const redefinition = this.world.redefinitions[turn];
    if (redefinition === undefined) return;
    const { isDrop, pick } = redefinition;
    const { id, indexes } = this.fixture.table(redefinition.table);
    const { catalog } = this.fixture.store;
    if (isDrop) {
      const dropped = indexes.filter(({ unique }) => !unique)[pick % 4];
      if (dropped !== undefined) catalog.dropIndex(dropped.id);
      return;
    }
    const columns = [[0], [2], [1, 2], [2, 0], [3]][pick % 5] ?? [];
    const name = `made_${turn}`;
    const algorithm = pick < 5 ? "btree" : "hash";
    catalog.createIndex(id, { name, sourceName: name, accessor: undefined, algorithm, columns, unique: false });
  }

  private change({ table, picks, isDelete }: World["commits"][number][number]): void {
    const entries = Object.entries(this.world.tables[table].columns).map(([column, domain], i) => {
      const { values } = domains[domain];
      return [column, values[(picks[i] ?? 0) % values.length]] as const;
    });
    const row = Object.fromEntries(entries);
    const key = Buffer.from(this.fixture.encode(table, row)).toString("hex");
    this.seen.clear();
    if (isDelete && !this.world.tables[table].isEvent) {
      this.fixture.delete(table, row);
      this.model[table].delete(key);
    } else {
      const isUpdate = this.fixture.update(table, row);
      if (!isUpdate && !this.fixture.insert(table, row)) return;
      const values = entries.map(([, value]) => value);
      const rows = this.model[table];
      if (isUpdate) for (const [old, other] of rows) if (this.haveSameKeys(table, other, values)) rows.delete(old);
      rows.set(key, values);
    }
  }

  /** Whether two rows have one key in the index that updates go by. */
  private haveSameKeys(table: TableName, a: Row, b: Row): boolean {
    const columns = this.fixture.table(table).indexes.find(({ unique }) => unique)?.def.columns ?? [];
    return columns.every((column) => compareValues(a[column], b[column]) === 0);
  }

  private takeDeltas(): void {
    const partsOf = new Map<string, Set<DeltaPart>>();
    this.live.forEachDelta((live, parts) => {
      const all = partsOf.get(live.key) ?? new Set();
      partsOf.set(live.key, all);
      for (const part of parts) {
        assert.ok(!part.isEmpty, "a part has rows");
        all.add(part);
      }
      for (const each of this.running.values()) {
        if (each.live !== live) continue;
        const deletes = rowsOf(parts, "deletes").map((ref) => this.fixture.text(ref));
        const inserts = rowsOf(parts, "inserts").map((ref) => this.fixture.text(ref));
        assert.ok(!deletes.some((row) => inserts.includes(row)), `a row is taken or given, not both: ${each.sql}`);
        for (const row of deletes) add(each.bag, row, -1);
        for (const row of inserts) add(each.bag, row, 1);
      }
    });
    for (const parts of partsOf.values()) {
      const contents = [...parts].map((part) =>
        [rowsOf([part], "deletes"), rowsOf([part], "inserts")].map(sortedText).join(),
      );
      assert.equal(new Set(contents).size, contents.length, "equal parts of a template are one");
    }
  }

  private comeAndGo(turn: number): void {
    for (const [i, draft] of this.world.queries.entries()) {
      const [from, length] = this.world.lives[i] ?? [0, 9];
      for (const caller of this.askers) {
        const name = `${i} by ${caller}`;
        // Half of them are awaited: for up to four commits what they need is made a row or a few at a time.
        if (i % 2 === 0 && turn <= from && turn >= from - 4) this.warm(name, draft, caller, turn);
        if (turn === from) {
          this.running.set(name, this.begin(draft, caller));
          this.warmings.get(name)?.close();
          this.warmings.delete(name);
        }
        const gone = this.running.get(name);
        if (turn !== from + length || gone === undefined) continue;
        this.live.unsubscribe(gone.live, caller);
        this.running.delete(name);
      }
    }
  }

  private planOf(draft: QueryDraft, caller: number): SelectPlan {
    const identity = senderOf(caller);
    const plan = compileStatement(sqlOf(draft), this.catalogOf(caller), { identity, mayWrite: true });
    assert.ok(plan.kind === "select");
    return plan;
  }

  /** Begins to make what a query needs, or goes on with it. */
  private warm(name: string, draft: QueryDraft, caller: number, turn: number): void {
    const there = this.warmings.get(name) ?? this.live.warm([this.planOf(draft, caller)]);
    if (there === undefined) return;
    this.warmings.set(name, there);
    if (!there.isWhole) there.step(1 + (turn % 3));
  }

  private begin(draft: QueryDraft, caller: number): Running {
    const sql = sqlOf(draft);
    const plan = this.planOf(draft, caller);
    const live = this.live.subscribe(plan, bindParams(plan, senderOf(caller)), caller);
    const prepared = prepare(plan);
    const bag = new Map<string, number>();
    for (const row of this.evaluated(prepared, caller)) add(bag, row, 1);
    const isEvent = draft.sources.some((name) => this.world.tables[name as TableName].isEvent); // drawn from them
    return { caller, draft, sql, prepared, live, isEvent, bag };
  }

  private evaluated(prepared: Prepared, caller: number): readonly string[] {
    const { store } = this.fixture;
    const { plan } = prepared;
    const values = bindParams(plan, senderOf(caller));
    const run = (): string[] => {
      const rows: string[] = [];
      select(store, prepared, values, (bytes, at, length) => rows.push(hexOf(bytes, at, length)));
      return rows;
    };
    const rows = run();
    assert.deepEqual(run(), rows, "the same order again");
    if (!plan.isRuled) return rows;
    const inSteps: string[] = [];
    const readView = store.openReadView();
    const sliced = new SlicedSelect({ store, readView, seed: 7 }, prepared, values, (bytes, at, length) =>
      inSteps.push(hexOf(bytes, at, length)),
    );
    while (sliced.step(7));
    readView.close();
    assert.deepEqual(inSteps.toSorted(), rows.toSorted(), "the same in steps");
    return rows;
  }

  /** What queries of event tables were told of this commit; then its events are gone. */
  private checkEvents(): void {
    for (const each of this.running.values()) {
      if (!each.isEvent) continue;
      assert.deepEqual(bagRows(each.bag), this.expected(each), `events: ${each.sql}`);
      each.bag.clear();
    }
    for (const name of tableNames) if (this.world.tables[name].isEvent) this.model[name].clear();
    this.seen.clear();
  }

  private checkAll(): void {
    for (const each of this.running.values()) {
      const expected = this.expected(each);
      assert.deepEqual(
        this.evaluated(each.prepared, each.caller).toSorted(),
        expected,
        `evaluated afresh: ${each.sql}`,
      );
      assert.deepEqual(bagRows(each.bag), expected, `live: ${each.sql}`);
    }
  }

  /** The rows that the oracle says a query has, in order. */
  private expected({ draft, caller }: Running): readonly string[] {
    const tables = new Map<string, readonly Row[]>(tableNames.map((name) => [name, this.seenBy(caller, name)]));
    const { node, values } = nodeOfDraft(draft, this.fixture.catalog, senderOf(caller));
    const returned = draft.sources[draft.returned] ?? "";
    const names = Object.keys(this.world.tables[returned as TableName].columns); // a table of the world
    return fresh(node, { tables, values })
      .map(([row]) => Object.fromEntries(names.map((name, i) => [name, row?.[i]])))
      .map((row) => Buffer.from(this.fixture.encode(returned, row)).toString("hex"))
      .toSorted();
  }

  private seenBy(caller: number, name: TableName): readonly Row[] {
    const key = `${name} by ${caller}`;
    const seen = this.seen.get(key) ?? this.filtered(caller, name);
    this.seen.set(key, seen);
    return seen;
  }

  /** The rows of a table that a caller sees: each is tried with each rule, over what the caller sees of other tables. */
  private filtered(caller: number, name: TableName): readonly Row[] {
    const all = [...this.model[name].values()];
    const rules = this.world.rules[name];
    if (rules === undefined || caller === owner) return all;
    const shown = rules.flatMap((draft) => {
      const tables = new Map<string, readonly Row[]>(
        draft.sources.map((read) => [read, read === name ? all : this.seenBy(caller, read as TableName)]), // drawn from them
      );
      const { node, values } = nodeOfDraft(draft, this.fixture.catalog, senderOf(caller));
      return fresh(node, { tables, values }).map(([row]) => row);
    });
    return all.filter((row) => shown.includes(row));
  }
}

const senderOf = (caller: number): Uint8Array => callers[caller] ?? new Uint8Array(32);

const hexOf = (bytes: Uint8Array, at: number, length: number): string =>
  Buffer.from(bytes.subarray(at, at + length)).toString("hex");

function specOf(name: string, { columns, indexes, isEvent }: WorldTable): TableSpec {
  return {
    name,
    isEvent,
    columns: Object.fromEntries(Object.entries(columns).map(([column, domain]) => [column, domains[domain].type])),
    indexes,
  };
}

function add(bag: Map<string, number>, row: string, count: number): void {
  const now = (bag.get(row) ?? 0) + count;
  if (now === 0) bag.delete(row);
  else bag.set(row, now);
}

function bagRows(bag: ReadonlyMap<string, number>): string[] {
  const rows: string[] = [];
  for (const [row, count] of bag) {
    assert.ok(count > 0, "no row is taken away that was not there");
    for (let i = 0; i < count; i += 1) rows.push(row);
  }
  return rows.toSorted();
}

const sortedText = (refs: readonly number[]): string => refs.toSorted((a, b) => a - b).join(" ");
