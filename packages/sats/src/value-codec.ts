/**
 * JavaScript values ↔ BSATN, by functions generated per type.
 *
 *   Bool boolean · 8–32 bit number · 64 bit and wider bigint · F32, F64 number · String string, of whole characters
 *   Array<U8> Uint8Array · Array array · product object by element name (array when unnamed)
 *   Identity, ConnectionId, Timestamp, TimeDuration, Uuid their classes
 *   sum { tag, value } ({ tag } when the payload is unit; tag is the position when unnamed)
 *   Option value or undefined (of an Option: { tag: "some", value } or { tag: "none" }) · Result { ok } or { err }
 *
 * Neighbouring fields of fixed width share one bounds check, and offsets among them are constants.
 * A writer that meets a wrong value throws, and `explainMismatch` finds out where it is.
 */
import type { AlgebraicType, Member, ProductType, SumType, Typespace } from "./algebraic-type.ts";
import type { ByteReader } from "./byte-reader.ts";
import { readI128, readI256, readU128, readU256 } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { Compile } from "./compile.ts";
import { fixedSizeOf } from "./measure.ts";
import { followRef } from "./refs.ts";
import { compileTypeFunctions, isCompound, literalKey, property } from "./type-functions.ts";
import type { CompoundType, Emission } from "./type-functions.ts";
import { hasElementNames, isBytes, isOption, isResult, isUnit, specialProduct } from "./type-predicates.ts";
import { product } from "./types.ts";
import { explainMismatch, ValueMismatch } from "./value-mismatch.ts";
import { ConnectionId } from "./values/connection-id.ts";
import { Identity } from "./values/identity.ts";
import { TimeDuration } from "./values/time-duration.ts";
import { Timestamp } from "./values/timestamp.ts";
import { Uuid } from "./values/uuid.ts";

export interface ValueCodec<T = unknown> {
  readonly type: AlgebraicType;
  /** The bytes of every value, when they are the same number for all. */
  readonly fixedSize: number | undefined;
  /**
   * Appends `value`'s BSATN.
   *
   * @throws {TypeError} naming the place, when `value` is not of the type; `out` is as before then
   */
  write(out: ByteWriter, value: T): void;
  /**
   * Reads one value; bytes after it stay unread.
   *
   * @throws {LightconeError} `Malformed`, `TooDeep`
   */
  read(input: ByteReader): T;
}

/**
 * Makes the codec of a type. `Ref`s are looked up in `typespace`. Generating takes some 100 µs: keep it.
 *
 * @param compile compiles it elsewhere, so that the objects it makes are of another realm
 */
export function valueCodec<T = unknown>(
  type: AlgebraicType,
  typespace: Typespace = [],
  compile?: Compile,
): ValueCodec<T> {
  // A primitive is wrapped in a product of one element: only compound types have functions.
  const target = followRef(type, typespace);
  const root = isCompound(target) ? target : product([target]);
  const writeRaw = compileTypeFunctions<(out: ByteWriter, value: unknown) => void>(root, typespace, writing, compile);
  const readRaw = compileTypeFunctions<(input: ByteReader) => unknown>(root, typespace, reading, compile);
  const wrapped = root !== target;
  const write = (out: ByteWriter, value: T): void => {
    const start = out.length;
    try {
      writeRaw(out, wrapped ? [value] : value);
    } catch (cause) {
      out.length = start;
      throw explainMismatch(target, typespace, value, cause);
    }
  };
  const read = wrapped ? (input: ByteReader): T => (readRaw(input) as [T])[0] : (readRaw as (input: ByteReader) => T);
  return { type, fixedSize: fixedSizeOf(type, typespace), write, read };
}

/** Throws at once; the place and the reason are found afterwards. */
function mismatch(): never {
  throw new ValueMismatch();
}

const makeIdentity = (bytes: Uint8Array, at: number): Identity => Identity.fromBytes(bytes.slice(at, at + 32));

/** An identity's 32 bytes; of one made by another copy of this library too. */
function identityBytes(value: { bytes?: unknown; __identity__?: unknown } | undefined): Uint8Array {
  if (value instanceof Identity) return value.bytes;
  const number = value?.__identity__;
  if (typeof number !== "bigint" || BigInt.asUintN(256, number) !== number) mismatch();
  return new Identity(number).bytes;
}

// --- writing

interface Primitive {
  readonly size: number;
  /** Statement that writes `value` at `at`, having checked it. */
  readonly write: (value: string, at: string) => string;
  readonly read: (at: string) => string;
}

const int = (size: number, method: string, wrongWhen: (value: string) => string): Primitive => ({
  size,
  write: (value, at) => `if (${wrongWhen(value)}) mismatch(); view.set${method}(${at}, ${value}, true);`,
  read: (at) => `view.get${method}(${at}, true)`,
});
const wide = (bits: number, signed: boolean): Primitive => {
  const name = `${signed ? "I" : "U"}${bits}`;
  const words = bits / 64;
  const puts = Array.from({ length: words }, (_, word) => (value: string, at: string) => {
    const shifted = word === 0 ? value : `${value} >> ${word * 64}n`;
    return `view.setBigUint64(${at} + ${word * 8}, ${shifted}, true);`;
  });
  return {
    size: bits / 8,
    write: (value, at) =>
      `if (typeof ${value} !== "bigint" || BigInt.as${signed ? "Int" : "Uint"}N(${bits}, ${value}) !== ${value}) mismatch(); ` +
      puts.map((put) => put(value, at)).join(" "),
    read: (at) => (bits === 64 ? `view.getBig${signed ? "Int" : "Uint"}64(${at}, true)` : `read${name}(view, ${at})`),
  };
};

const primitives: Readonly<Record<string, Primitive>> = {
  Bool: {
    size: 1,
    write: (value, at) => `if (${value} !== true && ${value} !== false) mismatch(); bytes[${at}] = ${value} ? 1 : 0;`,
    read: (at) => `readBool(input, ${at})`,
  },
  U8: {
    size: 1,
    write: (value, at) => `if ((${value} & 255) !== ${value}) mismatch(); bytes[${at}] = ${value};`,
    read: (at) => `bytes[${at}]`,
  },
  I8: int(1, "Int8", (value) => `(${value} << 24 >> 24) !== ${value}`),
  U16: int(2, "Uint16", (value) => `(${value} & 65535) !== ${value}`),
  I16: int(2, "Int16", (value) => `(${value} << 16 >> 16) !== ${value}`),
  U32: int(4, "Uint32", (value) => `(${value} >>> 0) !== ${value}`),
  I32: int(4, "Int32", (value) => `(${value} | 0) !== ${value}`),
  U64: wide(64, false),
  I64: wide(64, true),
  U128: wide(128, false),
  I128: wide(128, true),
  U256: wide(256, false),
  I256: wide(256, true),
  F32: int(4, "Float32", (value) => `typeof ${value} !== "number"`),
  F64: int(8, "Float64", (value) => `typeof ${value} !== "number"`),
};

const specialClasses = { ConnectionId, Timestamp, TimeDuration, Uuid } as const;

/** A part of fixed size whose code is short enough to be inlined. */
function inlineOf(type: AlgebraicType): Primitive | undefined {
  const primitive = primitives[type.kind];
  if (primitive !== undefined) return primitive;
  const special = specialProduct(type);
  if (special === undefined || type.kind !== "Product") return undefined;
  if (special === "Identity") {
    return {
      size: 32,
      write: (value, at) => `bytes.set(identityBytes(${value}), ${at});`,
      read: (at) => `makeIdentity(bytes, ${at})`,
    };
  }
  const element = type.elements[0] as Member; // a special product has one
  const inner = primitives[element.type.kind] as Primitive; // and it is a primitive
  return {
    size: inner.size,
    write: (value, at) => `{ const number = ${property(value, element.name ?? "")}; ${inner.write("number", at)} }`,
    read: (at) => `new ${special}(${inner.read(at)})`,
  };
}

/** Statements that write the values that the expressions `values` give, in order. */
function emitWrites(parts: readonly { type: AlgebraicType; value: string }[], emission: Emission): string {
  const lines: string[] = [];
  for (let index = 0; index < parts.length;) {
    const run: { primitive: Primitive; value: string; at: number }[] = [];
    let width = 0;
    for (; index < parts.length; index += 1) {
      const part = parts[index] as (typeof parts)[number]; // in range
      const primitive = inlineOf(emission.follow(part.type));
      if (primitive === undefined) break;
      run.push({ primitive, value: part.value, at: width });
      width += primitive.size;
    }
    if (run.length > 0) {
      const writes = run.map(
        ({ primitive, value, at }) => `{ const item = ${value}; ${primitive.write("item", `at + ${at}`)} }`,
      );
      lines.push(`{ const at = out.reserve(${width}), view = out.view, bytes = out.bytes;\n${writes.join("\n")} }`);
      continue;
    }
    const part = parts[index];
    if (part === undefined) break;
    index += 1;
    const type = emission.follow(part.type);
    if (type.kind === "String") {
      lines.push(`{ const item = ${part.value}; if (typeof item !== "string" || !out.text(item)) mismatch(); }`);
    } else if (isCompound(type)) {
      lines.push(`${emission.nameOf(type)}(out, ${part.value}${emission.deeper});`);
    }
  }
  return lines.join("\n");
}

const writing = {
  title: "write",
  helpers: { mismatch, identityBytes, BigInt, Uint8Array, isArray: Array.isArray },
  parameters: "out, value",
  emit(type: CompoundType, emission: Emission): string {
    if (type.kind === "Product") return emitProductWrite(type, emission);
    if (type.kind === "Sum") return emitSumWrite(type, emission);
    if (isBytes({ kind: "Array", element: emission.follow(type.element) })) {
      return `if (!(value instanceof Uint8Array)) mismatch(); out.byteArray(value);`;
    }
    return [
      `if (!isArray(value)) mismatch();`,
      `const count = value.length;`,
      `out.u32(count);`,
      `for (let index = 0; index < count; index += 1) {`,
      emitWrites([{ type: type.element, value: "value[index]" }], emission),
      `}`,
    ].join("\n");
  },
};

function emitProductWrite(type: ProductType, emission: Emission): string {
  const inline = inlineOf(type);
  if (inline !== undefined) return emitWrites([{ type, value: "value" }], emission);
  const named = hasElementNames(type);
  const check = named
    ? `if (typeof value !== "object" || value === null) mismatch();`
    : `if (!isArray(value) || value.length !== ${type.elements.length}) mismatch();`;
  const parts = type.elements.map((element, index) => ({
    type: element.type,
    value: named ? property("value", element.name ?? "") : `value[${index}]`,
  }));
  return `${check}\n${emitWrites(parts, emission)}`;
}

function emitSumWrite(type: SumType, emission: Emission): string {
  const payload = (tag: number, value: string): string => {
    const inner = type.variants[tag]?.type;
    return `out.u8(${tag});\n${inner === undefined || isUnit(emission.follow(inner)) ? "" : emitWrites([{ type: inner, value }], emission)}`;
  };
  if (isPlainOption(type, emission)) {
    return `if (value === undefined || value === null) { out.u8(1); return; }\n${payload(0, "value")}`;
  }
  if (isResult(type)) {
    return [
      `if (typeof value !== "object" || value === null) mismatch();`,
      `if ("ok" in value) { ${payload(0, "value.ok")} }`,
      `else if ("err" in value) { ${payload(1, "value.err")} }`,
      `else mismatch();`,
    ].join("\n");
  }
  const cases = type.variants.map(
    (variant, tag) => `case ${JSON.stringify(variant.name ?? tag)}: { ${payload(tag, "value.value")}\nreturn; }`,
  );
  return [
    `if (typeof value !== "object" || value === null) mismatch();`,
    `switch (value.tag) { ${cases.join("\n")} default: mismatch(); }`,
  ].join("\n");
}

/** An Option that is `undefined` or the value: not one of an Option, which would lose `some(none)`. */
function isPlainOption(type: SumType, emission: Pick<Emission, "follow">): boolean {
  const some = type.variants[0];
  return isOption(type) && some !== undefined && !isOption(emission.follow(some.type));
}

// --- reading

function readBool(input: ByteReader, at: number): boolean {
  const byte = input.bytes[at] as number;
  if (byte > 1) input.fail(`a bool is 0 or 1, not ${byte}`, at);
  return byte === 1;
}

/** Statements that read `types` in order into `v0`, `v1`, …; names are prefixed by `prefix`. */
function emitReads(types: readonly AlgebraicType[], emission: Emission, prefix = "v"): string {
  const lines: string[] = [];
  for (let index = 0; index < types.length;) {
    const run: string[] = [];
    let width = 0;
    const start = index;
    for (; index < types.length; index += 1) {
      const primitive = inlineOf(emission.follow(types[index] as AlgebraicType)); // in range
      if (primitive === undefined) break;
      run.push(`const ${prefix}${index} = ${primitive.read(`at${prefix}${start} + ${width}`)};`);
      width += primitive.size;
    }
    if (run.length > 0) {
      lines.push(`const at${prefix}${start} = input.take(${width});`, ...run);
      continue;
    }
    const type = emission.follow(types[index] as AlgebraicType); // in range: the run ended early
    if (type.kind === "String") lines.push(`const ${prefix}${index} = input.string();`);
    else if (isCompound(type))
      lines.push(`const ${prefix}${index} = ${emission.nameOf(type)}(input${emission.deeper});`);
    index += 1;
  }
  return lines.join("\n");
}

const reading = {
  title: "read",
  helpers: { readBool, readU128, readI128, readU256, readI256, makeIdentity, ...specialClasses },
  parameters: "input",
  emit(type: CompoundType, emission: Emission): string {
    const prologue = `const view = input.view, bytes = input.bytes;\n`;
    if (type.kind === "Product") return prologue + emitProductRead(type, emission);
    if (type.kind === "Sum") return prologue + emitSumRead(type, emission);
    if (isBytes({ kind: "Array", element: emission.follow(type.element) })) return `return input.byteArray();`;
    return [
      prologue,
      `const count = input.count(${emission.minSize(type.element)});`,
      `const value = [];`,
      `for (let index = 0; index < count; index += 1) {`,
      emitReads([type.element], emission),
      `value.push(v0); }`,
      `return value;`,
    ].join("\n");
  },
};

function emitProductRead(type: ProductType, emission: Emission): string {
  if (inlineOf(type) !== undefined) return `${emitReads([type], emission)}\nreturn v0;`;
  const reads = emitReads(
    type.elements.map((element) => element.type),
    emission,
  );
  const fields = type.elements.map(({ name }, index) => `${literalKey(name ?? "")}: v${index}`);
  const literal = hasElementNames(type)
    ? `{ ${fields.join(", ")} }`
    : `[${type.elements.map((_, index) => `v${index}`).join(", ")}]`;
  return `${reads}\nreturn ${literal};`;
}

function emitSumRead(type: SumType, emission: Emission): string {
  const plainOption = isPlainOption(type, emission);
  const asResult: boolean = isResult(type);
  const variants: readonly Member[] = type.variants;
  const cases = variants.map((variant, tag) => {
    const inner = emission.follow(variant.type);
    const tagText = JSON.stringify(variant.name ?? tag);
    if (plainOption && tag === 1) return `case 1: return undefined;`;
    if (isUnit(inner) && !plainOption && !asResult) return `case ${tag}: return { tag: ${tagText} };`;
    const read = emitReads([variant.type], emission);
    const value = plainOption ? "v0" : asResult ? `{ ${tagText}: v0 }` : `{ tag: ${tagText}, value: v0 }`;
    return `case ${tag}: { ${read}\nreturn ${value}; }`;
  });
  return [
    `const tag = input.u8();`,
    `switch (tag) { ${cases.join("\n")} default: return input.fail("no variant has tag " + tag, input.at - 1); }`,
  ].join("\n");
}
