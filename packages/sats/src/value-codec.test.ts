// Goal: a wrong value is refused with the place named, and leaves the writer as it was.
// Method: a row per mistake; then odd names, long texts and a compiler of the caller's.
import { compileFunction } from "node:vm";
import { expect, test } from "vitest";
import {
  array,
  ByteReader,
  ByteWriter,
  fromHex,
  Identity,
  identity,
  option,
  product,
  result,
  type ScheduleAt,
  scheduleAt,
  sum,
  t,
  timestamp,
  unit,
  valueCodec,
  toHex,
} from "./index.ts";
import type { AlgebraicType, Compile } from "./index.ts";

const row = product({ id: t.u64, tags: array(t.string), at: option(timestamp) });

test.each<{ type: AlgebraicType; value: unknown; message: string }>([
  { type: t.u8, value: 256, message: "the value: expected U8, got number 256" },
  { type: t.i8, value: -129, message: "the value: expected I8, got number -129" },
  { type: t.u16, value: 1.5, message: "the value: expected U16, got number 1.5" },
  { type: t.u32, value: "5", message: 'the value: expected U32, got "5"' },
  { type: t.i32, value: 2 ** 31, message: "the value: expected I32, got number 2147483648" },
  { type: t.u64, value: 5, message: "the value: expected U64 (bigint), got number 5" },
  { type: t.u64, value: -1n, message: "the value: expected U64 (bigint), got bigint -1" },
  {
    type: t.i128,
    value: 1n << 127n,
    message: "the value: expected I128 (bigint), got bigint 170141183460469231731687303715884105728",
  },
  { type: t.bool, value: 1, message: "the value: expected Bool (boolean), got number 1" },
  { type: t.f64, value: 1n, message: "the value: expected F64, got bigint 1" },
  { type: t.string, value: null, message: "the value: expected String, got null" },
  { type: array(t.u8), value: [1], message: "the value: expected bytes (Uint8Array), got an array of 1" },
  { type: row, value: { id: 1n, tags: ["a", 2], at: undefined }, message: "tags[1]: expected String, got number 2" },
  {
    type: row,
    value: { id: 1n, tags: [], at: 5n },
    message:
      "at: expected a Timestamp, as new Timestamp(MICROSECONDS) or Timestamp.fromDate(DATE) makes one, got bigint 5",
  },
  {
    type: row,
    value: undefined,
    message:
      "the value: expected (id: U64, tags: Array<String>, at: (some: (__timestamp_micros_since_unix_epoch__: I64) | none: ())), got undefined",
  },
  {
    type: product({ owner: identity }),
    value: { owner: "c200" },
    message: 'owner: expected an Identity, as Identity.fromString("c200…") makes one, got "c200"',
  },
  {
    type: product({ owner: identity }),
    value: { owner: { bytes: "c200" } },
    message: 'owner: expected an Identity, as Identity.fromString("c200…") makes one, got an object',
  },
  ...[1000, new Date(0), { tag: "Later" }].map((value) => ({
    type: product({ at: scheduleAt }),
    value: { at: value },
    message: `at: expected a ScheduleAt, as ScheduleAt.time(MICROSECONDS) or ScheduleAt.interval(MICROSECONDS) makes one, got ${typeof value === "number" ? "number 1000" : value instanceof Date ? "a Date" : "an object"}`,
  })),
  {
    type: product({ at: scheduleAt }),
    value: { at: { tag: "Time", value: 5n } },
    message:
      "at.Time: expected a Timestamp, as new Timestamp(MICROSECONDS) or Timestamp.fromDate(DATE) makes one, got bigint 5",
  },
  { type: sum({ a: t.u8, b: unit }), value: { tag: "c" }, message: 'the value: expected a tag of a, b, got "c"' },
  {
    type: sum({ a: product({ x: t.u8 }), b: unit }),
    value: { tag: "a", value: { x: -1 } },
    message: "a.x: expected U8, got number -1",
  },
  { type: result(t.u8, t.string), value: {}, message: "the value: expected { ok } or { err }, got an object" },
  { type: product([t.u8, t.u8]), value: [1], message: "the value: expected an array of 2, got an array of 1" },
])("$message", ({ type, value, message }) => {
  const out = new ByteWriter();
  out.u8(7);
  expect(() => valueCodec(type).write(out, value)).toThrow(new TypeError(message));
  expect(toHex(out.written())).toBe("07");
});

test("names that mean something to the language are only names", () => {
  const type = product({
    __proto__x: t.u8,
    ["__proto__"]: t.u8,
    constructor: t.u8,
    '"]; throw 1; //': t.u8,
    "\u2028": t.u8,
  });
  const value = JSON.parse(
    '{"__proto__x":1,"__proto__":2,"constructor":3,"\\"]; throw 1; //":4,"\u2028":5}',
  ) as unknown;
  const out = new ByteWriter();
  const codec = valueCodec(type);
  codec.write(out, value);
  expect(toHex(out.written())).toBe("0102030405");
  expect(JSON.stringify(codec.read(new ByteReader(out.written())))).toBe(JSON.stringify(value));
});

test.each([0, 23, 24, 25, 1000, 100_000])("text of %i characters, ASCII and not", (length) => {
  for (const unitText of ["a", "é", "世", "🥶"]) {
    const text = `${"x".repeat(length)}${unitText.repeat(length)}`;
    const out = new ByteWriter(1);
    out.string(text);
    expect(toHex(out.written().subarray(4))).toBe(Buffer.from(text).toString("hex"));
    expect(new ByteReader(out.written()).string()).toBe(text);
  }
});

test("a byte order mark is text", () => {
  const out = new ByteWriter();
  out.string("\ufeff" + "x".repeat(40));
  expect(new ByteReader(out.written()).string().charCodeAt(0)).toBe(0xfeff);
});

test("an identity of another copy of the classes is written too", () => {
  const out = new ByteWriter();
  valueCodec(identity).write(out, { __identity__: 255n });
  expect(toHex(out.written())).toBe(`ff${"00".repeat(31)}`);
  expect(valueCodec<Identity>(identity).read(new ByteReader(out.written())).isEqual(new Identity(255n))).toBe(true);
});

test("a schedule reads as classes", () => {
  const value = valueCodec(scheduleAt).read(new ByteReader(fromHex("000087930300000000"))) as ScheduleAt;
  expect(value.tag).toBe("Interval");
  expect(String(value.value)).toBe("+60.000000");
});

test("generated code goes through the compiler that was given", () => {
  const seen: string[] = [];
  valueCodec(t.u8, [], (parameters, body, title) => {
    seen.push(title);
    return compileFunction(body, [...parameters]) as ReturnType<Compile>;
  });
  expect(seen).toEqual(["write", "read"]);
});
