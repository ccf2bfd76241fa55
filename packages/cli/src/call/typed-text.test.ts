// Goal: row 24: what a person would type for a type is taken, and every example that an error prints is.
// Method: a table of texts; then random types: their examples, and random values in every form of JSON that calls take.
// Whatever a text is read as goes through the decoder of the server.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import {
  array,
  bsatnToJson,
  ByteReader,
  ByteWriter,
  bytes,
  connectionId,
  identity,
  jsonArgsToBsatn,
  option,
  product,
  result,
  scheduleAt,
  sum,
  t,
  timeDuration,
  timestamp,
  unit,
  uuid,
  valueCodec,
  type AlgebraicType,
} from "@lightcone/sats";
import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryType, arbitraryTyped } from "@lightcone/sats/testing";
import { exampleText, shellWord } from "./example.ts";
import { argumentJson } from "./typed-text.ts";

const colour = sum({ Red: unit, Green: unit, deepBlue: unit });
const shape = sum({ Circle: t.u32, Point: product({ x: t.i32, y: t.i32 }), Nothing: unit });
const point = product({ x: t.i32, name: t.string });
const id = "c2".repeat(32);

/** What the server makes of an argument. */
function taken(type: AlgebraicType, text: string): Uint8Array {
  const params = product({ argument: type });
  return jsonArgsToBsatn(params, `[${argumentJson(type, text)}]`, "f");
}

/** The bytes of a value that is given as the JSON of a call. */
const valueOf = (type: AlgebraicType, json: string): Uint8Array =>
  jsonArgsToBsatn(product({ argument: type }), `[${json}]`, "f");

test.each<{ type: AlgebraicType; texts: readonly string[]; json: string }>([
  { type: t.string, texts: ["hello", '"hello"'], json: '"hello"' },
  { type: t.string, texts: ['say "hi", you [there]'], json: '"say \\"hi\\", you [there]"' },
  { type: t.string, texts: ["", '""'], json: '""' },
  { type: t.string, texts: ['"half', '"\\"half"'], json: '"\\"half"' },
  { type: t.bool, texts: ["true", "True"], json: "true" },
  { type: t.u8, texts: ["7", "+7", "0x7", '"7"', "0_7"], json: "7" },
  { type: t.i8, texts: ["-128", "-0x80"], json: "-128" },
  { type: t.u64, texts: ["18446744073709551615", "18_446_744_073_709_551_615"], json: "18446744073709551615" },
  { type: t.u256, texts: ["255", "0xff", '"0xff"'], json: '"0xff"' },
  { type: t.i256, texts: ["-42", '"-0x2a"'], json: '"-0x2a"' },
  { type: t.f64, texts: ["1.5", "+1.5", "15e-1"], json: "1.5" },
  { type: t.f64, texts: ["5", ".5e1", "5."], json: "5.0" },
  {
    type: colour,
    texts: ["Red", "red", '"Red"', '{"Red": {}}', '{"Red": []}', "[0, []]", '{"tag":"Red"}'],
    json: '{"Red":[]}',
  },
  { type: colour, texts: ["deepBlue", "deep_blue", "DEEP-BLUE", "(deepBlue = ())"], json: '{"deepBlue":[]}' },
  {
    type: shape,
    texts: [
      "Circle(5)",
      "circle(5)",
      "{Circle: 5}",
      '{"Circle": 5}',
      "[0, 5]",
      '["Circle", 5]',
      '{"tag": "Circle", "value": 5}',
      "(Circle = 5)",
    ],
    json: "[0,5]",
  },
  {
    type: shape,
    texts: ["Point(1, -2)", "Point({x: 1, y: -2})", "{Point: {y: -2, x: 1}}", "(Point = (x = 1, y = -2))"],
    json: "[1,[1,-2]]",
  },
  { type: shape, texts: ["Nothing", "nothing()", "{Nothing: {}}"], json: "[2,[]]" },
  {
    type: identity,
    texts: [id, `0x${id}`, `"${id}"`, `"0x${id}"`, `["0x${id}"]`, `{"__identity__":"0x${id}"}`],
    json: `["0x${id}"]`,
  },
  { type: connectionId, texts: ["000000000000000000000000000000ff", "0xff", '"0xff"', "255", "[255]"], json: "[255]" },
  {
    type: uuid,
    texts: ["00000000-0000-0000-0000-0000000000ff", '"00000000-0000-0000-0000-0000000000ff"', "[255]"],
    json: "[255]",
  },
  {
    type: timestamp,
    texts: [
      "2026-11-30T12:00:00Z",
      "2026-11-30 13:00:00+01:00",
      '"2026-11-30T12:00:00.000000Z"',
      "[1796040000000000]",
      '{"__timestamp_micros_since_unix_epoch__": 1796040000000000}',
    ],
    json: "[1796040000000000]",
  },
  { type: timestamp, texts: ["2026-11-30"], json: "[1795996800000000]" },
  {
    type: timeDuration,
    texts: ["5s", "5 s", "5000ms", '"5s"', "+5.000000", "[5000000]", "0.000d 5s"],
    json: "[5000000]",
  },
  { type: timeDuration, texts: ["1h30m", "1h 30min", "1.5h", "90m", "5400s"], json: "[5400000000]" },
  { type: timeDuration, texts: ["-250ms", "-0.250000", "-250000us", "-250000µs"], json: "[-250000]" },
  { type: timeDuration, texts: ["0", "0s"], json: "[0]" },
  {
    type: scheduleAt,
    texts: ["10s", '{"Interval": 10s}', "[0, [10000000]]", "Interval(10s)"].slice(0, 3),
    json: "[0,[10000000]]",
  },
  { type: scheduleAt, texts: ["1970-01-01T00:00:01Z", '{"Time": "1970-01-01T00:00:01Z"}'], json: "[1,[1000000]]" },
  { type: bytes, texts: ["00ff", "0x00FF", '"00ff"', "[0, 255]", "[0x0, 0xff]"], json: '"00ff"' },
  { type: array(t.u32), texts: ["[1,2]", "[ 1, 0x2 ]"], json: "[1,2]" },
  { type: array(t.string), texts: ["[red apple, blue]", '["red apple","blue"]'], json: '["red apple","blue"]' },
  { type: array(colour), texts: ["[red, Green]", '[{"Red":{}},[1,[]]]'], json: "[[0,[]],[1,[]]]" },
  { type: array(timestamp), texts: ["[1970-01-01T00:00:01Z, [2000000]]"], json: "[[1000000],[2000000]]" },
  {
    type: point,
    texts: ['{"x":1,"name":"a b"}', "{name: a b, x: 1}", '[1, "a b"]', "(x = 1, name = a b)", '(1, "a b")'],
    json: '[1,"a b"]',
  },
  {
    type: option(t.u32),
    texts: ["5", '{"some": 5}', "some(5)", "[0, 5]", "(some = 5)", "Some(5)"],
    json: '{"some":5}',
  },
  {
    type: option(t.u32),
    texts: ["none", "None", "null", '{"none": []}', "[1, []]", "(none = ())"],
    json: '{"none":[]}',
  },
  { type: option(t.string), texts: ["hello", '"hello"', '{"some": "hello"}', "some(hello)"], json: '{"some":"hello"}' },
  { type: option(t.string), texts: ['"none"'], json: '{"some":"none"}' },
  { type: option(t.string), texts: ["Hello, all (of you)"], json: '{"some":"Hello, all (of you)"}' },
  { type: option(t.string), texts: [""], json: '{"some":""}' },
  { type: option(t.string), texts: ["none", "null"], json: '{"none":[]}' },
  { type: option(bytes), texts: ["[1, 2]", "0102"], json: '{"some":"0102"}' },
  { type: option(colour), texts: ["green"], json: '{"some":[1,[]]}' },
  { type: option(option(t.u8)), texts: ["5"], json: '{"some":{"some":5}}' },
  { type: option(option(t.u8)), texts: ["some(none)"], json: '{"some":{"none":[]}}' },
  { type: result(t.u8, t.string), texts: ["ok(5)", '{"ok": 5}'], json: "[0,5]" },
  { type: result(t.u8, t.string), texts: ["err(no)", '{"err": "no"}'], json: '[1,"no"]' },
  { type: unit, texts: ["{}", "[]", "()"], json: "[]" },
])("$texts", ({ type, texts, json }) => {
  for (const text of texts) expect({ text, value: taken(type, text) }).toEqual({ text, value: valueOf(type, json) });
});

test.each<{ type: AlgebraicType; text: string; says: string }>([
  { type: t.u8, text: "300", says: "300 is not between 0 and 255" },
  { type: t.i8, text: "-129", says: "-129 is not between -128 and 127" },
  { type: t.u8, text: "lots", says: '"lots" is no U8' },
  { type: t.u8, text: "1.0", says: '"1.0" is no U8' },
  { type: t.u8, text: "", says: "there is no U8 in it" },
  { type: t.u8, text: "1 2", says: '"1 2" is no U8' },
  { type: t.bool, text: "yes", says: '"yes" is no Bool' },
  { type: t.f64, text: "NaN", says: '"NaN" is no F64' },
  { type: t.f32, text: "1e39", says: "the number is too large for F32" },
  { type: colour, text: "blue", says: '"blue" is none of Red, Green, deepBlue' },
  { type: shape, text: "Circle", says: "`Circle` needs a value: Circle(U32)" },
  { type: shape, text: "Circle(-1)", says: "-1 is not between 0 and 4294967295" },
  { type: shape, text: '{"tag":"Square"}', says: '"Square" is none of Circle, Point, Nothing' },
  { type: identity, text: "c200", says: '"c200" is no Identity' },
  { type: timestamp, text: "tomorrow", says: '"tomorrow" is no Timestamp' },
  { type: timestamp, text: "2026-02-30", says: '"2026-02-30" is no Timestamp' },
  { type: timestamp, text: "1700000000", says: '"1700000000" is no Timestamp' },
  { type: timeDuration, text: "5", says: '"5" is no TimeDuration' },
  { type: timeDuration, text: "0.1us", says: '"0.1us" is no TimeDuration' },
  { type: timeDuration, text: "300000000000h", says: '"300000000000h" is no TimeDuration' },
  { type: bytes, text: "0x0", says: '"0x0" is no Bytes' },
  { type: array(t.u8), text: "[1, 2", says: "an array goes on with `,`, and the text ends" },
  { type: array(t.u32), text: "1, 2", says: '"1" is no array: it stands in brackets, as [a, b]' },
  { type: point, text: "{x: 1}", says: "`name` is missing" },
  { type: point, text: "{x: 1, y: 2}", says: 'there is no field "y": there is x, name' },
  { type: point, text: "{x: 1, X: 2, name: a}", says: "`x` is given twice" },
  { type: point, text: "[1]", says: 'a list of 2 values goes on with `,`, not with "]"' },
  { type: option(t.u32), text: '{"some": x}', says: '"x" is no U32' },
  { type: option(t.u32), text: "many", says: '"many" is no U32' },
  { type: t.u32, text: '"7', says: "a text in quotes is not closed, or has an escape that JSON does not know" },
])("$text is refused: $says", ({ type, text, says }) => {
  expect(() => argumentJson(type, text)).toThrow(says);
});

test("the example of every type is taken", () => {
  assertProperty(
    fc.property(arbitraryType({ unnamed: true }), (type) => {
      const text = exampleText(type);
      expect(() => taken(type, text), text).not.toThrow();
    }),
    caseCount(200),
  );
});

test("every form of JSON that calls take is taken, and means the same", () => {
  assertProperty(
    fc.property(
      arbitraryTyped({ unnamed: true }, true),
      fc.constantFrom("positional", "row", "named"),
      ({ type, value }, form) => {
        const out = new ByteWriter();
        valueCodec(type).write(out, value);
        let json: string;
        try {
          json = bsatnToJson(type, form, new ByteReader(out.toBytes()));
        } catch {
          return; // a product without names has no named form
        }
        // A text is its own form: as an argument it needs no quotes, and with them it is the same.
        expect(taken(type, json), json).toEqual(out.toBytes());
      },
    ),
    caseCount(200),
  );
});

test.each([
  { text: "hello", word: "hello" },
  { text: "[1, 2]", word: "'[1, 2]'" },
  { text: "it's", word: `'it'\\''s'` },
  { text: "", word: "''" },
])("a shell takes $word", ({ text, word }) => {
  expect(shellWord(text)).toBe(word);
});
