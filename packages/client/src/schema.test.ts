// Goal: what a server says of its schema is read as it is meant, and nothing that it may say does harm.
// Method: a small schema part by part; then texts that are none, each with what it is answered; then random spoiling.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import { array, bytes, identity, option, product, scheduleAt, sum, t, typesEqual, unit } from "@lightcone/sats";
import { readSchema } from "./schema.ts";
import { schemaText, type SchemaParts } from "./testing/schema-text.ts";
import { worldSchema } from "./testing/server-frames.ts";

const read = (parts: SchemaParts) => readSchema(JSON.parse(schemaText(parts)));

test("tables and reducers by the module's names, with those on the wire", () => {
  const { tables, reducers } = read(worldSchema);
  expect([...tables.values()].map(({ accessor, name, key }) => [accessor, name, key?.name])).toEqual([
    ["person", "person", "id"],
    ["mapPoint", "point", undefined],
  ]);
  expect([...reducers.values()].map(({ accessor, name }) => [accessor, name])).toEqual([
    ["renamePerson", "rename_person"],
    ["moveAll", "move_all"],
    ["tidyUp", "tidy_up"],
  ]);
});

test("types of every kind", () => {
  const row = product({
    ...Object.fromEntries(Object.values(t).map((type) => [type.kind, type])),
    bytes,
    identity,
    scheduleAt,
    shape: sum({ Empty: unit, Circle: t.u32 }),
    note: option(array(t.string)),
    at: product({ x: t.f64, y: t.f64 }),
  });
  const { tables } = read({ tables: [{ accessor: "all", row }] });
  expect(typesEqual(tables.get("all")?.row ?? unit, row)).toBe(true);
});

test("private tables and functions for the database alone are left out, whoever served them", () => {
  const schema = JSON.parse(schemaText({ tables: [{ accessor: "secret", row: product({}), isPrivate: true }] }));
  schema.sections.push({ Reducers: [{ source_name: "init", params: { elements: [] }, visibility: { Private: [] } }] });
  const { tables, reducers } = readSchema(schema);
  expect([tables.size, reducers.size]).toEqual([0, 0]);
});

describe("what is no schema", () => {
  const typed = (...types: readonly unknown[]): unknown => ({
    sections: [
      { Typespace: { types } },
      { Tables: [{ source_name: "x", product_type_ref: 0, primary_key: [0], table_access: { Public: [] } }] },
    ],
  });
  const member = (name: unknown, algebraic_type: unknown): unknown => ({ name: { some: name }, algebraic_type });
  const rowOf = (...elements: readonly unknown[]): unknown => ({ Product: { elements } });
  const nested = (depth: number): unknown => (depth === 0 ? { U8: [] } : { Array: nested(depth - 1) });
  const doubled = Array.from({ length: 40 }, (_, index) =>
    rowOf(member("a", { Ref: index + 1 }), member("b", { Ref: index + 1 })),
  );

  test.each([
    { why: "nothing", json: null, code: "Malformed" },
    { why: "a text", json: "hello", code: "Malformed" },
    { why: "version 9", json: { typespace: { types: [] }, tables: [] }, code: "Malformed" },
    { why: "a row that is no product", json: typed({ U8: [] }), code: "Malformed" },
    { why: "a type that there is not", json: typed(rowOf(member("a", { U7: [] }))), code: "Malformed" },
    { why: "a type that is none", json: typed(rowOf(member("a", 7))), code: "Malformed" },
    { why: "a reference past the end", json: typed(rowOf(member("a", { Ref: 9 }))), code: "Malformed" },
    { why: "a reference that is no number", json: typed(rowOf(member("a", { Ref: "x" }))), code: "Malformed" },
    { why: "a type within itself", json: typed(rowOf(member("a", { Ref: 0 }))), code: "TooDeep" },
    { why: "schemaTypesMax: a type that unfolds without end", json: typed(...doubled, rowOf()), code: "Malformed" },
    { why: "a type too deep", json: typed(rowOf(member("a", nested(200)))), code: "TooDeep" },
    { why: "a name that is none", json: typed(rowOf(member(7, { U8: [] }))), code: "Malformed" },
    { why: "a name of JavaScript's own", json: typed(rowOf(member("__proto__", { U8: [] }))), code: "Malformed" },
  ])("$why: $code", ({ json, code }) => {
    let thrown: unknown;
    try {
      readSchema(json);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code });
  });

  test("a schema that is spoilt anywhere is read or refused", () => {
    const text = schemaText(worldSchema);
    const numRuns = caseCount(500);
    const property = fc.property(
      fc.nat({ max: text.length - 1 }),
      fc.constantFrom("", "null", "0", '"x"', "[", "]", "{", "}", ",", "1e9", "some", "Ref", "Sum"),
      fc.nat({ max: 6 }),
      (at, put, length) => {
        let json: unknown;
        try {
          json = JSON.parse(text.slice(0, at) + put + text.slice(at + length));
        } catch {
          return;
        }
        try {
          readSchema(json);
        } catch (error) {
          if (!isLightconeError(error)) throw error;
        }
      },
    );
    assertProperty(property, numRuns);
  });
});
