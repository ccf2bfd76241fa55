/** Random queries before they are made: as plain data, which prints well, shrinks, and becomes both a node tree and SQL. */
import { defined } from "@lightcone/base";
import type { Catalog, ColumnRef, CompareOp, Node, Operand, Predicate } from "@lightcone/sql";
import { domains, type DomainName, type Literal } from "./domains.ts";
import type { Value } from "./values.ts";

/** Table → column → domain, in the order of the columns. */
export type Columns = Readonly<Record<string, Readonly<Record<string, DomainName>>>>;

/** A column of a source, by name. */
export interface DraftColumn {
  readonly source: number;
  readonly name: string;
  readonly domain: DomainName;
}

export type DraftCondition =
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "and" | "or"; readonly terms: readonly DraftCondition[] }
  | { readonly kind: "literal"; readonly op: CompareOp; readonly column: DraftColumn; readonly literal: Literal }
  /** The column is the caller. */
  | { readonly kind: "sender"; readonly column: DraftColumn }
  | { readonly kind: "columns"; readonly op: CompareOp; readonly left: DraftColumn; readonly right: DraftColumn }
  | { readonly kind: "truth"; readonly op: CompareOp; readonly left: DraftCondition; readonly right: DraftCondition };

export interface QueryDraft {
  /** Tables, each joined to one before it by an equality. */
  readonly sources: readonly string[];
  readonly edges: readonly { readonly left: DraftColumn; readonly right: DraftColumn }[];
  readonly condition: DraftCondition;
  /** The source whose rows are asked for. */
  readonly returned: number;
}

/** The same query with other literals of the same columns: another query of its template. */
export function withLiterals(draft: QueryDraft, picks: readonly number[]): QueryDraft {
  let next = 0;
  const changed = (condition: DraftCondition): DraftCondition => {
    switch (condition.kind) {
      case "and":
      case "or":
        return { ...condition, terms: condition.terms.map(changed) };
      case "truth":
        return { ...condition, left: changed(condition.left), right: changed(condition.right) };
      case "literal": {
        const { literals } = domains[condition.column.domain];
        const pick = picks[next++ % picks.length] ?? 0;
        return { ...condition, literal: literals[pick % literals.length] ?? condition.literal };
      }
      default:
        return condition;
    }
  };
  return { ...draft, condition: changed(draft.condition) };
}

const aliases = ["a", "b", "c", "d"];

const columnText = ({ source, name }: DraftColumn): string => `${aliases[source]}.${name}`;

export function sqlOf({ sources, edges, condition, returned }: QueryDraft): string {
  const from = sources.map((table, source) => {
    const edge = edges.find(({ left, right }) => Math.max(left.source, right.source) === source);
    const on = edge === undefined ? "" : ` ON ${columnText(edge.left)} = ${columnText(edge.right)}`;
    return `${table} AS ${aliases[source]}${on}`;
  });
  return `SELECT ${aliases[returned]}.* FROM ${from.join(" JOIN ")} WHERE ${conditionText(condition)}`;
}

function conditionText(condition: DraftCondition): string {
  switch (condition.kind) {
    case "constant":
      return String(condition.value);
    case "and":
    case "or":
      return `(${condition.terms.map(conditionText).join(` ${condition.kind.toUpperCase()} `)})`;
    case "literal":
      return `${columnText(condition.column)} ${condition.op} ${condition.literal.sql}`;
    case "sender":
      return `${columnText(condition.column)} = :sender`;
    case "columns":
      return `${columnText(condition.left)} ${condition.op} ${columnText(condition.right)}`;
    case "truth":
      return `(${conditionText(condition.left)}) ${condition.op} (${conditionText(condition.right)})`;
  }
}

/** The draft as a node tree, and the values of its parameters. All of the condition is the join's. */
export function nodeOfDraft(
  { sources, edges, condition, returned }: QueryDraft,
  catalog: Catalog,
  sender: Uint8Array,
): { readonly node: Node; readonly values: readonly Value[] } {
  const tables = sources.map((name) => defined(catalog.table(name), `table ${name}`));
  const values: Value[] = [];
  const ref = ({ source, name }: DraftColumn): ColumnRef => {
    const column = tables[source]?.def.columns.findIndex((each) => each.name === name);
    return { source, column: defined(column, `column ${name}`) };
  };
  const operand = (column: DraftColumn): Operand => ({ kind: "column", ...ref(column) });
  const predicate = (draft: DraftCondition): Predicate => {
    switch (draft.kind) {
      case "constant":
        return draft;
      case "and":
      case "or":
        return { kind: draft.kind, terms: draft.terms.map(predicate) };
      case "literal": {
        const { op, column, literal } = draft;
        const right: Operand = { kind: "param", param: values.push(literal.value) - 1 };
        return { kind: "compare", op, left: operand(column), right, type: domains[column.domain].type };
      }
      case "sender": {
        const right: Operand = { kind: "param", param: values.push(sender) - 1 };
        const { type } = domains[draft.column.domain];
        return { kind: "compare", op: "=", left: operand(draft.column), right, type };
      }
      case "columns": {
        const { op, left, right } = draft;
        return { kind: "compare", op, left: operand(left), right: operand(right), type: domains[left.domain].type };
      }
      case "truth":
        return { kind: "truth", op: draft.op, left: predicate(draft.left), right: predicate(draft.right) };
    }
  };
  const input: Node = {
    kind: "join",
    inputs: tables.map((table): Node => ({ kind: "source", table, filter: { kind: "constant", value: true } })),
    edges: edges.map(({ left, right }) => ({ left: ref(left), right: ref(right), type: domains[left.domain].type })),
    residual: predicate(condition),
  };
  return { node: { kind: "project", input, projection: { kind: "rows", source: returned } }, values };
}
