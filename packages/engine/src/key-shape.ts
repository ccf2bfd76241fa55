/**
 * Source text that finds the columns of a key within bytes.
 *
 * A key stands in two forms: inside a row, among columns that may be of any length, or alone, its columns
 * back to back. A `Shape` is one of the two; what is generated for a key is generated over shapes.
 */
import type { AlgebraicType } from "@lightcone/sats";

/** Columns in the order they stand, and which of them are the key's, in key order. */
export interface Shape {
  readonly types: readonly AlgebraicType[];
  readonly columns: readonly number[];
}

/** A column's place, as expressions over `view` and `at` of the generated function. */
export interface Part {
  readonly type: AlgebraicType;
  readonly start: string;
  readonly end: string;
}

/** Values that generated source may name. */
export type Helpers = Record<string, unknown>;

const sizes: Readonly<Record<string, number>> = {
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

/** The bytes of every value of a type without `Ref`s, if they are the same for all. */
export function fixedSize(type: AlgebraicType): number | undefined {
  const known = sizes[type.kind];
  if (known !== undefined) return known;
  if (type.kind === "Product") return sumOf(type.elements.map((element) => fixedSize(element.type)));
  if (type.kind !== "Sum" || type.variants.length === 0) return undefined;
  const payloads = new Set(type.variants.map((variant) => fixedSize(variant.type)));
  const [payload] = payloads;
  return payloads.size === 1 && payload !== undefined ? payload + 1 : undefined;
}

function sumOf(parts: readonly (number | undefined)[]): number | undefined {
  let total = 0;
  for (const part of parts) {
    if (part === undefined) return undefined;
    total += part;
  }
  return total;
}

export type Skip = (view: DataView, at: number) => number;

/** Steps over a valid value: gives where the next begins. */
export function makeSkip(type: AlgebraicType): Skip {
  const size = fixedSize(type);
  if (size !== undefined) return (_, at) => at + size;
  switch (type.kind) {
    case "String":
      return (view, at) => at + 4 + view.getUint32(at, true);
    case "Array": {
      const elementSize = fixedSize(type.element);
      if (elementSize !== undefined) return (view, at) => at + 4 + view.getUint32(at, true) * elementSize;
      const element = makeSkip(type.element);
      return (view, at) => {
        let next = at + 4;
        for (let left = view.getUint32(at, true); left > 0; left -= 1) next = element(view, next);
        return next;
      };
    }
    case "Product": {
      const elements = type.elements.map((member) => makeSkip(member.type));
      return (view, at) => elements.reduce((next, element) => element(view, next), at);
    }
    case "Sum": {
      const variants = type.variants.map((member) => makeSkip(member.type));
      return (view, at) => (variants[view.getUint8(at)] as Skip)(view, at + 1);
    }
    default:
      throw new TypeError(`a column cannot be of type ${type.kind}`);
  }
}

/**
 * Declares what is needed to reach a shape's key columns, for bytes in `view` from `at`.
 *
 * @param tag keeps the names of two shapes in one function apart
 */
export function locateParts(
  shape: Shape,
  view: string,
  at: string,
  tag: string,
  helpers: Helpers,
): { lines: string; parts: Part[] } {
  const last = Math.max(...shape.columns);
  const parts = new Map<number, Part>();
  let lines = "";
  let base = at;
  let offset = 0;
  for (let column = 0; column <= last; column += 1) {
    const type = shape.types[column] as AlgebraicType;
    const start = offset === 0 ? base : `${base} + ${offset}`;
    const size = fixedSize(type);
    if (size !== undefined) {
      offset += size;
      parts.set(column, { type, start: `(${start})`, end: `(${base} + ${offset})` });
      continue;
    }
    const name = `${tag}${column}`;
    if (column < last || shape.columns.includes(column)) {
      helpers[`skip_${name}`] = makeSkip(type);
      const inline = type.kind === "String" || (type.kind === "Array" && fixedSize(type.element) === 1);
      lines += inline
        ? `const ${name} = ${start} + 4 + ${view}.getUint32(${start}, true);\n`
        : `const ${name} = skip_${name}(${view}, ${start});\n`;
    }
    parts.set(column, { type, start: `(${start})`, end: name });
    base = name;
    offset = 0;
  }
  return { lines, parts: shape.columns.map((column) => parts.get(column) as Part) };
}

/** Whether equal values have equal bytes: floats alone may not. */
export function isByteComparable(type: AlgebraicType): boolean {
  switch (type.kind) {
    case "F32":
    case "F64":
      return false;
    case "Array":
      return isByteComparable(type.element);
    case "Product":
      return type.elements.every((element) => isByteComparable(element.type));
    case "Sum":
      return type.variants.every((variant) => isByteComparable(variant.type));
    default:
      return true;
  }
}

/** The bytes of such values together, if any so many bytes are valid ones; otherwise -1. */
export function plainSize(types: readonly AlgebraicType[]): number {
  return types.every(isPlain) ? (sumOf(types.map(fixedSize)) ?? -1) : -1;
}

function isPlain(type: AlgebraicType): boolean {
  if (type.kind === "Product") return type.elements.every((element) => isPlain(element.type));
  return type.kind !== "Bool" && type.kind !== "Sum" && fixedSize(type) !== undefined;
}
