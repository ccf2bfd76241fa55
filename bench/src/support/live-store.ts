/** A store, live queries over it, and how long a commit's deltas take from the commit to whoever holds the queries. */
import { defined } from "@lightcone/base";
import { commitMeta, openStore, tableDef, type Store, type TableSketch } from "@lightcone/engine/testing";
import { LiveQueries, prepare, select, type DeltaPart, type LiveQuery } from "@lightcone/query";
import { ByteWriter, valueCodec } from "@lightcone/sats";
import { bindParams, compileRule, compileStatement, type Catalog, type SelectPlan } from "@lightcone/sql";

export type Row = Readonly<Record<string, unknown>>;

const meta = commitMeta();

/** What a table was filled with: a peer is given the same. */
export interface Filled {
  readonly name: string;
  readonly count: number;
  readonly rowOf: (i: number) => Row;
}

/** Takes what one query is told. */
export type Sink = (query: LiveQuery<number>, parts: readonly DeltaPart[]) => void;

export class LiveStore {
  readonly store: Store = openStore({ bytesMax: 16 * 1024 ** 3 });
  readonly live: LiveQueries<number> = new LiveQueries<number>(this.store, { seed: 1 });
  private readonly codecs = new Map<string, ReturnType<typeof valueCodec>>();
  private readonly out = new ByteWriter();
  private subscriberCount = 0;
  readonly sketches: readonly TableSketch[];
  readonly filled: Filled[] = [];

  constructor(...tables: readonly TableSketch[]) {
    this.sketches = tables;
    this.change(() => {
      for (const table of tables) this.store.catalog.createTable(tableDef(table));
    });
  }

  insert(name: string, row: Row): void {
    const { out } = this;
    this.write(name, row);
    this.store.tx.insert(this.table(name).id, out.bytes, 0, out.length);
  }

  delete(name: string, row: Row): void {
    const { out } = this;
    this.write(name, row);
    const table = this.table(name);
    const found = table.findRow(out.bytes, 0, out.length);
    if (found === -1) throw new Error(`${name} lacks a row that is to go`);
    this.store.tx.deleteRow(table.id, found);
  }

  /** Fills a table, ten thousand rows a commit. */
  fill(name: string, count: number, rowOf: (i: number) => Row): void {
    this.filled.push({ name, count, rowOf });
    for (let from = 0; from < count; from += 10_000)
      this.change(() => {
        for (let i = from; i < Math.min(from + 10_000, count); i += 1) this.insert(name, rowOf(i));
      });
  }

  /** @param rules row-level rules that the query is under */
  plan(sql: string, rules: readonly string[] = []): SelectPlan {
    const tables: Catalog = { table: (name) => this.store.tableByName(name)?.schema };
    const all = rules.map((rule) => compileRule(rule, tables));
    const rulesOf = (id: number) => all.filter(({ sources }) => sources[0]?.table.id === id);
    const plan = compileStatement(sql, { ...tables, rules: rulesOf }, nobody);
    if (plan.kind !== "select") throw new Error(`no SELECT: ${sql}`);
    return plan;
  }

  /** Holds a query as one more subscriber. */
  subscribe(plan: SelectPlan, sender: Uint8Array = nobody.identity): LiveQuery<number> {
    this.subscriberCount += 1;
    return this.live.subscribe(plan, bindParams(plan, sender), this.subscriberCount);
  }

  /** Commits a change that nobody measures, and tells the live queries. */
  change(make: () => void): void {
    this.time(make, () => undefined);
  }

  /** Commits a change. Returns the milliseconds from the commit until `sink` has had every query's delta. */
  time(make: () => void, sink: Sink): number {
    this.store.begin();
    make();
    const commit = this.store.commit(meta);
    if (commit === undefined) throw new Error("nothing changed");
    const begun = performance.now();
    this.live.advance(commit);
    this.live.forEachDelta(sink);
    const ms = performance.now() - begun;
    this.store.release(commit);
    return ms;
  }

  /** Commits `count` changes; the microseconds that each took, clock included. */
  microsEach(count: number, make: (i: number) => void, sink: Sink = () => undefined): number {
    let ms = 0;
    for (let i = 0; i < count; i += 1) ms += this.time(() => make(i), sink);
    return (ms * 1000) / count;
  }

  /** How many rows a query has now: what a database that knows no deltas would run. */
  count(plan: SelectPlan, sender: Uint8Array): number {
    let count = 0;
    select(this.store, prepare(plan), bindParams(plan, sender), () => {
      count += 1;
    });
    return count;
  }

  private table(name: string) {
    return defined(this.store.tableByName(name), `table ${name}`);
  }

  private write(name: string, row: Row): void {
    let codec = this.codecs.get(name);
    if (codec === undefined) this.codecs.set(name, (codec = valueCodec(this.table(name).def.rowType)));
    this.out.reset();
    codec.write(this.out, row);
  }
}

const nobody = { identity: new Uint8Array(32), mayWrite: true };

/** The caller number `i`. */
export function caller(i: number): Uint8Array {
  const identity = new Uint8Array(32);
  new DataView(identity.buffer).setUint32(0, i, true);
  return identity;
}

/** The median of some rounds. */
export function median(rounds: readonly number[]): number {
  return rounds.toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? 0;
}
