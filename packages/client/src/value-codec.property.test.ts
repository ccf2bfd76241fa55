// Goal: the codec without generated code writes and reads exactly what the generated one does.
// Method: types of every kind, values made from numbers; both codecs, compared byte by byte. Then bytes cut short
// and spoilt: both refuse, or both read the same.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import {
  array,
  bytes,
  ByteReader,
  ByteWriter,
  ConnectionId,
  connectionId,
  Identity,
  identity,
  option,
  product,
  result,
  scheduleAt,
  ScheduleAt,
  sum,
  t,
  TimeDuration,
  timeDuration,
  Timestamp,
  timestamp,
  toHex,
  unit,
  Uuid,
  uuid,
  valueCodec,
  type AlgebraicType,
} from "@lightcone/sats";
import { decodeValue, encodeValue, makeCodec } from "./value-codec.ts";

const numRuns = caseCount(200);

type Case = readonly [type: AlgebraicType, value: fc.Arbitrary<unknown>];
const unsigned = (bits: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
const signed = (bits: number): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: -(1n << BigInt(bits - 1)), max: (1n << BigInt(bits - 1)) - 1n });

const leaves: readonly Case[] = [
  [t.bool, fc.boolean()],
  [t.string, fc.string({ unit: "grapheme" })],
  [t.u8, fc.integer({ min: 0, max: 0xff })],
  [t.i8, fc.integer({ min: -0x80, max: 0x7f })],
  [t.u16, fc.integer({ min: 0, max: 0xffff })],
  [t.i16, fc.integer({ min: -0x8000, max: 0x7fff })],
  [t.u32, fc.integer({ min: 0, max: 0xffff_ffff })],
  [t.i32, fc.integer()],
  [t.u64, unsigned(64)],
  [t.i64, signed(64)],
  [t.u128, unsigned(128)],
  [t.i128, signed(128)],
  [t.u256, unsigned(256)],
  [t.i256, signed(256)],
  [t.f32, fc.float()],
  [t.f64, fc.double()],
  [bytes, fc.uint8Array()],
  [unit, fc.constant({})],
  [identity, unsigned(256).map((number) => new Identity(number))],
  [connectionId, unsigned(128).map((number) => new ConnectionId(number))],
  [timestamp, signed(64).map((number) => new Timestamp(number))],
  [timeDuration, signed(64).map((number) => new TimeDuration(number))],
  [uuid, unsigned(128).map((number) => new Uuid(number))],
  [scheduleAt, signed(64).map((number) => ScheduleAt.time(number))],
];

const some = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => fc.option(value, { nil: undefined });
const compounds = (depth: number): fc.Arbitrary<Case> => {
  const leaf = fc.constantFrom(...leaves);
  if (depth === 0) return leaf;
  const inner = compounds(depth - 1);
  return fc.oneof(
    leaf,
    inner
      .filter(([type]) => type !== t.u8) // those are bytes
      .map(([type, value]): Case => [array(type), fc.array(value, { maxLength: 4 })]),
    // An option of an option is no plain one.
    inner.map(([type, value]): Case => [option(product({ it: type })), some(fc.record({ it: value }))]),
    fc
      .tuple(inner, inner)
      .map(([[a, first], [b, second]]): Case => [product({ a, b }), fc.record({ a: first, b: second })]),
    fc.tuple(inner, inner).map(([[ok, first], [err, second]]): Case => [
      result(ok, err),
      fc.oneof(
        first.map((value) => ({ ok: value })),
        second.map((value) => ({ err: value })),
      ),
    ]),
    inner.map(([type, value]): Case => [
      sum({ Empty: unit, Full: product({ it: type }) }),
      fc.oneof(
        fc.constant({ tag: "Empty" }),
        value.map((it) => ({ tag: "Full", value: { it } })),
      ),
    ]),
  );
};

const typed = compounds(3).chain(([type, value]) => value.map((one) => ({ type, value: one })));

function generated(type: AlgebraicType, value: unknown): Uint8Array {
  const out = new ByteWriter();
  valueCodec(type).write(out, value);
  return out.toBytes();
}

/** What a reader makes of bytes: its value, or that it refuses them. */
function outcome(read: () => unknown): unknown {
  try {
    return { value: read() };
  } catch (error) {
    if (!isLightconeError(error)) throw error;
    return "refused";
  }
}

test("writes and reads as the generated codec does", () => {
  const property = fc.property(typed, ({ type, value }) => {
    const codec = makeCodec(type);
    const written = encodeValue(codec, value);
    expect(toHex(written)).toBe(toHex(generated(type, value)));
    expect(decodeValue(codec, written, "value")).toEqual(valueCodec(type).read(new ByteReader(written)));
  });
  assertProperty(property, numRuns);
});

test("refuses what the generated codec refuses", () => {
  const spoilt = typed.chain(({ type, value }) => {
    const whole = generated(type, value);
    return fc.record({
      type: fc.constant(type),
      source: fc.oneof(
        fc.nat({ max: whole.length }).map((length) => whole.subarray(0, length)),
        fc.tuple(fc.nat({ max: Math.max(0, whole.length - 1) }), fc.nat({ max: 255 })).map(([at, byte]) => {
          const changed = whole.slice();
          if (at < changed.length) changed[at] = byte;
          return changed;
        }),
      ),
    });
  });
  const property = fc.property(spoilt, ({ type, source }) => {
    const strict = (): unknown => {
      const input = new ByteReader(source);
      const value = valueCodec(type).read(input);
      input.expectEnd();
      return value;
    };
    expect(outcome(() => decodeValue(makeCodec(type), source, "value"))).toEqual(outcome(strict));
  });
  assertProperty(property, numRuns);
});

describe("values that are not of the type", () => {
  test.each([
    { type: t.u8, value: 256, text: /^expected u8, a number from 0 to 255, not 256$/ },
    { type: t.i8, value: -129, text: /i8/ },
    { type: t.u32, value: 1n, text: /u32/ },
    { type: t.u64, value: 1, text: /^expected u64, a bigint of 64 bits, not 1$/ },
    { type: t.u64, value: -1n, text: /not -1n$/ },
    { type: t.i64, value: 1n << 63n, text: /i64/ },
    { type: t.f64, value: "1", text: /number/ },
    { type: t.string, value: undefined, text: /string/ },
    { type: bytes, value: [1], text: /Uint8Array/ },
    { type: array(t.u8), value: "x", text: /Uint8Array/ },
    { type: array(t.u32), value: [1, "2"], text: /^\[1\]: / },
    { type: product({ at: product({ x: t.u8 }) }), value: { at: { x: -1 } }, text: /^at: x: / },
    { type: sum({ A: unit, B: t.u8 }), value: { tag: "C" }, text: /^there is no variant "C": there are A, B$/ },
    { type: sum({ A: unit, B: t.u8 }), value: "A", text: /^expected \{ tag \} of .*, not "A"$/ },
    { type: sum({ A: unit, B: t.u8 }), value: { tag: "B", value: "x" }, text: /^B: / },
    { type: identity, value: "c200", text: /^expected an Identity, as Identity\.fromString.*, not "c200"$/ },
    { type: timestamp, value: null, text: /^expected a Timestamp, .*, not null$/ },
    { type: scheduleAt, value: 1000, text: /^expected a ScheduleAt, as ScheduleAt\.time.*, not 1000$/ },
    { type: scheduleAt, value: new Date(0), text: /^expected a ScheduleAt, .*, not a Date$/ },
    { type: scheduleAt, value: { tag: "Later" }, text: /^expected a ScheduleAt, .*, not an object$/ },
    { type: result(t.u8, t.u8), value: {}, text: /ok/ },
  ])("$value", ({ type, value, text }) => {
    expect(() => encodeValue(makeCodec(type), value)).toThrow(TypeError);
    expect(() => encodeValue(makeCodec(type), value)).toThrow(text);
  });
});
