/** A template with its queries. The operators of its plan run once a commit for all of them. */
import { assert, defined } from "@lightcone/base";
import type { TableSchema } from "@lightcone/schema";
import { nodeOf, type Node, type Predicate, type RulePlan, type SelectPlan, type SourceNode } from "@lightcone/sql";
import { layOutArgs, type ArgLayout } from "../code/args.ts";
import { isAlways } from "../code/predicate-code.ts";
import { UsedArrangements, type Arrangements, type WantedArrangement } from "./arrangements.ts";
import { compileJoin, tableOf, type TableJoin } from "./compile-join.ts";
import { Delta } from "./delta.ts";
import type { OperatorContext } from "./delta-join.ts";
import type { LiveQuery } from "./live-query.ts";
import { NoRows } from "./no-rows.ts";
import type { Operator } from "./operator.ts";
import { PartCutter, type DeltaPart, type PartPool } from "./parts.ts";
import type { Relation } from "./relation.ts";
import type { Turn } from "./turn.ts";

/** What templates share with the others of their database. */
export interface TemplateContext extends Omit<OperatorContext, "arrangements"> {
  readonly pool: PartPool;
  readonly arrangements: Arrangements;
  /** Whether arrangements are made in slices: see `Warming`. */
  readonly inSlices: boolean;
  /** Is told of an arrangement before it is made for a template. @throws {LightconeError} when there is no room for it */
  makes(wanted: WantedArrangement, plan: SelectPlan): void;
  relation(id: SourceNode["table"]["id"]): Relation;
}

/** Takes the parts of a turn. */
export interface GiveParts<Q> {
  toQuery(query: Q, part: DeltaPart): void;
  /** @param lone of the query: see `LiveQueries.setLone` */
  toLone(lone: number, part: DeltaPart): void;
}

export class LiveTemplate<S> {
  readonly plan: SelectPlan;
  readonly layout: ArgLayout;
  readonly queries: LiveQuery<S>[] = [];
  /** The relations that it reads. */
  readonly relations: readonly Relation[];
  readonly arrangements: UsedArrangements;
  private readonly context: TemplateContext;
  /** The table that the result's rows are of. */
  private readonly table: TableSchema;
  private readonly operator: Operator;
  /** Set when the result is a whole relation: then its delta is handed on as it is. */
  private readonly whole: Relation | undefined;
  private readonly delta: Delta;
  private readonly cutter: PartCutter;
  /** By position: the `lone` of each query, so that a part finds its receiver without the query. */
  private lones = new Int32Array(16);
  private give: GiveParts<LiveQuery<S>> | undefined;

  /** @throws {LightconeError} when there is no room for what it needs */
  constructor(context: TemplateContext, plan: SelectPlan) {
    this.context = context;
    this.arrangements = new UsedArrangements(context.arrangements, {
      inSlices: context.inSlices,
      makes: (wanted) => context.makes(wanted, plan),
    });
    this.plan = plan;
    this.layout = layOutArgs(plan.params);
    const relations = new Map(tablesOf(plan).map((id) => [id, context.relation(id)]));
    this.relations = [...relations.values()];
    const root = nodeOf(plan);
    const relationOf = (table: TableSchema): Relation => defined(relations.get(table.id), "a relation of the plan");
    if (root.kind === "source" && isAlways(root.filter)) this.whole = relationOf(root.table);
    const { input, returned } = rowsOf(root);
    this.table = tableOf(defined(input.inputs[returned], "the source whose rows are asked for")).table;
    const { layout, queries } = this;
    const site = { context: { ...context, arrangements: this.arrangements }, layout, queries, relationOf };
    try {
      this.operator = compileJoin(site, input, returned) ?? new NoRows(1);
    } catch (error) {
      this.arrangements.close();
      throw error;
    }
    this.delta = new Delta(this.operator.width, context.counters);
    this.cutter = new PartCutter(context.pool, this.table);
  }

  /** False once a relation's definition has changed since the template was made. */
  get isCurrent(): boolean {
    const { relations } = this;
    for (let i = 0; i < relations.length; i += 1) if (relations[i]?.isCurrent !== true) return false;
    return true;
  }

  add(query: LiveQuery<S>): void {
    query.position = this.queries.length;
    this.queries.push(query);
    this.noteLone(query);
    this.operator.add(query);
  }

  drop(query: LiveQuery<S>): void {
    this.operator.drop(query);
    const last = this.queries.pop();
    if (last === undefined || last === query) return;
    // The last query moves into the gap: their order has no meaning.
    this.operator.drop(last);
    last.position = query.position;
    this.queries[last.position] = last;
    this.noteLone(last);
    this.operator.add(last);
  }

  /** Notes that a query's `lone` is another. */
  noteLone({ position, lone }: LiveQuery<S>): void {
    if (position >= this.lones.length) {
      const { lones } = this;
      this.lones = new Int32Array(position * 2);
      this.lones.set(lones);
    }
    this.lones[position] = lone;
  }

  /** Finds what the turn changed, and gives each changed query its part. */
  advance(turn: Turn, give: GiveParts<LiveQuery<S>>): void {
    this.give = give;
    if (this.whole !== undefined) return this.handOn(turn, this.whole);
    const { delta, operator } = this;
    operator.advance(turn, delta);
    if (delta.count === 0) return;
    this.cutter.cut(delta, this.queries.length, operator.isConsolidated, this.givePart);
    delta.clear();
  }

  private handOn(turn: Turn, relation: Relation): void {
    const { counters, pool } = this.context;
    const delta = turn.delta(relation.id);
    if (delta === undefined) return;
    counters.rowCount += delta.deletes.count + delta.inserts.count;
    const part = pool.share(this.table, delta);
    for (let query = 0; query < this.queries.length; query += 1) this.givePart(query, part);
  }

  private readonly givePart = (query: number, part: DeltaPart): void => {
    const lone = this.lones[query] ?? -1;
    if (lone >= 0) this.give?.toLone(lone, part);
    else this.give?.toQuery(this.queries[query] as LiveQuery<S>, part); // the delta was made for these queries
  };

  close(): void {
    this.operator.close();
    this.arrangements.close();
    this.queries.length = 0;
  }
}

/** The tables that a plan reads, those that only rules read included. */
export function tablesOf({ sources, rules }: RulePlan): readonly SourceNode["table"]["id"][] {
  return [...sources.map(({ table }) => table.id), ...rules.flatMap((each) => each?.flatMap(tablesOf) ?? [])];
}

/** Takes a root apart that returns rows of one source: the join below it, and the position of that source. */
function rowsOf(root: Node): { readonly input: TableJoin; readonly returned: number } {
  if (root.kind === "source" || root.kind === "qualify")
    return { input: { inputs: [root], edges: [], residual: always }, returned: 0 };
  assert(root.kind === "project" && root.projection.kind === "rows", "a live query returns rows of one source");
  const { input, projection } = root;
  assert(input.kind === "join", "a live query reads tables");
  return { input, returned: projection.source };
}

const always: Predicate = { kind: "constant", value: true };
