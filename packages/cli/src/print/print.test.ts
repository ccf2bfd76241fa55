/**
 * Goal: what a database answers is printed as the tables, lines and names that scripts and people know.
 * Method: answers as JSON text, and the text they become.
 */
import { assertProperty, caseCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  bsatnToJson,
  ByteReader,
  ByteWriter,
  jsonArgsToBsatn,
  parseJson,
  scheduleAt,
  typeToJson,
  valueCodec,
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
  typeText,
} from "@lightcone/sats";
import { arbitraryTyped } from "@lightcone/sats/testing";
import { argumentJson } from "../call/typed-text.ts";
import { cellText } from "./cell.ts";
import { indentedJson } from "./json-tree.ts";
import type { Format } from "./formats.ts";
import { logText } from "./log-line.ts";
import { plainJson } from "./plain-value.ts";
import { formatted } from "./result-formats.ts";
import { readResults, statisticsText, tableText } from "./sql-table.ts";

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

const plainValues: readonly { readonly type: AlgebraicType; readonly json: string; readonly plain: string }[] = [
  { type: t.string, json: '"a \\"b\\""', plain: '"a \\"b\\""' },
  { type: t.u64, json: "18446744073709551615", plain: "18446744073709551615" },
  { type: t.u256, json: '"0xff"', plain: "255" },
  { type: t.f64, json: "null", plain: "null" },
  { type: bytes, json: '"00ff"', plain: '"00ff"' },
  { type: identity, json: '["0xc2"]', plain: `"${"c2".padStart(64, "0")}"` },
  { type: connectionId, json: "[255]", plain: `"${"ff".padStart(32, "0")}"` },
  { type: timestamp, json: "[0]", plain: '"1970-01-01T00:00:00Z"' },
  { type: timestamp, json: "[1500]", plain: '"1970-01-01T00:00:00.0015Z"' },
  { type: timestamp, json: "[600000000]", plain: '"1970-01-01T00:10:00Z"' },
  { type: timeDuration, json: "[-1500000]", plain: '"-1.5s"' },
  { type: timeDuration, json: "[0]", plain: '"0s"' },
  { type: scheduleAt, json: "[0,[10000000]]", plain: '"10s"' },
  { type: scheduleAt, json: "[1,[0]]", plain: '"1970-01-01T00:00:00Z"' },
  { type: uuid, json: "[1]", plain: '"00000000-0000-0000-0000-000000000001"' },
  { type: option(t.u8), json: "[0,3]", plain: "3" },
  { type: option(t.u8), json: "[1,[]]", plain: "null" },
  { type: option(option(t.u8)), json: "[0,[1,[]]]", plain: '{"some":null}' },
  { type: sum({ active: unit, gone: t.string }), json: "[0,[]]", plain: '"active"' },
  { type: sum({ active: unit, gone: t.string }), json: '[1,"x"]', plain: '{"gone":"x"}' },
  { type: product({ a: t.u8, b: array(t.bool) }), json: "[1,[true]]", plain: '{"a":1,"b":[true]}' },
];
test.each(plainValues)("$json is $plain in the JSON of people", ({ type, json, plain }) => {
  expect(plainJson(type, parseJson(json))).toBe(plain);
});

test("what sql prints as JSON is what call takes", () => {
  assertProperty(
    // Without names a number is a key, which an option takes for its own.
    fc.property(arbitraryTyped({ unnamed: false }, true), ({ type, value }) => {
      const out = new ByteWriter();
      valueCodec(type).write(out, value);
      const positional = bsatnToJson(type, "positional", new ByteReader(out.toBytes()));
      const plain = plainJson(type, parseJson(positional));
      // Years of more digits than four are no RFC 3339.
      fc.pre(!/"[+-]\d{6}-/.test(plain));
      const taken = jsonArgsToBsatn(product({ argument: type }), `[${argumentJson(type, plain)}]`, "f");
      expect(taken, plain).toEqual(out.toBytes());
    }),
    caseCount(200),
  );
});

const people = `[{"schema":{"elements":[{"name":{"some":"name"},"algebraic_type":{"String":[]}},{"name":{"some":"note"},"algebraic_type":${typeToJson(option(t.string))}}]},
  "rows":[["Ann, \\"A\\"",[0,"two\\nlines"]],["Bo",[1,[]]]],"total_duration_micros":1}]`;
const changed = answer("[]", [], ',"stats":{"rows_inserted":1,"rows_deleted":0,"rows_updated":2}');
const unchanged = answer("[]", []);
test.each<{ body: string; format: Format; text: string }>([
  {
    body: people,
    format: "json",
    text: '[\n  {"name":"Ann, \\"A\\"","note":"two\\nlines"},\n  {"name":"Bo","note":null}\n]',
  },
  { body: people, format: "ndjson", text: '{"name":"Ann, \\"A\\"","note":"two\\nlines"}\n{"name":"Bo","note":null}' },
  { body: people, format: "csv", text: 'name,note\n"Ann, ""A""","two\nlines"\nBo,' },
  { body: people, format: "raw", text: people },
  { body: answer("[]", ["id"]), format: "json", text: "[]" },
  { body: answer("[]", ["id"]), format: "csv", text: "id" },
  { body: answer("[]", ["id"]), format: "ndjson", text: "" },
  { body: changed, format: "table", text: "1 row inserted, 2 rows updated" },
  { body: changed, format: "json", text: '{"inserted":1,"deleted":0,"updated":2}' },
  { body: changed, format: "csv", text: "inserted,deleted,updated\n1,0,2" },
  { body: unchanged, format: "table", text: "no rows changed" },
])("$format: $text", ({ body, format, text }) => {
  expect(formatted(body, format)).toBe(text);
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
