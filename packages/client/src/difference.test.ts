// Goal: a page that was built for another version of the module is told what differs, by its name, and is told nothing
// where the difference does it no harm.
// Method: a table or a reducer before and after, a row for each change.
import { describe, expect, test } from "vitest";
import {
  array,
  bytes,
  identity,
  option,
  product,
  scheduleAt,
  sum,
  t,
  unit,
  type AlgebraicType,
  type ProductType,
} from "@lightcone/sats";
import { functionDifference, tableDifference } from "./difference.ts";
import { wordOf } from "./type-word.ts";

const shape = (color: string) => sum({ Empty: unit, [color]: t.u32 });

describe("row 13: a table", () => {
  const table = (row: ProductType, key?: string) => ({
    accessor: "player",
    name: "players",
    row,
    key: row.elements.find(({ name }) => name === key),
  });
  const row = product({ id: t.u32, hp: t.u32, at: product({ x: t.f64 }) });

  test.each([
    { why: "the same", now: row, key: "id" },
    { why: "a column more", now: product({ id: t.u32, hp: t.u32, at: product({ x: t.f64 }), team: t.u8 }), key: "id" },
    { why: "another order", now: product({ hp: t.u32, at: product({ x: t.f64 }), id: t.u32 }), key: "id" },
  ])("$why: nothing", ({ now, key }) => {
    expect(tableDifference(table(row, "id"), table(now, key))).toBeUndefined();
  });

  test.each([
    {
      why: "a column gone, or renamed",
      now: product({ id: t.u32, health: t.u32, at: product({ x: t.f64 }) }),
      says: "table `player` has no column `hp`",
    },
    {
      why: "a column of another type",
      now: product({ id: t.u32, hp: option(t.u64), at: product({ x: t.f64 }) }),
      says: "column `hp` of table `player` is option of u64, not u32",
    },
    {
      why: "another type within",
      now: product({ id: t.u32, hp: t.u32, at: product({ x: t.f32 }) }),
      says: "column `at` of table `player` is another object of x",
    },
    { why: "another key", now: row, key: "hp", says: "`id` is not the primary key of table `player`" },
    { why: "no key", now: row, key: "none", says: "`id` is not the primary key of table `player`" },
  ])("$why", ({ now, key = "id", says }) => {
    expect(tableDifference(table(row, "id"), table(now, key))).toBe(says);
  });

  test("a page that knew of no key needs none", () => {
    expect(tableDifference(table(row), table(row, "id"))).toBeUndefined();
  });
});

describe("row 13: a reducer", () => {
  const reducer = (params: ProductType, returns?: AlgebraicType) => ({
    accessor: "moveBy",
    name: "move_by",
    params,
    returns,
  });
  const params = product({ dx: t.i32, dy: t.i32, note: option(t.string) });

  test.each([
    { why: "another order", now: product({ dy: t.i32, note: option(t.string), dx: t.i32 }) },
    {
      why: "a parameter more that may be left out",
      now: product({ dx: t.i32, dy: t.i32, note: option(t.string), by: option(identity) }),
    },
  ])("$why: nothing", ({ now }) => {
    expect(functionDifference("reducer", reducer(params), reducer(now))).toBeUndefined();
  });

  test.each([
    {
      why: "a parameter gone, or renamed",
      now: product({ dx: t.i32, dy: t.i32, remark: option(t.string) }),
      says: "reducer `moveBy` has no parameter `note`",
    },
    {
      why: "a parameter of another type",
      now: product({ dx: t.i32, dy: t.f32, note: option(t.string) }),
      says: "parameter `dy` of reducer `moveBy` is f32, not i32",
    },
    {
      why: "a parameter more",
      now: product({ dx: t.i32, dy: t.i32, note: option(t.string), speed: t.f32 }),
      says: "reducer `moveBy` takes a parameter `speed` (f32)",
    },
  ])("$why", ({ now, says }) => {
    expect(functionDifference("reducer", reducer(params), reducer(now))).toBe(says);
  });

  test("what it gives matters to a page that knows that it gives something", () => {
    const [one, other, nothing] = [reducer(params, t.u32), reducer(params, t.string), reducer(params)];
    expect(functionDifference("reducer", one, one)).toBeUndefined();
    expect(functionDifference("reducer", nothing, one)).toBeUndefined();
    expect(functionDifference("reducer", one, other)).toBe("reducer `moveBy` returns string, not u32");
    expect(functionDifference("procedure", one, nothing)).toBe("procedure `moveBy` returns unit, not u32");
  });
});

test.each([
  { type: t.string, word: "string" },
  { type: bytes, word: "bytes" },
  { type: identity, word: "Identity" },
  { type: scheduleAt, word: "ScheduleAt" },
  { type: array(option(t.u8)), word: "array of option of u8" },
  { type: shape("Circle"), word: "enum of Empty, Circle" },
  { type: product({ x: t.f64, y: t.f64 }), word: "object of x, y" },
  { type: unit, word: "unit" },
])("$word", ({ type, word }) => {
  expect(wordOf(type)).toBe(word);
});
