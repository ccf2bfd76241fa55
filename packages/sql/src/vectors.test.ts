// Goal: every statement of conformance/vectors/sql.json is accepted or refused as the file says, with its text.
// Method: compile each against the vectors' own schema; compare category, message, columns and per-caller mark.
import { readFileSync } from "node:fs";
import { isLightconeError } from "@lightcone/base";
import { formatType, fromHex } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { compileStatement, compileSubscription, type Plan, type SelectPlan } from "./index.ts";
import { catalogOf, type VectorTable } from "./testing/vector-catalog.ts";

interface Vector {
  readonly id: number;
  readonly mode: "subscribe" | "query";
  readonly caller: "owner" | "client";
  readonly sql?: string;
  readonly build?: { readonly prefix: string; readonly unit: string; readonly count: number; readonly suffix: string };
  readonly expect: string;
  readonly message?: string;
  readonly columns?: readonly (readonly [string, string])[];
  readonly per_caller?: boolean;
  readonly join?: boolean;
  readonly fragments?: number;
}

const file = new URL("../../../conformance/vectors/sql.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as {
  readonly schema: {
    readonly owner: string;
    readonly client: string;
    readonly tables: readonly VectorTable[];
    readonly views: readonly VectorTable[];
  };
  readonly statements: readonly Vector[];
};

/** Where Lightcone differs on purpose, by id, each with why. */
const differs = new Map([
  [42, { category: "ok", why: "an index on either side of a join is enough" }],
  [69, { category: "ok", why: "a rule with tables that no equality leads to is kept live" }],
  [228, { category: "no_field", why: "the names of an INSERT's list are looked up" }],
]);

function run(vector: Vector): readonly Plan[] {
  const { owner, client, tables, views } = vectors.schema;
  const build = vector.build;
  const sql = vector.sql ?? (build === undefined ? "" : build.prefix + build.unit.repeat(build.count) + build.suffix);
  const catalog = catalogOf(tables, views, vector.caller);
  if (vector.mode === "subscribe") return compileSubscription(sql, catalog);
  const identity = fromHex(vector.caller === "owner" ? owner : client).reverse();
  return [compileStatement(sql, catalog, { identity, mayWrite: vector.caller === "owner" })];
}

/** What came of a statement, in the vectors' own words. */
interface Outcome {
  readonly category: string;
  readonly message: string | undefined;
  readonly columns: Vector["columns"];
  readonly fragments: number | undefined;
  readonly perCaller: boolean | undefined;
  readonly join: boolean | undefined;
}

function outcome(vector: Vector): Outcome {
  const none = { columns: undefined, fragments: undefined, perCaller: undefined, join: undefined };
  try {
    const plans = run(vector);
    const plan = plans[0];
    const columns = plan?.kind === "select" || plan?.kind === "show" ? plan.columns.elements : [];
    return {
      category: "ok",
      message: undefined,
      columns: columns.map(({ name, type }) => [name ?? "", formatType(type)] as const),
      fragments: plans.length,
      perCaller: plan?.kind === "select" && isPerCaller(plan),
      join: plan?.kind === "select" && plan.sources.length > 1,
    };
  } catch (error) {
    if (isLightconeError(error, "SqlSyntax")) return { ...none, category: "syntax", message: prefix(error.message) };
    if (!isLightconeError(error, "SqlRefused")) throw error;
    // The reference system's text comes first; what Lightcone adds follows in parentheses.
    expect(error.message.startsWith(error.detail.text)).toBe(true);
    return { ...none, category: error.detail.category, message: error.detail.text };
  }
}

/** Whether the result may differ between callers: by a view that is kept for each, or by a parameter. */
function isPerCaller({ sources, params }: SelectPlan): boolean {
  const views = vectors.schema.views.filter(({ anonymous }) => anonymous === false).map(({ name }) => name);
  return (
    sources.some(({ table }) => views.includes(table.def.name)) || params.some(({ from }) => from.kind === "sender")
  );
}

/** Of a syntax error's text only what stands before the first colon counts. */
const prefix = (message: string): string => message.slice(0, message.indexOf(":"));

/** What the vectors leave out is taken from the outcome: it is not asked for. */
function expected(vector: Vector, actual: Outcome): Outcome {
  return {
    category: vector.expect,
    message: vector.expect === "syntax" ? prefix(vector.message ?? "") : vector.message?.replace(tableId, ourTableId),
    columns: vector.columns ?? actual.columns,
    fragments: vector.fragments ?? actual.fragments,
    perCaller: vector.per_caller ?? actual.perCaller,
    join: vector.join ?? actual.join,
  };
}

/** The file numbers its tables from 0. */
const tableId = /(?<=table id `)\d+/;
const ourTableId = (id: string): string => String(4096 + Number(id));

const textOf = ({ sql, build }: Vector): string => (sql ?? build?.prefix ?? "").slice(0, 100);
const rowOf = (vector: Vector): readonly [string, Vector] => [
  `${vector.id} ${vector.mode} ${vector.caller}: ${textOf(vector)}`,
  vector,
];
const { statements } = vectors;

describe("vectors/sql.json", () => {
  test("there are as many as expected", () => expect(statements.length).toBe(299));

  test.each(statements.filter(({ id }) => !differs.has(id)).map(rowOf))("%s", (_, vector) => {
    const actual = outcome(vector);
    expect(actual).toEqual(expected(vector, actual));
  });

  test.each(statements.filter(({ id }) => differs.has(id)).map(rowOf))("%s: differs on purpose", (_, vector) => {
    expect(outcome(vector).category).toBe(differs.get(vector.id)?.category);
  });
});
