// Goal: a guess writes rows that are subscribed to, and no others.
// Method: queries as texts and built, held against what they ask for.
import { product, t } from "@lightcone/sats";
import { expect, test } from "vitest";
import { RowQuery, type QueryTable } from "../row-query.ts";
import { coverage } from "./coverage.ts";

const name = "map_point";
const schema = { accessor: "mapPoint", name, row: product({ x: t.i32 }), key: undefined };

test.each([
  ["SELECT * FROM map_point", true],
  ['select * from "map_point" where x = 5', true],
  ["SELECT map_point.* FROM map_point JOIN person ON person.id = map_point.x", true],
  ["SELECT p.* FROM map_point AS p JOIN person q ON q.id = p.x", true],
  ["SELECT p.* FROM person q JOIN map_point p ON q.id = p.x", true],
  ["SELECT person.* FROM person JOIN map_point ON person.id = map_point.x", false],
  ["SELECT q.* FROM map_point p JOIN person q ON q.id = p.x", false],
  ["SELECT * FROM person WHERE name = 'map_point'", false],
  ["SELECT * FROM map_points", false],
  ["SELECT x FROM map_point", false],
])("%s asks for the table: %s", (text, asks) => {
  expect(coverage("mapPoint", schema, [text]) !== undefined).toBe(asks);
});

test("a built query says which rows", () => {
  const table: QueryTable = { accessor: "mapPoint", bag: undefined, onChange: () => () => {} };
  const query = new RowQuery(table);
  const covers = coverage("mapPoint", schema, [query.where({ x: 1 }), query.where({ x: { gt: 5 } }).limit(2)]);
  expect([0, 1, 5, 6].map((x) => covers?.({ x }))).toEqual([false, true, false, true]);
  expect(coverage("mapPoint", schema, [{ accessor: "mapPoint" }])?.({ x: 0 })).toBe(true);
  expect(coverage("mapPoint", schema, [{ accessor: "person" }])).toBeUndefined();
});
