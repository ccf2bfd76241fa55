/** Facts about all encodings of a type: their size, and whether they can nest without bound. */
import type { AlgebraicType, Typespace } from "./algebraic-type.ts";
import { followRef } from "./refs.ts";

const primitiveSizes: Readonly<Record<string, number>> = {
  Bool: 1,
  I8: 1,
  U8: 1,
  I16: 2,
  U16: 2,
  I32: 4,
  U32: 4,
  I64: 8,
  U64: 8,
  I128: 16,
  U128: 16,
  I256: 32,
  U256: 32,
  F32: 4,
  F64: 8,
};

/** The bytes of every value of a type, when they are the same number for all; `never` has none. */
export function fixedSizeOf(type: AlgebraicType, typespace: Typespace = []): number | undefined {
  return new Measure(typespace).fixedSize(type);
}

/** The fewest bytes that a value takes. */
export function minSizeOf(type: AlgebraicType, typespace: Typespace = []): number {
  return new Measure(typespace).minSize(type);
}

/** Memoizes, since types share parts. */
export class Measure {
  readonly typespace: Typespace;
  private fixed: Map<AlgebraicType, number | undefined> | undefined;
  private min: Map<AlgebraicType, number> | undefined;

  constructor(typespace: Typespace) {
    this.typespace = typespace;
  }

  fixedSize(type: AlgebraicType): number | undefined {
    const target = followRef(type, this.typespace);
    const primitive = primitiveSizes[target.kind];
    if (primitive !== undefined) return primitive;
    if (target.kind !== "Product" && target.kind !== "Sum") return undefined;
    const known = (this.fixed ??= new Map());
    if (known.has(target)) return known.get(target);
    known.set(target, undefined); // what a recursive use sees: not fixed
    const size = target.kind === "Product" ? this.fixedProduct(target.elements) : this.fixedSum(target.variants);
    known.set(target, size);
    return size;
  }

  private fixedProduct(elements: readonly { type: AlgebraicType }[]): number | undefined {
    let size = 0;
    for (const element of elements) {
      const inner = this.fixedSize(element.type);
      if (inner === undefined) return undefined;
      size += inner;
    }
    return size;
  }

  private fixedSum(variants: readonly { type: AlgebraicType }[]): number | undefined {
    let size: number | undefined;
    for (const variant of variants) {
      const inner = this.fixedSize(variant.type);
      if (inner === undefined || (size !== undefined && size !== inner + 1)) return undefined;
      size = inner + 1;
    }
    return size;
  }

  minSize(type: AlgebraicType): number {
    const target = followRef(type, this.typespace);
    const primitive = primitiveSizes[target.kind];
    if (primitive !== undefined) return primitive;
    if (target.kind !== "Product" && target.kind !== "Sum") return 4; // a count
    const known = (this.min ??= new Map());
    const before = known.get(target);
    if (before !== undefined) return before;
    known.set(target, 0); // what a recursive use sees: a safe lower bound
    const inner =
      target.kind === "Product"
        ? target.elements.reduce((total, element) => total + this.minSize(element.type), 0)
        : 1 + Math.min(255, ...target.variants.map((variant) => this.minSize(variant.type)));
    known.set(target, inner);
    return inner;
  }
}
