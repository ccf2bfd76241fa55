/**
 * A rule with sources that no equality leads to: `SELECT t.* FROM t JOIN admin a WHERE a.id = :sender`.
 *
 * Its sources fall into groups that equalities hold together. That of the row is the *body*; the others ask of a query alone
 * whether there is something, and switch the body on and off for it as a whole:
 *
 *   rule = body(row, query) and something(query) and …
 *
 *   a query that stays on    the body's delta
 *   that stays off           nothing
 *   that is switched         every row that the body shows now, or showed before
 *
 * Kept is a bit for each query. What switches is found first, so that a row that is replaced by one that does as much, as a user's
 * who goes online, moves nothing; and only what is switched walks the table, whose rows it gains or loses anyway.
 */
import { empty, type RowRef } from "@lightcone/base";
import type { DeltaJoin, OperatorContext } from "./delta-join.ts";
import { checkVisits, type PathCounters } from "./delta-path.ts";
import { Delta } from "./delta.ts";
import type { ParameterRow } from "./operator.ts";
import type { Probe } from "./probe.ts";
import type { LiveRule, StateName } from "./qualifier.ts";
import type { Keyed, Relation, RelationDelta, RowResolver } from "./relation.ts";
import type { CommitTurn, Turn } from "./turn.ts";

const noKey = new DataView(new ArrayBuffer(0));

export class SwitchedRule implements LiveRule {
  private readonly relation: Relation;
  private readonly resolver: RowResolver;
  private readonly counters: PathCounters;
  private readonly turn: CommitTurn;
  private readonly body: DeltaJoin;
  private readonly switches: readonly DeltaJoin[];
  private readonly queries: readonly ParameterRow[];
  private readonly bodies: Readonly<Record<StateName, Probe>>;
  private readonly witnesses: Readonly<Record<StateName, readonly Probe[]>>;
  private readonly rows: Keyed;
  /** By position of a query: whether it was on before the turn, and is now. */
  private was = new Uint8Array(16);
  private is = new Uint8Array(16);
  /** The queries that the turn switches. */
  private readonly switched: ParameterRow[] = [];
  /** The turn that those are of. */
  private turnNumber = 0;
  private readonly delta: Delta;

  /**
   * @param body returns its source 0, which is of `relation`
   * @param switches joins that the row is none of
   */
  constructor(
    { resolver, turn, counters }: Pick<OperatorContext, "resolver" | "turn" | "counters">,
    relation: Relation,
    body: DeltaJoin,
    switches: readonly DeltaJoin[],
    queries: readonly ParameterRow[],
  ) {
    this.relation = relation;
    this.resolver = resolver;
    this.counters = counters;
    this.delta = new Delta(1, counters);
    this.turn = turn;
    this.body = body;
    this.switches = switches;
    this.queries = queries;
    this.bodies = { new: body.probe("new"), old: body.probe("old") };
    const witnessesOf = (state: StateName): readonly Probe[] => switches.map((each) => each.witness(state));
    this.witnesses = { new: witnessesOf("new"), old: witnessesOf("old") };
    this.rows = relation.scan().open();
  }

  get tell(): number {
    return this.body.tell;
  }

  add(query: ParameterRow): void {
    const { position } = query;
    for (const each of [this.body, ...this.switches]) each.add(query);
    if (position >= this.is.length) {
      this.was = grown(this.was, position * 2);
      this.is = grown(this.is, position * 2);
    }
    const { turn, was, is, switched } = this;
    is[position] = this.hasAll("new", query) ? 1 : 0;
    this.settle(position);
    if (!turn.isOpen) return;
    // The template is made anew in the middle of a turn, and has yet to tell it. Each query is looked at by itself: rules that this
    // one reads may have entered the turn for the queries before it.
    this.turnNumber = turn.number;
    was[position] = this.hasAll("old", query) ? 1 : 0;
    if (was[position] !== is[position]) switched.push(query);
  }

  drop(query: ParameterRow): void {
    for (const each of [this.body, ...this.switches]) each.drop(query);
  }

  close(): void {
    for (const each of [this.body, ...this.switches]) each.close();
  }

  probe(state: StateName): { finds(view: DataView, at: number, query: ParameterRow): boolean } {
    const body = this.bodies[state];
    return { finds: (view, at, query) => this.isOn(state, query.position) && body.finds(view, at, query) };
  }

  rowPath(state: StateName): { runRow(row: RowRef, out: Delta): void } {
    const path = this.body.rowPath(state);
    const delta = new Delta(1, this.counters);
    return {
      runRow: (row, out) => {
        path.runRow(row, delta);
        for (let i = 0; i < delta.count; i += 1)
          if (this.isOn(state, delta.queries[i] ?? 0)) out.addRow(row, 1, delta.queries[i] ?? 0);
        delta.clear();
      },
    };
  }

  advance(turn: Turn, out: Delta): void {
    this.enterTurn();
    const { delta, relation, was, is } = this;
    this.body.advance(turn, delta);
    for (let i = 0; i < delta.count; i += 1) {
      const position = delta.queries[i] ?? 0;
      // An event is there in the new state alone.
      const isTold = relation.isEvent ? is[position] === 1 : was[position] === 1 && is[position] === 1;
      if (isTold) out.addRow(delta.refs[i] ?? 0, delta.weights[i] ?? 0, position);
    }
    delta.clear();
    if (this.switched.length > 0 && !relation.isEvent) this.showAll(turn.delta(relation.id), out);
  }

  /**
   * Adds, for each query that is switched, the rows that the body shows in the state in which it is on. That a row was not there
   * before is not looked at: what is inserted has nothing to lose.
   */
  private showAll(changed: RelationDelta | undefined, out: Delta): void {
    const { rows } = this;
    rows.seek(noKey, 0, 0);
    for (let row = rows.next(); row !== -1; row = rows.next()) this.show(row, true, out);
    if (changed === undefined) return;
    const { deletes } = changed;
    for (let i = 0; i < deletes.count; i += 1) this.show(deletes.refs[i] as RowRef, false, out); // below `count`
  }

  private show(row: RowRef, isThere: boolean, out: Delta): void {
    const { counters, switched, bodies, is } = this;
    counters.matchCount += switched.length;
    checkVisits(counters);
    this.resolver.resolve(row);
    const { view, at } = this.resolver.row;
    for (let i = 0; i < switched.length; i += 1) {
      const query = switched[i] as ParameterRow; // below the length
      const isOn = is[query.position] === 1;
      if (isOn ? isThere && bodies.new.finds(view, at, query) : bodies.old.finds(view, at, query))
        out.addRow(row, isOn ? 1 : -1, query.position);
    }
  }

  private isOn(state: StateName, position: number): boolean {
    this.enterTurn();
    return (state === "new" ? this.is : this.was)[position] === 1;
  }

  /** Finds out once a turn which queries it switches. */
  private enterTurn(): void {
    const { turn, delta, switched, queries, was, is } = this;
    if (this.turnNumber === turn.number || !turn.isOpen) return;
    this.turnNumber = turn.number;
    for (let i = 0; i < switched.length; i += 1) this.settle((switched[i] as ParameterRow).position); // below the length
    empty(switched);
    for (const each of this.switches) each.advance(turn, delta);
    for (let i = 0; i < delta.count; i += 1) {
      const query = queries[delta.queries[i] ?? 0] as ParameterRow; // the delta was made for these queries
      const { position } = query;
      if (was[position] !== is[position]) continue;
      const on = this.hasAll("new", query) ? 1 : 0;
      if (on === is[position]) continue;
      is[position] = on;
      switched.push(query);
    }
    delta.clear();
  }

  private settle(position: number): void {
    this.was[position] = this.is[position] ?? 0;
  }

  private hasAll(state: StateName, query: ParameterRow): boolean {
    for (const witness of this.witnesses[state]) if (!witness.any(query)) return false;
    return true;
  }
}

function grown(bits: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(length);
  more.set(bits);
  return more;
}
