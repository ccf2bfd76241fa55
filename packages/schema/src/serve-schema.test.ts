// Goal: the served schema is what official tools read: recorded bodies, but for the order of their lists.
// Method: the recorded bodies of harbor-2.10 against ours, lists sorted on both sides; shelf by its parts.
import { describe, expect, test } from "vitest";
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

test.each(["9", "10"] as const)("harbor-2.10 as version %s", (version) => {
  const def = checkModule(vectorModule("harbor-2.10"));
  expect(parsed(serveSchema(def, version))).toEqual(parsed(httpBody(`schema, version ${version}`)));
});

test("a V9 module is served as 10, a V10 module as 9", () => {
  const old = JSON.parse(serveSchema(checkModule(vectorModule("harbor-1.12")), "10"));
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
  const { sections } = JSON.parse(serveSchema(checkModule(vectorModule("shelf-2.10")), "10")) as { sections: object[] };
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
  expect(serveSchema(def, "9")).toContain('"max_value":{"some":1267650600228229401496703205376},"increment":-3');
});

test("texts are escaped", () => {
  const def = checkModule({ ...fleetV9, rowLevelRules: ['SELECT "x"\n'] });
  expect(JSON.parse(serveSchema(def, "9"))).toMatchObject({ row_level_security: [{ sql: 'SELECT "x"\n' }] });
});

describe("what a client is told", () => {
  const told = (id: string): string => serveSchema(checkModule(vectorModule(id)), "client");

  test("goes by the names of the module's code, with those of the database beside them", () => {
    const { sections } = JSON.parse(told("shelf-2.10")) as { sections: object[] };
    const section = Object.assign({}, ...sections) as Record<string, unknown>;
    expect(section["Tables"]).toMatchObject([{ source_name: "bookItem", product_type_ref: 0, primary_key: [0] }]);
    expect(section["Reducers"]).toMatchObject([{ source_name: "store" }]);
    expect(section["ExplicitNames"]).toEqual({
      entries: [
        { Table: { source_name: "bookItem", canonical_name: "volumes" } },
        { Function: { source_name: "store", canonical_name: "put_away" } },
        { Function: { source_name: "first_book", canonical_name: "FirstBook" } },
        { Function: { source_name: "top_row", canonical_name: "top_row" } },
      ],
    });
    const { types } = section["Typespace"] as { types: unknown[] };
    expect(JSON.stringify(types[0])).toContain('"isbnNo"');
    expect(JSON.stringify(types[1])).toContain('"HardBack"');
  });

  test("says which columns get their numbers from the database", () => {
    const { sections } = JSON.parse(told("harbor-2.10")) as { sections: object[] };
    const section = Object.assign({}, ...sections) as Record<string, unknown>;
    expect(section["Tables"]).toMatchObject([{ sequences: [{ column: 0 }] }, {}, {}, {}, {}]);
  });

  test("leaves out what it may not use, down to the last name", () => {
    const whole = serveSchema(checkModule(vectorModule("shelf-2.10")), "10");
    for (const name of ["dusting", "dust", "hello", "/any-thing"]) {
      expect(whole).toContain(`"${name}`);
      expect(told("shelf-2.10")).not.toContain(`"${name}`);
    }
    expect(told("harbor-2.10")).not.toMatch(/lifecycle|"init"|default_values":\[\{/);
    expect(told("harbor-1.12")).not.toMatch(/"init"/);
  });
});
