// Goal: every statement of the specification's vectors is accepted or refused as they say, with their text.
// Method: compile each against the vectors' own schema; compare category, message, columns and per-caller mark.
import { readFileSync } from "node:fs";
import { isLightconeError } from "@lightcone/base";
import { formatType, fromHex } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { compileStatement, compileSubscription, type Plan } from "./index.ts";
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

/** Left out, by id, each with why. */
const skipped = new Map<number, string>([
  [67, "row-level rules: not applied yet"],
  [69, "row-level rules: not applied yet"],
  [72, "row-level rules: cycles not looked for yet"],
  [73, "row-level rules: cycles not looked for yet"],
]);

/** Where Lightcone differs on purpose, by id, each with why. */
const differs = new Map<number, string>([[42, "ok: an index on either side of a join is enough"]]);

function run(vector: Vector): readonly Plan[] {
  const { owner, client, tables, views } = vectors.schema;
  const build = vector.build;
  const sql = vector.sql ?? (build === undefined ? "" : build.prefix + build.unit.repeat(build.count) + build.suffix);
  const catalog = catalogOf(tables, views, vector.caller);
  if (vector.mode === "subscribe") return compileSubscription(sql, catalog);
  const identity = fromHex(vector.caller === "owner" ? owner : client).reverse();
  return [compileStatement(sql, catalog, { identity, mayWrite: vector.caller === "owner" })];
}

function outcome(vector: Vector): { readonly category: string; readonly message: string; readonly plans: readonly Plan[] } {
  try {
    return { category: "ok", message: "", plans: run(vector) };
  } catch (error) {
    if (isLightconeError(error, "SqlSyntax")) return { category: "syntax", message: error.message, plans: [] };
    if (!isLightconeError(error, "SqlRefused")) throw error;
    return { category: error.detail.category, message: error.message, plans: [] };
  }
}

describe("vectors/sql.json", () => {
  test("there are as many as the specification says", () => expect(vectors.statements.length).toBe(299));

  for (const vector of vectors.statements) {
    const why = skipped.get(vector.id);
    const title = `${vector.id} ${vector.mode} as ${vector.caller}: ${(vector.sql ?? vector.build?.prefix ?? "").slice(0, 100)}`;
    test.skipIf(why !== undefined)(why === undefined ? title : `${title} (${why})`, () => {
      const result = outcome(vector);
      const different = differs.get(vector.id);
      if (different !== undefined) return expect(different.startsWith(`${result.category}:`)).toBe(true);
      expect(result.category).toBe(vector.expect);
      if (vector.message !== undefined && vector.expect !== "syntax") expect(result.message).toBe(vector.message);
      if (vector.expect === "syntax") expect(result.message).toMatch(/^sql parser error: /);
      const plan = result.plans[0];
      if (vector.columns !== undefined) {
        const columns = plan?.kind === "select" || plan?.kind === "show" ? plan.columns.elements : [];
        expect(columns.map(({ name, type }) => [name, formatType(type)])).toEqual(vector.columns);
      }
      if (vector.fragments !== undefined) expect(result.plans.length).toBe(vector.fragments);
      if (vector.per_caller !== undefined) expect(plan?.kind === "select" && plan.isPerCaller).toBe(vector.per_caller);
      if (vector.join !== undefined) expect(plan?.kind === "select" && plan.sources.length > 1).toBe(vector.join);
    });
  }
});
