/**
 * Source text that finds the columns of a key within bytes.
 *
 * A key stands in two forms: inside a row, among columns that may be of any length, or alone, its columns
 * back to back. A `Shape` is one of the two; what is generated for a key is generated over shapes.
 */
import { type AlgebraicType, fixedSizeOf, makeSkip } from "@lightcone/sats";

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

function sumOf(parts: readonly (number | undefined)[]): number | undefined {
  let total = 0;
  for (const part of parts) {
    if (part === undefined) return undefined;
    total += part;
  }
  return total;
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
    const size = fixedSizeOf(type);
    if (size !== undefined) {
      offset += size;
      parts.set(column, { type, start: `(${start})`, end: `(${base} + ${offset})` });
      continue;
    }
    const name = `${tag}${column}`;
    if (column < last || shape.columns.includes(column)) {
      helpers[`skip_${name}`] = makeSkip(type);
      const inline = type.kind === "String" || (type.kind === "Array" && fixedSizeOf(type.element) === 1);
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

/** The length of such values together, if any bytes of that length are valid ones; otherwise -1. */
export function plainSize(types: readonly AlgebraicType[]): number {
  return types.every(isPlain) ? (sumOf(types.map((type) => fixedSizeOf(type))) ?? -1) : -1;
}

function isPlain(type: AlgebraicType): boolean {
  if (type.kind === "Product") return type.elements.every((element) => isPlain(element.type));
  return type.kind !== "Bool" && type.kind !== "Sum" && fixedSizeOf(type) !== undefined;
}
