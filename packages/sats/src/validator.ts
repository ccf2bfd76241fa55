/**
 * Whether bytes are a value of a type: the check that rows and arguments from outside pass once.
 *
 * Checks the end of the input, UTF-8, bools and tags; agrees with `ValueCodec.read` on every input, and
 * allocates nothing. Runs of fields for which every bit pattern is a value cost one comparison.
 */
import type { AlgebraicType, SumType, Typespace } from "./algebraic-type.ts";
import { isLightconeError } from "@lightcone/base";
import { ByteReader } from "./byte-reader.ts";
import { zeroSizedElementsMax } from "./limits.ts";
import { followRef } from "./refs.ts";
import { compileTypeFunctions, isCompound, partsOf } from "./type-functions.ts";
import type { CompoundType, Emission } from "./type-functions.ts";
import { product } from "./types.ts";
import { isUtf8 } from "./utf8.ts";
import type { ValueCodec } from "./value-codec.ts";

/** Where the value at `at` ends, or -1 when there is none before `end`. `view` covers the same bytes. */
export type Validator = (bytes: Uint8Array, view: DataView, at: number, end: number) => number;

/** Makes the check of a type. A recursive value nested over `valueDepthMax` levels throws `TooDeep`. */
export function validator(type: AlgebraicType, typespace: Typespace = []): Validator {
  const target = followRef(type, typespace);
  return compileTypeFunctions<Validator>(isCompound(target) ? target : product([target]), typespace, validating);
}

/**
 * Says what is wrong with bytes that a validator refused; `codec` is of the same type.
 *
 * @throws {LightconeError} `Malformed` with the byte position, or `TooDeep`; nothing when the bytes are a value
 */
export function explainInvalid(codec: ValueCodec, bytes: Uint8Array, what: string): void {
  const input = new ByteReader(bytes, what);
  codec.read(input);
  input.expectEnd();
}

/** Whether every pattern of the type's bytes is a value: numbers, and products of them. */
function isPlain(type: AlgebraicType, emission: Emission): boolean {
  const target = emission.follow(type);
  if (target.kind === "Product") return partsOf(target).every((part) => isPlain(part, emission));
  return !isCompound(target) && target.kind !== "Bool" && target.kind !== "String";
}

/** The bytes of a plain type of fixed size; undefined for any other. */
function plainSize(type: AlgebraicType, emission: Emission): number | undefined {
  const size = emission.fixedSize(type);
  return size !== undefined && isPlain(type, emission) ? size : undefined;
}

const validating = {
  title: "validate",
  helpers: { isUtf8 },
  parameters: "bytes, view, at, end",
  emit(type: CompoundType, emission: Emission): string {
    if (type.kind === "Product") return `${emitChecks(partsOf(type), emission)}\nreturn at;`;
    if (type.kind === "Sum") return emitSumCheck(type, emission);
    const size = plainSize(type.element, emission);
    const count = `if (end - at < 4) return -1;\nconst count = view.getUint32(at, true);\nat += 4;`;
    if (size !== undefined && size > 0) {
      return `${count}\nreturn count * ${size} <= end - at ? at + count * ${size} : -1;`;
    }
    const sizeMin = emission.minSize(type.element);
    const bound = sizeMin === 0 ? `count > ${zeroSizedElementsMax}` : `count * ${sizeMin} > end - at`;
    return [
      `${count}\nif (${bound}) return -1;`,
      `for (let index = 0; index < count; index += 1) {`,
      emitChecks([type.element], emission),
      `}\nreturn at;`,
    ].join("\n");
  },
};

function emitSumCheck(type: SumType, emission: Emission): string {
  const cases = type.variants.map(
    (variant, tag) => `case ${tag}: {\n${emitChecks([variant.type], emission)}\nreturn at; }`,
  );
  const first = `if (at >= end) return -1;\nconst tag = bytes[at];\nat += 1;`;
  if (type.variants.length > 0 && type.variants.every((variant) => emission.fixedSize(variant.type) === 0)) {
    return `${first}\nreturn tag < ${type.variants.length} ? at : -1;`;
  }
  return `${first}\nswitch (tag) { ${cases.join("\n")} default: return -1; }`;
}

/** Statements that step `at` over values of `types` in order. */
function emitChecks(types: readonly AlgebraicType[], emission: Emission): string {
  const lines: string[] = [];
  let plain = 0;
  const flush = (): void => {
    if (plain > 0) lines.push(`if (end - at < ${plain}) return -1;\nat += ${plain};`);
    plain = 0;
  };
  for (const part of types) {
    const type = emission.follow(part);
    const size = plainSize(type, emission);
    if (size !== undefined) {
      plain += size;
      continue;
    }
    flush();
    if (type.kind === "Bool") {
      lines.push(`if (at >= end || bytes[at] > 1) return -1;\nat += 1;`);
    } else if (type.kind === "String") {
      lines.push(
        `{ if (end - at < 4) return -1;`,
        `const length = view.getUint32(at, true);\nat += 4;`,
        `if (length > end - at || !isUtf8(bytes, at, at + length)) return -1;\nat += length; }`,
      );
    } else if (isCompound(type)) {
      lines.push(`at = ${emission.nameOf(type)}(bytes, view, at, end${emission.deeper});\nif (at < 0) return -1;`);
    }
  }
  flush();
  return lines.join("\n");
}

/** Whether `bytes` are one value of the type and nothing more. */
export function isValid(validate: Validator, bytes: Uint8Array): boolean {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return validate(bytes, view, 0, bytes.length) === bytes.length;
  } catch (error) {
    if (isLightconeError(error, "TooDeep")) return false;
    throw error;
  }
}
