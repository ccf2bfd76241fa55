/**
 * Literal text to the BSATN bytes of a column's type (docs/sql.md).
 *
 * A literal has no type of its own: it takes the type of what it is compared with or stored in. The conversion is
 * exact: integers never pass through a double. An exponent cannot cause a large allocation.
 */
import { parseTimestamp, type AlgebraicType, type PrimitiveKind } from "@lightcone/sats";
import type { Literal } from "./ast.ts";
import { literalForm } from "./types.ts";

const integerBits: Readonly<Partial<Record<PrimitiveKind, number>>> = {
  I8: -8,
  U8: 8,
  I16: -16,
  U16: 16,
  I32: -32,
  U32: 32,
  I64: -64,
  U64: 64,
  I128: -128,
  U128: 128,
  I256: -256,
  U256: 256,
};

/** Gives the bytes, or undefined when the text is not a literal of `type`. */
export function literalBytes(literal: Literal, type: AlgebraicType): Uint8Array | undefined {
  if (literal.kind === "boolean") {
    return type.kind === "Bool" ? Uint8Array.of(literal.value ? 1 : 0) : undefined;
  }
  const text = literal.text;
  switch (literalForm(type)) {
    case "Identity":
      return literal.kind === "number" ? undefined : hexNumber(text, 32);
    case "ConnectionId":
      return literal.kind === "number" ? undefined : hexNumber(text, 16);
    case "Uuid":
      return literal.kind === "number" ? undefined : uuid(text);
    case "Timestamp":
      return literal.kind === "string" ? timestamp(text) : undefined;
    case "bytes":
      return literal.kind === "number" ? undefined : bytes(text);
    case undefined:
      break;
    default:
      return undefined;
  }
  if (type.kind === "String") return prefixed(new TextEncoder().encode(text));
  if (type.kind === "F32" || type.kind === "F64") return float(text, type.kind);
  const bits = integerBits[type.kind as PrimitiveKind];
  return bits === undefined ? undefined : integer(text, bits);
}

const decimal = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/;

/** The whole number that a decimal text means; undefined if it means none, or has more than 80 digits. */
export function wholeNumber(text: string): bigint | undefined {
  const match = decimal.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", exponentText = "0"] = match;
  if (whole.length + fraction.length === 0) return undefined;
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return 0n;
  const exponent = Number(exponentText) - fraction.length;
  const significant = digits.replace(/0+$/, "");
  const zeros = exponent + digits.length - significant.length;
  if (zeros < 0 || significant.length + zeros > 80) return undefined;
  const magnitude = BigInt(significant + "0".repeat(zeros));
  return sign === "-" ? -magnitude : magnitude;
}

/** `bits` below zero: signed. */
function integer(text: string, bits: number): Uint8Array | undefined {
  const value = wholeNumber(text);
  if (value === undefined) return undefined;
  const width = Math.abs(bits);
  const inRange = bits < 0 ? BigInt.asIntN(width, value) === value : BigInt.asUintN(width, value) === value;
  return inRange ? littleEndian(BigInt.asUintN(width, value), width / 8) : undefined;
}

function littleEndian(value: bigint, byteCount: number): Uint8Array {
  const out = new Uint8Array(byteCount);
  let rest = value;
  for (let i = 0; i < byteCount; i += 1) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}

function float(text: string, kind: "F32" | "F64"): Uint8Array | undefined {
  const match = decimal.exec(text);
  if (match === null || (match[2] ?? "").length + (match[3] ?? "").length === 0) return undefined;
  const out = new Uint8Array(kind === "F32" ? 4 : 8);
  const view = new DataView(out.buffer);
  if (kind === "F32") view.setFloat32(0, Number(text), true);
  else view.setFloat64(0, Number(text), true);
  return out;
}

/** Hexadecimal digits, most significant first, of exactly `byteCount` bytes; little-endian when stored. */
function hexNumber(text: string, byteCount: number): Uint8Array | undefined {
  const raw = hexBytes(text.replace(/^0x/, ""));
  return raw?.length === byteCount ? raw.toReversed() : undefined;
}

function hexBytes(digits: string): Uint8Array | undefined {
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) return undefined;
  const out = new Uint8Array(digits.length / 2);
  for (let i = 0; i < out.length; i += 1) out[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return out;
}

function bytes(text: string): Uint8Array | undefined {
  const raw = hexBytes(text.replace(/^0x/, ""));
  return raw === undefined ? undefined : prefixed(raw);
}

/** A byte count (u32, little-endian) before the bytes: how BSATN writes strings and byte arrays. */
function prefixed(raw: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + raw.length);
  new DataView(out.buffer).setUint32(0, raw.length, true);
  out.set(raw, 4);
  return out;
}

function uuid(text: string): Uint8Array | undefined {
  const hyphenated = /^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/.test(text);
  return hexNumber(hyphenated ? text.replaceAll("-", "") : text, 16);
}

function timestamp(text: string): Uint8Array | undefined {
  const micros = parseTimestamp(text);
  return micros === undefined ? undefined : littleEndian(BigInt.asUintN(64, micros), 8);
}
