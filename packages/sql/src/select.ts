/** Checks the names and types of a SELECT, and makes its plan. */
import { t, type AlgebraicType, type ProductType } from "@lightcone/sats";
import type { TableSchema } from "@lightcone/schema";
import type { Expr, Join, SelectStatement } from "./ast.ts";
import type { Catalog } from "./catalog.ts";
import { compare, edgeText, liftParams, moved, split, type Condition, type Term } from "./condition.ts";
import { ungrouped, type NamedTable } from "./dialect.ts";
import { literalBytes } from "./literal.ts";
import type { ColumnRef, Param, Predicate, Projection, RulePlan, SelectPlan, Source } from "./plan.ts";
import { refuse } from "./refuse.ts";
import { restrict, type RuleDraft } from "./rules.ts";
import { Scope } from "./scope.ts";
import { checkCondition, refuseLiteral } from "./type-check.ts";

/** Facts about the text that the plan does not keep and the checks of subscriptions need. */
export interface SelectFacts {
  readonly plan: SelectPlan;
  /** The tables in the text's order. */
  readonly sourcesAsWritten: readonly Source[];
  /** Joins without ON. */
  readonly crossJoinCount: number;
}

/** A SELECT whose names and types were checked. */
export interface CheckedSelect extends Omit<SelectFacts, "plan"> {
  readonly conditions: readonly Condition[];
  readonly projection: Projection;
  readonly columns: ProductType;
}

/** Checks a SELECT that `admit` let through. */
export function planSelect(select: SelectStatement, catalog: Catalog): SelectFacts {
  const checked = checkSelect(select, catalog);
  const { sourcesAsWritten: sources, crossJoinCount } = checked;
  const plan = makePlan({ ...checked, sources, limit: limitOf(select) }, catalog);
  return { plan, sourcesAsWritten: sources, crossJoinCount };
}

export function checkSelect(select: SelectStatement, catalog: Catalog): CheckedSelect {
  const scope = new Scope(catalog);
  const conditions: Condition[] = [];
  let crossJoinCount = 0;
  const from = select.from[0];
  if (from !== undefined) {
    scope.add(named(from.table));
    for (const each of from.joins) {
      scope.add(named(each.table));
      const on = joinCondition(each, scope);
      if (on === undefined) crossJoinCount += 1;
      else conditions.push(on);
    }
  }
  conditions.push(checkCondition(select.where, scope), ...callersOwn(scope.sources));
  const { projection, columns } = project(select, scope);
  return { sourcesAsWritten: scope.sources, conditions, projection, columns, crossJoinCount };
}

/** The plan of `SELECT * FROM table WHERE where`. */
export function planRows(
  table: TableSchema,
  alias: string,
  where: Expr | undefined,
  scope: Scope,
  catalog: Pick<Catalog, "rules">,
): SelectPlan {
  const sources: readonly Source[] = [{ table, alias }];
  const conditions = [checkCondition(where, scope), ...callersOwn(sources)];
  const projection = { kind: "rows", source: 0 } as const;
  return makePlan({ sources, conditions, projection, columns: table.def.rowType, limit: undefined }, catalog);
}

/** Of views whose rows are each caller's own: that they are the caller's. */
function callersOwn(sources: readonly Source[]): Condition[] {
  return sources.flatMap(({ table: { def } }, source) => {
    const { callerColumn: column } = def;
    const type = column === undefined ? undefined : def.columns[column]?.type;
    if (column === undefined || type === undefined) return [];
    const sender: Term = { kind: "value", from: { kind: "sender", asBytes: false } };
    return compare("=", { kind: "column", source, column }, sender, type);
  });
}

function named(ref: { readonly kind: string }): NamedTable {
  if (ref.kind !== "table") refuse("unsupported", "Unsupported FROM expression");
  return ref as NamedTable; // told by `kind`
}

function joinCondition({ on }: Join, scope: Scope): Condition | undefined {
  return on === undefined ? undefined : checkCondition(on, scope);
}

function project(
  select: SelectStatement,
  scope: Scope,
): { readonly projection: Projection; readonly columns: ProductType } {
  const first = select.items[0];
  if (first?.kind === "star") {
    if (first.qualifier === undefined && scope.sources.length > 1) {
      refuse("wildcard_join", "SELECT * is not supported for joins", first.at);
    }
    const source = first.qualifier === undefined ? 0 : scope.source(first.qualifier, first.at);
    const table = scope.sources[source]?.table;
    return { projection: { kind: "rows", source }, columns: table?.def.rowType ?? { kind: "Product", elements: [] } };
  }
  const titles = new Set<string>();
  const refs: ColumnRef[] = [];
  const elements: { readonly name: string; readonly type: AlgebraicType }[] = [];
  for (const item of select.items) {
    if (item.kind !== "expr") continue;
    const expr = ungrouped(item.expr);
    if (expr.kind === "call") {
      return {
        projection: { kind: "count" },
        columns: { kind: "Product", elements: [{ name: item.alias, type: t.u64 }] },
      };
    }
    if (expr.kind !== "column") continue;
    const { source, column, type } = scope.column(expr.parts, expr.at);
    const name = item.alias ?? expr.parts[expr.parts.length - 1] ?? "";
    if (titles.has(name)) refuse("duplicate_name", `Duplicate name \`${name}\``, expr.at);
    titles.add(name);
    refs.push({ source, column });
    elements.push({ name, type });
  }
  return { projection: { kind: "columns", columns: refs }, columns: { kind: "Product", elements } };
}

function limitOf({ limit }: SelectStatement): bigint | undefined {
  if (limit === undefined || limit.count === "all") return undefined;
  const { count } = limit;
  if (count.kind !== "literal" || count.literal.kind === "boolean") return undefined;
  const bytes = literalBytes(count.literal, t.u64) ?? refuseLiteral(count.literal.text, t.u64, count.at);
  return new DataView(bytes.buffer).getBigUint64(0, true);
}

// --- the plan

interface Draft {
  readonly sources: readonly Source[];
  /** All must hold. */
  readonly conditions: readonly Condition[];
  readonly projection: Projection;
  readonly columns: ProductType;
  readonly limit: bigint | undefined;
}

function makePlan(draft: Draft, catalog: Pick<Catalog, "rules">): SelectPlan {
  const { sources, conditions, projection, columns, limit } = returnedFirst(draft);
  const params: Param[] = [];
  const { restrictions, rules, isRuled } = restrict(sources, catalog.rules);
  const { body, key } = planBody({ sources, conditions: [...conditions, ...restrictions], rules }, params);
  return {
    kind: "select",
    key: [projectionKey(projection), key, limit ?? ""].join("; "),
    ...body,
    isRuled,
    params,
    projection,
    columns,
    limit,
  };
}

/** What a SELECT and a rule have in common, and the text that names its template. */
function planBody(
  { sources, conditions, rules }: RuleDraft,
  params: Param[],
): { readonly body: RulePlan; readonly key: string } {
  const parts = split(conditions, sources.length);
  const joins = parts.joins.toSorted((a, b) => (edgeText(a) < edgeText(b) ? -1 : 1));
  const filters: Predicate[] = [];
  const keys: string[] = [];
  for (const filter of parts.filters) {
    const { predicate, key } = liftParams(filter, params);
    filters.push(predicate);
    keys.push(key);
  }
  const residual = liftParams(parts.residual, params);
  const ruleKeys: string[] = [];
  const planned = rules.map((drafts, source) =>
    drafts?.map((draft) => {
      const { body, key } = planBody(draft, params);
      ruleKeys.push(`${source} seen by (${key})`);
      return body;
    }),
  );
  const key = [
    sources.map((source) => source.table.id).join(","),
    joins.map(edgeText).join(","),
    keys.join(" | "),
    residual.key,
    ...ruleKeys,
  ].join("; ");
  return { body: { sources, joins, filters, residual: residual.predicate, rules: planned }, key };
}

function projectionKey(projection: Projection): string {
  switch (projection.kind) {
    case "rows":
      return `rows ${projection.source}`;
    case "columns":
      return `columns ${projection.columns.map(({ source, column }) => `${source}.${column}`).join(",")}`;
    case "count":
      return "count";
  }
}

/** Puts the source first whose rows are returned, so that both spellings of a join are one template. */
function returnedFirst(draft: Draft): Draft {
  const [a, b] = draft.sources;
  const { projection } = draft;
  if (draft.sources.length !== 2 || a === undefined || b === undefined) return draft;
  if (projection.kind !== "rows" || projection.source === 0) return draft;
  return {
    ...draft,
    sources: [b, a],
    conditions: draft.conditions.map((condition) => moved(condition, (source) => 1 - source)),
    projection: { kind: "rows", source: 0 },
  };
}
