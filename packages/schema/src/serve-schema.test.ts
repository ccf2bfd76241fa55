// Goal: the served schema is what official tools read: recorded bodies, but for the order of their lists.
// Method: the recorded bodies of harbor-2.10 against ours, lists sorted on both sides; shelf by its parts.
import { expect, test } from "vitest";
import { checkModule } from "./check-module.ts";
import { serveSchema } from "./serve-schema.ts";
import { boatWith, fleetV9, sequence } from "./testing/module-parts.ts";
import { httpBody, vectorModule } from "./testing/vectors.ts";

/** Lists whose order carries meaning: a product's elements, a sum's variants, columns; and types, by number. */
const orderedKeys = new Set(["elements", "variants", "columns", "BTree", "Hash", "sections", "primary_key"]);

/** The same with every other list sorted by text. */
function sorted(value: unknown, key = ""): unknown {
  if (key.toLowerCase() === "typespace") return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => sorted(item));
    return orderedKeys.has(key) ? items : items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, sorted(item, name)]));
}

const parsed = (text: string): unknown => sorted(JSON.parse(text));

test.each([9, 10] as const)("harbor-2.10 as version %i", (version) => {
  const def = checkModule(vectorModule("harbor-2.10"));
  expect(parsed(serveSchema(def, version))).toEqual(parsed(httpBody(`schema, version ${version}`)));
});

test("a V9 module is served as 10, a V10 module as 9", () => {
  const old = JSON.parse(serveSchema(checkModule(vectorModule("harbor-1.12")), 10));
  expect(old.sections.map((section: object) => Object.keys(section)[0])).toEqual([
    "Typespace",
    "Types",
    "Tables",
    "Reducers",
    "Procedures",
    "Views",
    "Schedules",
    "LifeCycleReducers",
    "RowLevelSecurity",
    "ExplicitNames",
  ]);
});

test("explicit names, routes and view keys of shelf-2.10", () => {
  const { sections } = JSON.parse(serveSchema(checkModule(vectorModule("shelf-2.10")), 10)) as { sections: object[] };
  const section = Object.assign({}, ...sections) as Record<string, unknown>;
  expect(section["ExplicitNames"]).toEqual({
    entries: [
      { Table: { source_name: "bookItem", canonical_name: "volumes" } },
      { Table: { source_name: "dusting", canonical_name: "dusting" } },
      { Function: { source_name: "store", canonical_name: "put_away" } },
      { Function: { source_name: "dust", canonical_name: "dust" } },
      { Function: { source_name: "first_book", canonical_name: "FirstBook" } },
      { Function: { source_name: "top_row", canonical_name: "top_row" } },
      { Function: { source_name: "hello", canonical_name: "hello" } },
    ],
  });
  expect(section["ViewPrimaryKeys"]).toEqual([{ view_source_name: "first_book", columns: ["code"] }]);
  expect(section["HttpRoutes"]).toEqual([
    { handler_function: "hello", method: { Method: { Get: [] } }, path: "/hi" },
    { handler_function: "hello", method: { Any: [] }, path: "/any-thing" },
  ]);
});

test("128-bit numbers are written in full", () => {
  const def = checkModule(boatWith({ sequences: [sequence(0, { max: 2n ** 100n, increment: -3n })] }));
  expect(serveSchema(def, 9)).toContain('"max_value":{"some":1267650600228229401496703205376},"increment":-3');
});

test("texts are escaped", () => {
  const def = checkModule({ ...fleetV9, rowLevelRules: ['SELECT "x"\n'] });
  expect(JSON.parse(serveSchema(def, 9))).toMatchObject({ row_level_security: [{ sql: 'SELECT "x"\n' }] });
});
