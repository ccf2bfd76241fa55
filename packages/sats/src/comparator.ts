/**
 * The order of values, told from their bytes: `data.md` §6.
 *
 *   Bool, integers, floats numerically (-0 = +0, every NaN equal and above all) · String by its bytes
 *   Product element by element · Sum by tag, then payload · Array element by element, shorter prefix first
 *
 * Bytes must be valid. Two values that compare equal take equally many bytes, which is what lets the
 * generated code step over both by the first's size.
 */
import type { AlgebraicType, ArrayType, SumType } from "./algebraic-type.ts";
import { compileTypeFunctions, isCompound, partsOf } from "./type-functions.ts";
import type { CompoundType, Emission } from "./type-functions.ts";
import { product } from "./types.ts";

/** Below, at or above zero as the value at `aAt` is before, equal to or after the one at `bAt`. */
export type Comparator = (
  aBytes: Uint8Array,
  aView: DataView,
  aAt: number,
  bBytes: Uint8Array,
  bView: DataView,
  bAt: number,
) => number;

/** Makes the comparator of a type without recursion. */
export function comparator(type: AlgebraicType): Comparator {
  const root = isCompound(type) ? type : product([type]);
  // Generated functions return 0 when equal; where both end is then known from the first value.
  return compileTypeFunctions<Comparator>(root, [], comparing);
}

/** Unsigned bytes, then the shorter first. */
export function compareByteRanges(
  a: Uint8Array,
  aAt: number,
  aEnd: number,
  b: Uint8Array,
  bAt: number,
  bEnd: number,
): number {
  const common = Math.min(aEnd - aAt, bEnd - bAt);
  for (let index = 0; index < common; index += 1) {
    const difference = (a[aAt + index] as number) - (b[bAt + index] as number);
    if (difference !== 0) return difference;
  }
  return aEnd - aAt - (bEnd - bAt);
}

function compareFloats(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : -1;
}

/** Little-endian words of 32 bits, the most significant first; signed ones differ in the top word alone. */
function compareWords(a: DataView, aAt: number, b: DataView, bAt: number, words: number, signed: boolean): number {
  const top = (words - 1) * 4;
  const high = signed
    ? a.getInt32(aAt + top, true) - b.getInt32(bAt + top, true)
    : a.getUint32(aAt + top, true) - b.getUint32(bAt + top, true);
  if (high !== 0) return high;
  for (let offset = top - 4; offset >= 0; offset -= 4) {
    const difference = a.getUint32(aAt + offset, true) - b.getUint32(bAt + offset, true);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Size and comparison of a primitive at `aAt` and `bAt`. */
function primitiveCompare(kind: string): { size: number; difference: string } {
  const bits = Number(kind.slice(1));
  if (kind === "Bool" || kind === "U8") return { size: 1, difference: `aBytes[aAt] - bBytes[bAt]` };
  if (kind === "I8") return { size: 1, difference: `aView.getInt8(aAt) - bView.getInt8(bAt)` };
  const both = (method: string): string => `aView.get${method}(aAt, true) - bView.get${method}(bAt, true)`;
  if (kind.startsWith("F")) {
    const get = `getFloat${bits}`;
    return { size: bits / 8, difference: `compareFloats(aView.${get}(aAt, true), bView.${get}(bAt, true))` };
  }
  if (bits <= 32) return { size: bits / 8, difference: both(`${kind.startsWith("I") ? "Int" : "Uint"}${bits}`) };
  return { size: bits / 8, difference: `compareWords(aView, aAt, bView, bAt, ${bits / 32}, ${kind.startsWith("I")})` };
}

const comparing = {
  helpers: { compareByteRanges, compareFloats, compareWords, sizes: { moved: 0 } },
  parameters: "aBytes, aView, aAt, bBytes, bView, bAt",
  // `sizes.moved` carries out how many bytes an equal value took: functions return only the order.
  emit(type: CompoundType, emission: Emission): string {
    const begin = `const start = aAt;\nlet order = 0;\n`;
    const end = `\nsizes.moved = aAt - start;\nreturn 0;`;
    if (type.kind === "Product") return begin + emitCompares(partsOf(type), emission) + end;
    if (type.kind === "Sum") return begin + emitSumCompare(type, emission) + end;
    return begin + emitArrayCompare(type, emission) + end;
  },
};

function emitSumCompare(type: SumType, emission: Emission): string {
  const cases = type.variants.map(
    (variant, tag) => `case ${tag}: {\n${emitCompares([variant.type], emission)}\nbreak; }`,
  );
  return `order = aBytes[aAt] - bBytes[bAt];\nif (order !== 0) return order;\nconst tag = aBytes[aAt];\naAt += 1; bAt += 1;\nswitch (tag) { ${cases.join("\n")} }`;
}

function emitArrayCompare(type: ArrayType, emission: Emission): string {
  const counts = `const aCount = aView.getUint32(aAt, true), bCount = bView.getUint32(bAt, true);\naAt += 4; bAt += 4;\n`;
  if (emission.follow(type.element).kind === "U8") {
    return `${counts}order = compareByteRanges(aBytes, aAt, aAt + aCount, bBytes, bAt, bAt + bCount);\nif (order !== 0) return order;\naAt += aCount;`;
  }
  return [
    `${counts}const count = aCount < bCount ? aCount : bCount;`,
    `for (let index = 0; index < count; index += 1) {`,
    emitCompares([type.element], emission),
    `}\nif (aCount !== bCount) return aCount - bCount;`,
  ].join("\n");
}

/** Statements that compare values of `types` in order, return at the first difference, and step over equal ones. */
function emitCompares(types: readonly AlgebraicType[], emission: Emission): string {
  const lines: string[] = [];
  for (const part of types) {
    const type = emission.follow(part);
    if (type.kind === "String") {
      lines.push(
        `{ const aEnd = aAt + 4 + aView.getUint32(aAt, true), bEnd = bAt + 4 + bView.getUint32(bAt, true);`,
        `order = compareByteRanges(aBytes, aAt + 4, aEnd, bBytes, bAt + 4, bEnd);`,
        `if (order !== 0) return order;\naAt = aEnd; bAt = bEnd; }`,
      );
    } else if (isCompound(type)) {
      lines.push(
        `order = ${emission.nameOf(type)}(aBytes, aView, aAt, bBytes, bView, bAt${emission.deeper});`,
        `if (order !== 0) return order;\naAt += sizes.moved; bAt += sizes.moved;`,
      );
    } else {
      const { size, difference } = primitiveCompare(type.kind);
      lines.push(`order = ${difference};\nif (order !== 0) return order;\naAt += ${size}; bAt += ${size};`);
    }
  }
  return lines.join("\n");
}
