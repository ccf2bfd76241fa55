// Goal: a literal becomes the bytes of the column's type exactly, or is refused (docs/sql.md).
// Method: a row per case: type, literal, bytes as hexadecimal, or nothing where it is refused.
import {
  bytes,
  connectionId,
  identity,
  option,
  t,
  timeDuration,
  timestamp,
  toHex,
  uuid,
  type AlgebraicType,
} from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import type { Literal } from "./ast.ts";
import { literalBytes, wholeNumber } from "./literal.ts";

const number = (text: string): Literal => ({ kind: "number", text });
const string = (text: string): Literal => ({ kind: "string", text });
const hex = (text: string): Literal => ({ kind: "hex", text });

const refused = undefined;
const rows: readonly (readonly [name: string, AlgebraicType, Literal, string | undefined])[] = [
  ["U8", t.u8, number("255"), "ff"],
  ["U8", t.u8, number("256"), refused],
  ["U8", t.u8, number("-0"), "00"],
  ["I8", t.i8, number("-128"), "80"],
  ["I8", t.i8, number("128"), refused],
  ["U16", t.u16, number("2.56e2"), "0001"],
  ["U16", t.u16, number("2.565e2"), refused],
  ["U32", t.u32, string("+5"), "05000000"],
  ["U32", t.u32, string(" 5"), refused],
  ["U32", t.u32, string(""), refused],
  ["U32", t.u32, string("."), refused],
  ["U32", t.u32, hex("1e3"), "e8030000"],
  ["U64", t.u64, number("18446744073709551615"), "ffffffffffffffff"],
  ["U64", t.u64, number("18446744073709551616"), refused],
  ["I64", t.i64, number("-9223372036854775808"), "0000000000000080"],
  ["U128", t.u128, number("1e38"), toHex(leBytes(10n ** 38n, 16))],
  ["I256", t.i256, number("-1"), "ff".repeat(32)],
  ["F32", t.f32, number("0.1"), "cdcccc3d"],
  ["F32", t.f32, number("1e40"), "0000807f"],
  ["F64", t.f64, number("-1e400"), "000000000000f0ff"],
  ["F64", t.f64, string("2.5"), "0000000000000440"],
  ["F64", t.f64, string("inf"), refused],
  ["Bool", t.bool, { kind: "boolean", value: true }, "01"],
  ["Bool", t.bool, number("1"), refused],
  ["String", t.string, string("é"), "02000000c3a9"],
  ["String", t.string, number("1.50"), "04000000312e3530"],
  ["String", t.string, hex("AB"), "020000004142"],
  ["bytes", bytes, hex(""), "00000000"],
  ["bytes", bytes, hex("0aB"), refused],
  ["bytes", bytes, string("0aBC"), "020000000abc"],
  ["bytes", bytes, number("10"), refused],
  ["Identity", identity, hex(`01${"00".repeat(30)}ff`), `ff${"00".repeat(30)}01`],
  ["Identity", identity, string(`0x01${"00".repeat(31)}`), `${"00".repeat(31)}01`],
  ["Identity", identity, hex("01"), refused],
  ["ConnectionId", connectionId, hex(`01${"00".repeat(15)}`), `${"00".repeat(15)}01`],
  ["ConnectionId", connectionId, hex(`01${"00".repeat(16)}`), refused],
  ["Uuid", uuid, string("8c2a7f1e-3b4d-4c5e-9a6b-7c8d9e0f1a2b"), "2b1a0f9e8d7c6b9a5e4c4d3b1e7f2a8c"],
  ["Uuid", uuid, string("8c2a7f1e3b4d-4c5e-9a6b-7c8d9e0f1a2b"), refused],
  ["Timestamp", timestamp, string("1970-01-01T00:00:01Z"), "40420f0000000000"],
  ["Timestamp", timestamp, string("1969-12-31 23:59:59.999999+00:00"), "ffffffffffffffff"],
  ["Timestamp", timestamp, string("2025-02-30T00:00:00Z"), refused],
  ["Timestamp", timestamp, number("5"), refused],
  ["TimeDuration", timeDuration, number("5"), refused],
  ["Option", option(t.u32), number("5"), refused],
];

function leBytes(value: bigint, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

describe("literals", () => {
  test.each(rows)("%s from %o", (_, type, literal, expected) => {
    const actual = literalBytes(literal, type);
    expect(actual === undefined ? undefined : toHex(actual)).toBe(expected);
  });

  test("an exponent costs no more than its text", () => {
    expect(wholeNumber(`1e${"9".repeat(400)}`)).toBe(undefined);
    expect(wholeNumber(`0e${"9".repeat(400)}`)).toBe(0n);
    expect(wholeNumber(`1e-${"9".repeat(400)}`)).toBe(undefined);
    expect(wholeNumber(`${"0".repeat(400)}12${"0".repeat(400)}e-400`)).toBe(12n);
  });
});
