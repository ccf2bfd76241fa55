/**
 * Runs a random world: after every commit and every coming and going, each live query's accumulated deltas, the plan
 * evaluated afresh (twice, in the same order) and the oracle agree as bags; equal deltas of a template are one part.
 *
 * Throws what it finds: it needs no test runner, so that `mutants.ts` can run it in a process of its own.
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
  /** Row → how often the deltas so far say it is there. */
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
      for (const change of changes) this.change(change);
      this.fixture.commit((commit) => {
        this.live.advance(commit);
        this.takeDeltas();
      });
      this.checkAll();
      this.comeAndGo(turn + 1);
      this.checkAll();
    }
    for (const [i, { live }] of this.running) this.live.unsubscribe(live, i);
    assert.deepEqual([this.live.templateCount, this.live.queryCount, this.live.arrangementBytes], [0, 0, 0]);
  }

  private change({ table, picks, isDelete }: World["commits"][number][number]): void {
    const entries = Object.entries(this.world.tables[table].columns).map(([column, domain], i) => {
      const { values } = domains[domain];
      return [column, values[(picks[i] ?? 0) % values.length]] as const;
    });
    const row = Object.fromEntries(entries);
    const key = Buffer.from(this.fixture.encode(table, row)).toString("hex");
    if (isDelete) {
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
        for (const ref of rowsOf(parts, "deletes")) add(each.bag, this.fixture.text(ref), -1);
        for (const ref of rowsOf(parts, "inserts")) add(each.bag, this.fixture.text(ref), 1);
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
    return { draft, sql, plan, live, bag };
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

  private checkAll(): void {
    const tables = new Map<string, readonly Row[]>(tableNames.map((name) => [name, [...this.model[name].values()]]));
    for (const { draft, sql, plan, bag } of this.running.values()) {
      const { node, values } = nodeOfDraft(draft, this.fixture.catalog);
      const returned = draft.sources[draft.returned] ?? "";
      const names = Object.keys(this.world.tables[returned as TableName].columns); // a table of the world
      const expected = fresh(node, { tables, values })
        .map(([row]) => Object.fromEntries(names.map((name, i) => [name, row?.[i]])))
        .map((row) => Buffer.from(this.fixture.encode(returned, row)).toString("hex"))
        .toSorted();
      assert.deepEqual(this.evaluated(plan).toSorted(), expected, `evaluated afresh: ${sql}`);
      assert.deepEqual(bagRows(bag), expected, `live: ${sql}`);
    }
  }
}

function specOf(name: string, { columns, indexes }: WorldTable): TableSpec {
  return {
    name,
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
