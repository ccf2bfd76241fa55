/**
 * Goal: what a database answers is printed as the tables, lines and names that scripts and people know.
 * Method: answers as JSON text, and the text they become.
 */
import { expect, test } from "vitest";
import {
  parseJson,
  t,
  array,
  bytes,
  identity,
  option,
  product,
  sum,
  unit,
  timestamp,
  timeDuration,
  uuid,
  connectionId,
  type AlgebraicType,
} from "@lightcone/sats";
import { cellText } from "./cell.ts";
import { indentedJson } from "./json-tree.ts";
import { logText } from "./log-line.ts";
import { readResults, statisticsText, tableText } from "./sql-table.ts";
import { typeText } from "./type-text.ts";

const cells: readonly { readonly type: AlgebraicType; readonly json: string; readonly cell: string }[] = [
  { type: t.string, json: '"a \\"b\\""', cell: '"a "b""' },
  { type: t.string, json: '"\\u001b[2J\\n"', cell: '"\\x1b[2J\\n"' },
  { type: t.bool, json: "true", cell: "true" },
  { type: t.u64, json: "18446744073709551615", cell: "18446744073709551615" },
  { type: t.f64, json: "null", cell: "null" },
  { type: t.f64, json: "1.0", cell: "1.0" },
  { type: bytes, json: '"00ff"', cell: "0x00ff" },
  { type: array(t.u16), json: "[1,2]", cell: "[1, 2]" },
  { type: array(t.string), json: "[]", cell: "[]" },
  { type: identity, json: '["0xc2"]', cell: `0x${"c2".padStart(64, "0")}` },
  { type: connectionId, json: "[255]", cell: `0x${"ff".padStart(32, "0")}` },
  { type: timestamp, json: "[0]", cell: "1970-01-01T00:00:00+00:00" },
  { type: timestamp, json: "[1500]", cell: "1970-01-01T00:00:00.001500+00:00" },
  { type: timestamp, json: "[2000]", cell: "1970-01-01T00:00:00.002+00:00" },
  { type: timeDuration, json: "[-1500000]", cell: "-1.500000" },
  { type: timeDuration, json: "[0]", cell: "+0.000000" },
  { type: uuid, json: "[1]", cell: '"00000000-0000-0000-0000-000000000001"' },
  { type: option(t.u8), json: "[0,3]", cell: "(some = 3)" },
  { type: option(t.u8), json: "[1,[]]", cell: "(none = ())" },
  { type: sum({ active: unit, gone: t.string }), json: "[0,[]]", cell: "(active = ())" },
  { type: sum({ active: unit }), json: "[7,[]]", cell: "(?)" },
  { type: product({ a: t.u8, b: t.string }), json: '[1,"x"]', cell: '(a = 1, b = "x")' },
  { type: product([t.u8]), json: "[1]", cell: "(col_0 = 1)" },
  { type: product({ a: array(t.u8) }), json: "5", cell: "(a = [])" },
];
test.each(cells)("$json is the cell $cell", ({ type, json, cell }) => {
  expect(cellText(type, parseJson(json))).toBe(cell);
});

const answer = (rows: string, names: readonly (string | undefined)[], stats = ""): string =>
  `[{"schema":{"elements":[${names
    .map((name) => `{"name":${name === undefined ? '{"none":[]}' : `{"some":"${name}"}`},"algebraic_type":{"U32":[]}}`)
    .join(",")}]},"rows":${rows},"total_duration_micros":1500${stats}}]`;

test("a table: header, line, rows", () => {
  const [result] = readResults(answer("[[1,20],[300,4]]", ["id", undefined]));
  if (result === undefined) throw new Error("no result");
  expect(tableText(result)).toBe(" id  | column 1\n-----+----------\n 1   | 20\n 300 | 4");
  expect(statisticsText(result)).toBe("(2 rows) [server: 1.50ms]");
});

test("a statement without rows has only its counts", () => {
  const [result] = readResults(answer("[]", [], ',"stats":{"rows_inserted":1,"rows_deleted":0,"rows_updated":2}'));
  if (result === undefined) throw new Error("no result");
  expect(tableText(result)).toBe("");
  expect(statisticsText(result)).toBe("[inserted: 1, updated: 2, server: 1.50ms]");
});

test.each([
  {
    record: { level: "Info", ts: 1, function: "say", filename: "a.ts", line_number: 3, message: "hi" },
    text: "1970-01-01T00:00:00.000001Z  INFO: say a.ts:3: hi",
  },
  {
    record: { level: "Warn", ts: 0, function: "__spacetimedb__", filename: "__spacetimedb__", message: "own" },
    text: "1970-01-01T00:00:00.000000Z  WARN: own",
  },
  {
    record: { level: "Panic", ts: 0, message: "\u001b[31mboom", trace: [{ module_name: "m", func_name: "f" }, {}] },
    text: "1970-01-01T00:00:00.000000Z PANIC: \\x1b[31mboom\n    in m :: f\n    in ? :: ?",
  },
])("the log line $text", ({ record, text }) => {
  expect(logText(record)).toBe(text);
});

test.each([
  { type: option(array(t.string)), text: "Option<Array<String>>" },
  { type: product({ a: identity, b: bytes }), text: "{ a: Identity, b: Bytes }" },
  { type: sum({ red: unit, rgb: t.u32 }), text: "(red | rgb: U32)" },
])("the type $text", ({ type, text }) => {
  expect(typeText(type)).toBe(text);
});

test("indented JSON keeps numbers as they were written", () => {
  expect(indentedJson(parseJson('{"a":[18446744073709551615,1.0],"b":{},"c":[]}'))).toBe(
    '{\n  "a": [\n    18446744073709551615,\n    1.0\n  ],\n  "b": {},\n  "c": []\n}',
  );
});
