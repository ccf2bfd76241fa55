/**
 * A checked statement: what the evaluators run. Names are resolved, types agree, constants are parameters.
 *
 * A plan is a **template** with parameters: two statements that differ only in constants (or in the caller, for
 * `:sender`) have the same `key` and are evaluated together. Names have become positions of columns and sources.
 */
import type { AlgebraicType, ProductType } from "@lightcone/sats";
import type { TableSchema } from "@lightcone/schema";
import type { CompareOp } from "./ast.ts";

export type { CompareOp };

/** A table in FROM. `alias` is for messages; nothing is looked up by it. */
export interface Source {
  readonly table: TableSchema;
  readonly alias: string;
}

export interface ColumnRef {
  /** Position in `sources`. */
  readonly source: number;
  /** Position in the table. */
  readonly column: number;
}

export type Operand =
  | ({ readonly kind: "column" } & ColumnRef)
  /** Position in `params`. */
  | { readonly kind: "param"; readonly param: number };

/**
 * A condition in normal form: `and` and `or` are flat, have at least two terms, never sit directly in
 * their own kind, and hold no constants; negation is pushed into comparisons; a column stands on the left.
 */
export type Predicate =
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "and" | "or"; readonly terms: readonly Predicate[] }
  | {
      readonly kind: "compare";
      readonly op: CompareOp;
      readonly left: Operand;
      readonly right: Operand;
      /** Of both sides. */
      readonly type: AlgebraicType;
    }
  /** Two conditions compared as booleans, false below true. */
  | { readonly kind: "truth"; readonly op: CompareOp; readonly left: Predicate; readonly right: Predicate };

/** Where a parameter's value comes from. */
export type ParamSource =
  | { readonly kind: "constant"; readonly bytes: Uint8Array }
  /** The caller's identity; as a byte array when `asBytes`. */
  | { readonly kind: "sender"; readonly asBytes: boolean };

export interface Param {
  readonly type: AlgebraicType;
  readonly from: ParamSource;
}

/** An equality of columns of two sources that holds for every row of the result. */
export interface JoinEdge {
  readonly left: ColumnRef;
  readonly right: ColumnRef;
  readonly type: AlgebraicType;
}

/**
 * Sources that equalities hold together, in their order; the group of source 0 is the first.
 *
 * @param together more that belong together
 */
export function joinGroups(
  count: number,
  joins: readonly JoinEdge[],
  together: readonly (readonly number[])[] = [],
): readonly (readonly number[])[] {
  const groupOf = Array.from({ length: count }, (_, source) => source);
  for (const sources of [...joins.map(({ left, right }) => [left.source, right.source]), ...together]) {
    const from = new Set(sources.map((source) => groupOf[source]));
    const [to] = from;
    for (const [source, group] of groupOf.entries()) if (from.has(group)) groupOf[source] = to ?? group;
  }
  return [...new Set(groupOf)].map((group) => [...groupOf.keys()].filter((source) => groupOf[source] === group));
}

export type Projection =
  /** Whole rows of one source. */
  | { readonly kind: "rows"; readonly source: number }
  | { readonly kind: "columns"; readonly columns: readonly ColumnRef[] }
  | { readonly kind: "count" };

/** Names the template: equal for statements that differ only in parameter values. */
export type TemplateKey = string;

/**
 * A row-level rule as a condition on a row: whether there are rows of its other sources with which everything holds.
 * Source 0 is the row that is asked about.
 */
export interface RulePlan {
  readonly sources: readonly Source[];
  readonly joins: readonly JoinEdge[];
  readonly filters: readonly Predicate[];
  readonly residual: Predicate;
  /** By source: the rules of the tables that the rule reads. */
  readonly rules: readonly Visibility[];
}

/** Which rows of a source are there for the caller: those that fulfil a rule. Undefined when all are. */
export type Visibility = readonly RulePlan[] | undefined;

export interface SelectPlan {
  readonly kind: "select";
  readonly key: TemplateKey;
  /** Of two sources, the one whose rows are returned is first. */
  readonly sources: readonly Source[];
  readonly joins: readonly JoinEdge[];
  /** By source: the part of the condition that reads this source alone; `true` if there is none. */
  readonly filters: readonly Predicate[];
  /** The part of the condition that reads several sources. */
  readonly residual: Predicate;
  /** By source. Rules that read no other table are part of the filters. */
  readonly rules: readonly Visibility[];
  /** Whether rules hide rows from the caller: then nothing that it is told may depend on those. */
  readonly isRuled: boolean;
  readonly params: readonly Param[];
  readonly projection: Projection;
  /** The result's columns under their titles. */
  readonly columns: ProductType;
  readonly limit: bigint | undefined;
}

export interface InsertPlan {
  readonly kind: "insert";
  readonly table: TableSchema;
  /** Whole rows as BSATN. */
  readonly rows: readonly Uint8Array[];
}

export interface Assignment {
  readonly column: number;
  /** BSATN of the column's type. */
  readonly value: Uint8Array;
}

export interface UpdatePlan {
  readonly kind: "update";
  readonly assignments: readonly Assignment[];
  /** Finds the rows: whole rows of one source. */
  readonly match: SelectPlan;
}

export interface DeletePlan {
  readonly kind: "delete";
  readonly match: SelectPlan;
}

/** SET of a system variable. */
export interface SetPlan {
  readonly kind: "set";
  readonly name: VariableName;
  readonly value: bigint;
}

export interface ShowPlan {
  readonly kind: "show";
  readonly name: VariableName;
  readonly columns: ProductType;
}

export type Plan = SelectPlan | InsertPlan | UpdatePlan | DeletePlan | SetPlan | ShowPlan;

export const variableNames = ["row_limit"] as const;
export type VariableName = (typeof variableNames)[number];

/** What a variable holds, and so the type of SHOW's only column. */
export const variableType: AlgebraicType = {
  kind: "Sum",
  variants: (
    ["Bool", "I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "I128", "U128", "F32", "F64", "String"] as const
  ).map((kind) => ({ name: kind, type: { kind } })),
};

/**
 * The values of a plan's parameters for one caller, each BSATN of its type.
 *
 * @param sender the caller's identity, 32 bytes little-endian
 */
export function bindParams(plan: SelectPlan, sender: Uint8Array): Uint8Array[] {
  return plan.params.map(({ from }) => {
    if (from.kind === "constant") return from.bytes;
    if (!from.asBytes) return sender;
    const out = new Uint8Array(4 + sender.length);
    out[0] = sender.length;
    out.set(sender, 4);
    return out;
  });
}
