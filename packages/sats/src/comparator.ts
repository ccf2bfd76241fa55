/**
 * The order of values of one type, compared as bytes, which must be valid: docs/semantics/order-and-equality.md.
 *
 *   Bool, integers, floats numerically (-0 = +0, every NaN equal and above all) · String by its bytes
 *   Product element by element · Sum by tag, then payload · Array element by element, shorter prefix first
 */
import type { AlgebraicType } from "./algebraic-type.ts";
import { makeSkip } from "./skip.ts";

/** Below, at or above zero as the first valid value is before, equal to or after the second. */
export type Compare = (a: DataView, aAt: number, b: DataView, bAt: number) => number;

/** Bytes as unsigned numbers, first difference first; then the shorter. */
export function compareBytes(a: DataView, aAt: number, aEnd: number, b: DataView, bAt: number, bEnd: number): number {
  const common = Math.min(aEnd - aAt, bEnd - bAt);
  let index = 0;
  for (; index + 4 <= common; index += 4) {
    if (a.getInt32(aAt + index) !== b.getInt32(bAt + index)) break;
  }
  for (; index < common; index += 1) {
    const difference = a.getUint8(aAt + index) - b.getUint8(bAt + index);
    if (difference !== 0) return difference;
  }
  return aEnd - aAt - (bEnd - bAt);
}

/** Numerically; both zeros equal; NaN equal to itself and above all else. */
export function compareFloats(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : -1;
}

/** Two's complement of `wordCount` u32 words, little-endian. */
export function compareWide(
  a: DataView,
  aAt: number,
  b: DataView,
  bAt: number,
  wordCount: number,
  signed: boolean,
): number {
  let word = wordCount - 1;
  if (signed) {
    const difference = a.getInt32(aAt + word * 4, true) - b.getInt32(bAt + word * 4, true);
    if (difference !== 0) return difference;
    word -= 1;
  }
  for (; word >= 0; word -= 1) {
    const difference = a.getUint32(aAt + word * 4, true) - b.getUint32(bAt + word * 4, true);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Makes the comparison of a type without `Ref`s. */
export function makeCompare(type: AlgebraicType): Compare {
  switch (type.kind) {
    case "Bool":
    case "U8":
      return (a, aAt, b, bAt) => a.getUint8(aAt) - b.getUint8(bAt);
    case "I8":
      return (a, aAt, b, bAt) => a.getInt8(aAt) - b.getInt8(bAt);
    case "U16":
      return (a, aAt, b, bAt) => a.getUint16(aAt, true) - b.getUint16(bAt, true);
    case "I16":
      return (a, aAt, b, bAt) => a.getInt16(aAt, true) - b.getInt16(bAt, true);
    case "U32":
      return (a, aAt, b, bAt) => a.getUint32(aAt, true) - b.getUint32(bAt, true);
    case "I32":
      return (a, aAt, b, bAt) => a.getInt32(aAt, true) - b.getInt32(bAt, true);
    case "U64":
      return (a, aAt, b, bAt) => compareWide(a, aAt, b, bAt, 2, false);
    case "I64":
      return (a, aAt, b, bAt) => compareWide(a, aAt, b, bAt, 2, true);
    case "U128":
      return (a, aAt, b, bAt) => compareWide(a, aAt, b, bAt, 4, false);
    case "I128":
      return (a, aAt, b, bAt) => compareWide(a, aAt, b, bAt, 4, true);
    case "U256":
      return (a, aAt, b, bAt) => compareWide(a, aAt, b, bAt, 8, false);
    case "I256":
      return (a, aAt, b, bAt) => compareWide(a, aAt, b, bAt, 8, true);
    case "F32":
      return (a, aAt, b, bAt) => compareFloats(a.getFloat32(aAt, true), b.getFloat32(bAt, true));
    case "F64":
      return (a, aAt, b, bAt) => compareFloats(a.getFloat64(aAt, true), b.getFloat64(bAt, true));
    case "String":
      return compareCounted;
    case "Array":
      return type.element.kind === "U8" ? compareCounted : compareArrays(type.element);
    case "Product":
      return compareProducts(type.elements.map((element) => element.type));
    case "Sum":
      return compareSums(type.variants.map((variant) => variant.type));
    default:
      throw new TypeError(`values of type ${type.kind} have no order`);
  }
}

const compareCounted: Compare = (a, aAt, b, bAt) =>
  compareBytes(a, aAt + 4, aAt + 4 + a.getUint32(aAt, true), b, bAt + 4, bAt + 4 + b.getUint32(bAt, true));

function compareArrays(elementType: AlgebraicType): Compare {
  const element = makeCompare(elementType);
  const skip = makeSkip(elementType);
  return (a, aAt, b, bAt) => {
    const aCount = a.getUint32(aAt, true);
    const bCount = b.getUint32(bAt, true);
    let aNext = aAt + 4;
    let bNext = bAt + 4;
    for (let left = Math.min(aCount, bCount); left > 0; left -= 1) {
      const order = element(a, aNext, b, bNext);
      if (order !== 0) return order;
      aNext = skip(a, aNext);
      bNext = skip(b, bNext);
    }
    return aCount - bCount;
  };
}

function compareProducts(types: readonly AlgebraicType[]): Compare {
  const steps = types.map((type) => ({ compare: makeCompare(type), skip: makeSkip(type) }));
  const [only] = steps;
  if (steps.length === 1 && only !== undefined) return only.compare;
  return (a, aAt, b, bAt) => {
    let aNext = aAt;
    let bNext = bAt;
    for (const step of steps) {
      const order = step.compare(a, aNext, b, bNext);
      if (order !== 0) return order;
      aNext = step.skip(a, aNext);
      bNext = step.skip(b, bNext);
    }
    return 0;
  };
}

function compareSums(types: readonly AlgebraicType[]): Compare {
  const payloads = types.map((type) => makeCompare(type));
  return (a, aAt, b, bAt) => {
    const tag = a.getUint8(aAt);
    const difference = tag - b.getUint8(bAt);
    return difference !== 0 ? difference : (payloads[tag] as Compare)(a, aAt + 1, b, bAt + 1);
  };
}
