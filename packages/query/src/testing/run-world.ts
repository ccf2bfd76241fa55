/**
 * Runs a random world: after every commit and every coming and going, each live query's accumulated deltas, the plan
 * evaluated afresh (twice, in the same order) and the oracle agree as bags; no delta takes and gives the same row; equal
 * deltas of a template are one part. A query of an event table is told what the oracle says of the commit's events.
 *
 * Throws what it finds: it needs no test runner, so that `run-mutants.ts` can run it in a process of its own.
 */
import { strict as assert } from "node:assert";
import { bindParams, compileStatement, type SelectPlan } from "@lightcone/sql";
import { LiveQueries, prepare, select, type DeltaPart, type LiveQuery } from "../index.ts";
import { domains } from "./domains.ts";
import { Fixture, rowsOf, type TableSpec } from "./fixture.ts";
import { fresh } from "./fresh.ts";
import { nodeOfDraft, sqlOf, type QueryDraft } from "./query-draft.ts";
import { tableNames, type TableName, type World, type WorldTable } from "./random-worlds.ts";
import type { Row } from "./values.ts";

const sender = new Uint8Array(32);
const owner = { identity: sender, mayWrite: true };

interface Running {
  readonly draft: QueryDraft;
  readonly sql: string;
  readonly plan: SelectPlan;
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
  private readonly running = new Map<number, Running>();

  constructor(world: World) {
    this.world = world;
    this.fixture = new Fixture(...tableNames.map((name) => specOf(name, world.tables[name])));
    this.live = new LiveQueries<number>(this.fixture.store, { seed: 7 });
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
    for (const [i, { live }] of this.running) this.live.unsubscribe(live, i);
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
    if (isDelete && !this.world.tables[table].isEvent) {
      this.fixture.delete(table, row);
      this.model[table].delete(key);
    } else if (this.fixture.insert(table, row)) {
      this.model[table].set(
        key,
        entries.map(([, value]) => value),
      );
    }
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
      if (turn === from) this.running.set(i, this.begin(draft, i));
      const gone = this.running.get(i);
      if (turn !== from + length || gone === undefined) continue;
      this.live.unsubscribe(gone.live, i);
      this.running.delete(i);
    }
  }

  private begin(draft: QueryDraft, subscriber: number): Running {
    const sql = sqlOf(draft);
    const plan = compileStatement(sql, this.fixture.catalog, owner);
    assert.ok(plan.kind === "select");
    const live = this.live.subscribe(plan, bindParams(plan, sender), subscriber);
    const bag = new Map<string, number>();
    for (const row of this.evaluated(plan)) add(bag, row, 1);
    const isEvent = draft.sources.some((name) => this.world.tables[name as TableName].isEvent); // drawn from them
    return { draft, sql, plan, live, isEvent, bag };
  }

  private evaluated(plan: SelectPlan): readonly string[] {
    const prepared = prepare(plan);
    const run = (): string[] => {
      const rows: string[] = [];
      select(this.fixture.store, prepared, bindParams(plan, sender), (bytes, at, length) => {
        rows.push(Buffer.from(bytes.subarray(at, at + length)).toString("hex"));
      });
      return rows;
    };
    const rows = run();
    assert.deepEqual(run(), rows, "the same order again");
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
  }

  private checkAll(): void {
    for (const each of this.running.values()) {
      const expected = this.expected(each);
      assert.deepEqual(this.evaluated(each.plan).toSorted(), expected, `evaluated afresh: ${each.sql}`);
      assert.deepEqual(bagRows(each.bag), expected, `live: ${each.sql}`);
    }
  }

  /** The rows that the oracle says a query has, in order. */
  private expected({ draft }: Running): readonly string[] {
    const tables = new Map<string, readonly Row[]>(tableNames.map((name) => [name, [...this.model[name].values()]]));
    const { node, values } = nodeOfDraft(draft, this.fixture.catalog);
    const returned = draft.sources[draft.returned] ?? "";
    const names = Object.keys(this.world.tables[returned as TableName].columns); // a table of the world
    return fresh(node, { tables, values })
      .map(([row]) => Object.fromEntries(names.map((name, i) => [name, row?.[i]])))
      .map((row) => Buffer.from(this.fixture.encode(returned, row)).toString("hex"))
      .toSorted();
  }
}

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
