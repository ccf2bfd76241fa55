/**
 * JavaScript values ↔ BSATN by closures, one per part of a type: the same values as the codecs of
 * `@lightcone/sats`, but no code is generated, so that a page may forbid `eval`.
 *
 * Types of modules have no `Ref`s: they are trees, and their depth bounds that of their values.
 */
import {
  ByteReader,
  ByteWriter,
  ConnectionId,
  Identity,
  isBytes,
  isOption,
  isResult,
  isUnit,
  specialKind,
  specialProduct,
  specialWords,
  TimeDuration,
  Timestamp,
  Uuid,
  type AlgebraicType,
  type PrimitiveKind,
  type ProductType,
  type SpecialProduct,
  type SumType,
} from "@lightcone/sats";
import { wordOf } from "./type-word.ts";

export interface Codec {
  /** @throws {TypeError} naming the place, when `value` is not of the type */
  write(out: ByteWriter, value: unknown): void;
  read(input: ByteReader): unknown;
  /** Moves past a value, as far as it takes to know that it is one. @throws {LightconeError} `Malformed` when it is none */
  skip(input: ByteReader): void;
  /** The bytes of each of its values, when they are any bytes of that number. */
  readonly width?: number;
  /** The fewest bytes of a value. */
  readonly least: number;
}

/** Of an object: a field's name and type. */
export interface Part {
  readonly name: string;
  readonly codec: Codec;
}

/** Makes the codec of a type without `Ref`s. */
export function makeCodec(type: AlgebraicType): Codec {
  switch (type.kind) {
    case "Product":
      return productCodec(type);
    case "Sum":
      return sumCodec(type);
    case "Array":
      return isBytes(type) ? bytesCodec : arrayCodec(makeCodec(type.element));
    case "Ref":
      throw new TypeError("a type of a module holds no references");
    default:
      return primitives[type.kind];
  }
}

/** Of an object without a meaning of its own. */
export function partsOf({ elements }: ProductType): readonly Part[] {
  return elements.map(({ name, type }, index) => ({ name: name ?? String(index), codec: makeCodec(type) }));
}

/** A value's BSATN in an array of its own. */
export function encodeValue(codec: Codec, value: unknown): Uint8Array {
  const out = new ByteWriter(64);
  codec.write(out, value);
  return out.toBytes();
}

/** @throws {LightconeError} `Malformed` unless `bytes` hold one value and nothing else */
export function decodeValue(codec: Codec, bytes: Uint8Array, what: string): unknown {
  const input = new ByteReader(bytes, what);
  const value = codec.read(input);
  input.expectEnd();
  return value;
}

function wrong(expected: string, value: unknown): never {
  throw new TypeError(`expected ${expected}, not ${shown(value)}`);
}

/** Whether it is what arguments and rows are: an object that is no list. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as an error shows it: a number or a text as it is, of anything else what sort it is. */
export function shown(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > shownMax ? `${value.slice(0, shownMax)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) return "a Date";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" || typeof value === "symbol" ? `a ${typeof value}` : String(value);
}

const shownMax = 40;

/** Runs a part's writer; what it throws gets the part's place in front. */
function within(step: string, codec: Codec, out: ByteWriter, value: unknown): void {
  try {
    codec.write(out, value);
  } catch (cause) {
    throw cause instanceof TypeError ? new TypeError(`${step}: ${cause.message}`, { cause }) : cause;
  }
}

// --- primitives

function whole(width: 1 | 2 | 4, isSigned: boolean, read: (input: ByteReader) => number): Codec {
  const max = 2 ** (width * 8 - Number(isSigned)) - 1;
  const min = isSigned ? -max - 1 : 0;
  const expected = `${isSigned ? "i" : "u"}${width * 8}, a number from ${min} to ${max}`;
  return {
    ...fixed(width),
    read,
    write(out, value) {
      if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) wrong(expected, value);
      if (width === 1) out.u8(value & 0xff);
      else if (width === 2) out.u16(value & 0xffff);
      else out.u32(value >>> 0);
    },
  };
}

function large(width: 8 | 16 | 32, isSigned: boolean, read: (input: ByteReader) => bigint): Codec {
  const bits = width * 8;
  return {
    ...fixed(width),
    read,
    write(out, value) {
      if (typeof value !== "bigint" || (isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) !== value)
        wrong(`${isSigned ? "i" : "u"}${bits}, a bigint of ${bits} bits`, value);
      const unsigned = BigInt.asUintN(bits, value);
      if (width === 8) out.u64(unsigned);
      else if (width === 16) out.u128(unsigned);
      else out.u256(unsigned);
    },
  };
}

function float(write: (out: ByteWriter, value: number) => void): Codec["write"] {
  return (out, value) => {
    if (typeof value !== "number") wrong("a number", value);
    write(out, value);
  };
}

const fixed = (width: number): Pick<Codec, "skip" | "width" | "least"> => ({
  width,
  least: width,
  skip: (input) => void input.take(width),
});

const primitives: Readonly<Record<PrimitiveKind, Codec>> = {
  Bool: {
    least: 1,
    skip: (input) => void input.bool(),
    write: (out, value) => (typeof value === "boolean" ? out.bool(value) : wrong("a boolean", value)),
    read: (input) => input.bool(),
  },
  String: {
    least: 4,
    skip: skipText,
    write: (out, value) => (typeof value === "string" ? out.string(value) : wrong("a string", value)),
    read: (input) => input.string(),
  },
  U8: whole(1, false, (input) => input.u8()),
  U16: whole(2, false, (input) => input.u16()),
  U32: whole(4, false, (input) => input.u32()),
  I8: whole(1, true, (input) => input.i8()),
  I16: whole(2, true, (input) => input.i16()),
  I32: whole(4, true, (input) => input.i32()),
  U64: large(8, false, (input) => input.u64()),
  U128: large(16, false, (input) => input.u128()),
  U256: large(32, false, (input) => input.u256()),
  I64: large(8, true, (input) => input.i64()),
  I128: large(16, true, (input) => input.i128()),
  I256: large(32, true, (input) => input.i256()),
  F32: { ...fixed(4), write: float((out, value) => out.f32(value)), read: (input) => input.f32() },
  F64: { ...fixed(8), write: float((out, value) => out.f64(value)), read: (input) => input.f64() },
};

export function isPrimitive(kind: string): kind is PrimitiveKind {
  return Object.hasOwn(primitives, kind);
}

/** Past a text: plain letters are known by their bytes alone. */
function skipText(input: ByteReader): void {
  const length = input.u32();
  const at = input.take(length);
  const { bytes } = input;
  for (let next = at; next < at + length; next += 1)
    if ((bytes[next] ?? 0) > 0x7f) {
      input.at = at;
      return void input.utf8(length);
    }
}

const bytesCodec: Codec = {
  least: 4,
  skip: (input) => void input.take(input.u32()),
  write: (out, value) => (value instanceof Uint8Array ? out.byteArray(value) : wrong("a Uint8Array", value)),
  read: (input) => input.byteArray(),
};

// --- types with parts

function arrayCodec(element: Codec): Codec {
  return {
    least: 4,
    write(out, value) {
      if (!Array.isArray(value)) wrong("an array", value);
      out.u32(value.length);
      for (let index = 0; index < value.length; index += 1) within(`[${index}]`, element, out, value[index]);
    },
    skip(input) {
      for (let left = input.count(element.least); left > 0; left -= 1) element.skip(input);
    },
    read(input) {
      const count = input.count(element.least);
      const values: unknown[] = [];
      for (let index = 0; index < count; index += 1) values.push(element.read(input));
      return values;
    },
  };
}

function productCodec(type: ProductType): Codec {
  const parts = partsOf(type);
  const kind = specialProduct(type);
  const [only] = parts;
  return kind === undefined || only === undefined ? partsCodec(parts) : specialCodec(kind, only);
}

export function partsCodec(parts: readonly Part[]): Codec {
  const expected = `an object { ${parts.map(({ name }) => name).join(", ")} }`;
  // Plain objects, of a function of their own: the engine learns how many fields they have, and leaves room for those.
  const Value = function () {} as unknown as new () => Record<string, unknown>;
  Value.prototype = Object.prototype;
  // Neighbours of fixed widths are one step.
  const steps: Codec["skip"][] = [];
  let width = 0;
  for (const { codec } of parts) {
    if (codec.width !== undefined && width > 0) steps.pop();
    width = codec.width === undefined ? 0 : width + codec.width;
    const step = width > 0 ? fixed(width) : codec;
    steps.push((input) => step.skip(input));
  }
  return {
    least: parts.reduce((sum, { codec }) => sum + codec.least, 0),
    write(out, value) {
      if (typeof value !== "object" || value === null) wrong(expected, value);
      const fields = value as Readonly<Record<string, unknown>>; // any object may be asked for a field
      for (const { name, codec } of parts) within(name, codec, out, fields[name]);
    },
    read(input) {
      const value = new Value();
      for (const { name, codec } of parts) value[name] = codec.read(input);
      return value;
    },
    skip(input) {
      for (const skip of steps) skip(input);
    },
  };
}

function sumCodec(type: SumType): Codec {
  const [first, second] = type.variants;
  if (isOption(type) && first !== undefined && !isOption(first.type)) return optionCodec(makeCodec(first.type));
  if (isResult(type) && first !== undefined && second !== undefined)
    return resultCodec(makeCodec(first.type), makeCodec(second.type));
  const variants = type.variants.map((variant, tag) => ({
    name: variant.name ?? String(tag),
    codec: isUnit(variant.type) ? undefined : makeCodec(variant.type),
  }));
  const tags = new Map(variants.map(({ name }, tag) => [name, tag]));
  const variantOf = (input: ByteReader): (typeof variants)[number] => {
    const tag = input.u8();
    return variants[tag] ?? input.fail(`${wordOf(type)} has no variant ${tag}`, input.at - 1);
  };
  const isSpecial = specialKind(type) === "ScheduleAt";
  const expected = isSpecial ? specialWords.ScheduleAt : `{ tag } of ${wordOf(type)}`;
  return {
    write(out, value) {
      const { tag: name, value: payload } = (value ?? {}) as { readonly tag?: unknown; readonly value?: unknown };
      const tag = typeof name === "string" ? tags.get(name) : undefined;
      if (tag === undefined && typeof name === "string" && !isSpecial)
        throw new TypeError(`there is no variant ${JSON.stringify(name)}: there are ${[...tags.keys()].join(", ")}`);
      if (tag === undefined) wrong(expected, value);
      out.u8(tag);
      const codec = variants[tag]?.codec;
      if (codec !== undefined) within(String(name), codec, out, payload);
    },
    least: 1 + Math.min(...variants.map(({ codec }) => codec?.least ?? 0)),
    skip: (input) => variantOf(input).codec?.skip(input),
    read(input) {
      const variant = variantOf(input);
      if (variant.codec === undefined) return { tag: variant.name };
      return { tag: variant.name, value: variant.codec.read(input) };
    },
  };
}

/** Whether it is the first of two. */
function readEither(input: ByteReader, what: string): boolean {
  const tag = input.u8();
  return tag > 1 ? input.fail(`${what} has no tag ${tag}`, input.at - 1) : tag === 0;
}

function optionCodec(some: Codec): Codec {
  return {
    least: 1,
    write(out, value) {
      if (value === undefined || value === null) return out.u8(1);
      out.u8(0);
      some.write(out, value);
    },
    skip(input) {
      if (readEither(input, "an option")) some.skip(input);
    },
    read: (input) => (readEither(input, "an option") ? some.read(input) : undefined),
  };
}

function resultCodec(ok: Codec, err: Codec): Codec {
  return {
    least: 1 + Math.min(ok.least, err.least),
    write(out, value) {
      if (typeof value !== "object" || value === null) wrong("{ ok } or { err }", value);
      if ("ok" in value) {
        out.u8(0);
        ok.write(out, value.ok);
      } else if ("err" in value) {
        out.u8(1);
        err.write(out, value.err);
      } else wrong("{ ok } or { err }", value);
    },
    skip: (input) => (readEither(input, "a result") ? ok : err).skip(input),
    read: (input) => (readEither(input, "a result") ? { ok: ok.read(input) } : { err: err.read(input) }),
  };
}

// --- the special products. Values of another copy of the library are known by their one field.

const specials = { Identity, ConnectionId, Timestamp, TimeDuration, Uuid };

function specialCodec(kind: SpecialProduct, { name, codec }: Part): Codec {
  const Value = specials[kind];
  return {
    write(out, value) {
      const number = (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];
      if (number === undefined) wrong(specialWords[kind], value);
      codec.write(out, number);
    },
    ...fixed(codec.width ?? 0),
    // The primitives within the special products read as bigints.
    read: (input) => new Value(codec.read(input) as bigint),
  };
}
