/**
 * The rows of a source that fulfil one of several rules, for each query: a row is there once, however many do.
 *
 * Each rule is a join whose first source is the row, kept by delta paths. Their deltas say which pairs of a row and a
 * query a turn touches, and by how much the number of tuples changes that show the row. Then, per pair:
 *
 *   row inserted    seen if a rule has tuples of it             all of them are new
 *   row deleted     was seen if a rule loses tuples of it       all of them are gone
 *   otherwise       more tuples: seen now, before if a rule had one; fewer: seen before, now if a rule has one
 *
 * So rows are looked up for touched pairs of rows that were there before and after, in the one state that is not known.
 * Nothing is kept.
 */
import { empty, type RowRef } from "@lightcone/base";
import type { OperatorContext } from "./delta-join.ts";
import { Delta } from "./delta.ts";
import type { ParameterRow } from "./operator.ts";
import { PairTable } from "./pair-table.ts";
import type { LiveRule, Qualifier, StateName } from "./qualifier.ts";
import type { Relation, RelationDelta, RowResolver } from "./relation.ts";
import { RowSet } from "./row-set.ts";
import type { Turn } from "./turn.ts";

/** One state, as rules are asked about it. */
interface StateOfRules {
  readonly probes: readonly ReturnType<LiveRule["probe"]>[];
  readonly paths: readonly ReturnType<LiveRule["rowPath"]>[];
  readonly seers: ParameterRow[];
}

const gained = 1;
const lost = 2;

const noRows: RelationDelta = {
  deletes: { refs: new Uint32Array(0), count: 0 },
  inserts: { refs: new Uint32Array(0), count: 0 },
};

export class Qualify implements Qualifier {
  private readonly relation: Relation;
  private readonly resolver: RowResolver;
  private readonly rules: readonly LiveRule[];
  private readonly queries: readonly ParameterRow[];
  private readonly states: Readonly<Record<StateName, StateOfRules>>;
  /** The pairs that one rule touches, with the change of its tuples; and those of all rules, with what they do. */
  private readonly ofRule = new PairTable();
  private readonly touched = new PairTable();
  private readonly delta: Delta;
  private readonly inserted = new RowSet();
  private readonly deleted = new RowSet();
  /** By position of a query: the last call of `seers` that found it. */
  private stamps = new Float64Array(16);
  private stamp = 0;

  /** @param rules joins that return their source 0, which is of `relation` */
  constructor(
    relation: Relation,
    { resolver, counters }: Pick<OperatorContext, "resolver" | "counters">,
    rules: readonly LiveRule[],
    queries: readonly ParameterRow[],
  ) {
    const stateOf = (state: StateName): StateOfRules => ({
      probes: rules.map((rule) => rule.probe(state)),
      paths: rules.map((rule) => rule.rowPath(state)),
      seers: [],
    });
    this.relation = relation;
    this.resolver = resolver;
    this.delta = new Delta(1, counters);
    this.rules = rules;
    this.queries = queries;
    this.states = { new: stateOf("new"), old: stateOf("old") };
  }

  get tell(): number {
    return this.rules.reduce((least, rule) => Math.min(least, rule.tell), Infinity);
  }

  add(query: ParameterRow): void {
    for (const rule of this.rules) rule.add(query);
  }

  drop(query: ParameterRow): void {
    for (const rule of this.rules) rule.drop(query);
  }

  close(): void {
    for (const rule of this.rules) rule.close();
  }

  isSeen(state: StateName, _row: RowRef, view: DataView, at: number, query: ParameterRow): boolean {
    const { probes } = this.states[state];
    for (let i = 0; i < probes.length; i += 1) if (probes[i]?.finds(view, at, query) === true) return true;
    return false;
  }

  seers(state: StateName, row: RowRef): readonly ParameterRow[] {
    const { paths, seers } = this.states[state];
    const { delta, queries } = this;
    empty(seers);
    this.stamp += 1;
    if (this.stamps.length < queries.length) this.stamps = new Float64Array(queries.length * 2);
    for (const path of paths) {
      path.runRow(row, delta);
      for (let i = 0; i < delta.count; i += 1) {
        const position = delta.queries[i] ?? 0;
        if (this.stamps[position] === this.stamp) continue;
        this.stamps[position] = this.stamp;
        seers.push(queries[position] as ParameterRow); // the path was run for these queries
      }
      delta.clear();
    }
    return seers;
  }

  advance(turn: Turn, out: Delta): void {
    for (const rule of this.rules) this.touch(rule, turn);
    const touched = this.rules.length === 1 ? this.ofRule : this.touched;
    if (touched.count === 0) return;
    const { inserts, deletes } = turn.delta(this.relation.id) ?? noRows;
    this.inserted.fill(inserts);
    this.deleted.fill(deletes);
    for (let pair = 0; pair < touched.count; pair += 1) {
      const row = touched.row(pair);
      const position = touched.query(pair);
      const value = touched.value(pair);
      const what = touched === this.touched ? value : value > 0 ? gained : value < 0 ? lost : 0;
      const weight = what === 0 ? 0 : this.change(row, position, what);
      if (weight !== 0) out.addRow(row, weight, position);
    }
    touched.clear();
    this.inserted.fill(noRows.inserts);
    this.deleted.fill(noRows.deletes);
  }

  /** Adds the pairs of which a rule has more tuples, or fewer, than before. The only rule's stay as they are. */
  private touch(rule: LiveRule, turn: Turn): void {
    const { delta, ofRule, touched } = this;
    rule.advance(turn, delta);
    if (delta.count === 0) return;
    for (let i = 0; i < delta.count; i += 1) {
      const pair = ofRule.find(delta.refs[i] ?? 0, delta.queries[i] ?? 0);
      ofRule.set(pair, ofRule.value(pair) + (delta.weights[i] ?? 0));
    }
    delta.clear();
    if (this.rules.length === 1) return;
    for (let i = 0; i < ofRule.count; i += 1) {
      const change = ofRule.value(i);
      if (change === 0) continue;
      const pair = touched.find(ofRule.row(i), ofRule.query(i));
      touched.set(pair, touched.value(pair) | (change > 0 ? gained : lost));
    }
    ofRule.clear();
  }

  /** 1 if a query sees a row now and did not, -1 the other way round, else 0. */
  private change(row: RowRef, position: number, what: number): number {
    if (this.inserted.has(row)) return (what & gained) === 0 ? 0 : 1;
    if (this.deleted.has(row)) return (what & lost) === 0 ? 0 : -1;
    if (what === (gained | lost)) return 0;
    this.resolver.resolve(row);
    const { view, at } = this.resolver.row;
    const query = this.queries[position] as ParameterRow; // the delta was made for these queries
    const isSeenToo = this.isSeen(what === gained ? "old" : "new", row, view, at, query);
    if (isSeenToo) return 0;
    return what === gained ? 1 : -1;
  }
}
