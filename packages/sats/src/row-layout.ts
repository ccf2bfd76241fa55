/**
 * Where the columns of an encoded row are. Rows must be valid: nothing is checked here.
 *
 * Columns before the first of varying size stand at constant offsets, and code generated for them has
 * those constants; any other column is found by stepping over what stands between.
 */
import type { AlgebraicType, ProductType, SumType } from "./algebraic-type.ts";
import { compileWith } from "./compile.ts";
import { fixedSizeOf } from "./measure.ts";
import { compileTypeFunctions, isCompound, partsOf } from "./type-functions.ts";
import type { CompoundType, Emission } from "./type-functions.ts";
import { product } from "./types.ts";

/** Where the value at `at` ends. */
export type Skipper = (bytes: Uint8Array, view: DataView, at: number) => number;

export interface RowLayout {
  /** The bytes of every row, when they are the same number for all. */
  readonly fixedSize: number | undefined;
  /** Per column, how far it stands from the row's beginning; undefined after a column of varying size. */
  readonly fixedOffsets: readonly (number | undefined)[];
  /** Where column `column` of the row at `at` begins; the row's end for the number of columns. */
  columnOffset(bytes: Uint8Array, view: DataView, at: number, column: number): number;
}

/** Steps over a valid value of a type without `Ref`s. */
export function skipper(type: AlgebraicType): Skipper {
  const size = fixedSizeOf(type);
  if (size !== undefined) return (_bytes, _view, at) => at + size;
  return compileTypeFunctions<Skipper>(isCompound(type) ? type : product([type]), [], skipping);
}

/** Lays out the rows of a product without `Ref`s. */
export function rowLayout(row: ProductType): RowLayout {
  const skips = row.elements.map((element) => skipper(element.type));
  const fixedOffsets: (number | undefined)[] = [];
  let offset: number | undefined = 0;
  for (const element of row.elements) {
    fixedOffsets.push(offset);
    const size: number | undefined = fixedSizeOf(element.type);
    offset = offset === undefined || size === undefined ? undefined : offset + size;
  }
  const finders = Array.from({ length: row.elements.length + 1 }, (_, column) =>
    makeFinder(fixedOffsets, skips, column),
  );
  return {
    fixedSize: fixedSizeOf(row),
    fixedOffsets,
    columnOffset: (bytes, view, at, column) => (finders[column] as Skipper)(bytes, view, at), // callers pass 0 … count
  };
}

/** From a row's beginning to one of its columns. */
export function columnFinder(row: ProductType, column: number): Skipper {
  const skips = row.elements.map((element) => skipper(element.type));
  return makeFinder(rowLayout(row).fixedOffsets, skips, column);
}

function makeFinder(fixedOffsets: readonly (number | undefined)[], skips: readonly Skipper[], column: number): Skipper {
  // Begins at the last column whose offset is known and steps from there.
  let start = Math.min(column, fixedOffsets.length - 1);
  while (start > 0 && fixedOffsets[start] === undefined) start -= 1;
  const helpers: Record<string, Skipper> = {};
  const steps: string[] = [];
  for (let index = Math.max(start, 0); index < column; index += 1) {
    helpers[`skip${index}`] = skips[index] as Skipper; // one per column
    steps.push(`at = skip${index}(bytes, view, at);`);
  }
  const body = `at += ${fixedOffsets[start] ?? 0};\n${steps.join("\n")}\nreturn at;`;
  return compileWith<Skipper>(helpers, `return function find(bytes, view, at) {\n${body}\n};`);
}

const skipping = {
  helpers: {},
  parameters: "bytes, view, at",
  emit(type: CompoundType, emission: Emission): string {
    if (type.kind === "Product") return `${emitSkips(partsOf(type), emission)}\nreturn at;`;
    if (type.kind === "Sum") return emitSumSkip(type, emission);
    const size = emission.fixedSize(type.element);
    if (size !== undefined) return `return at + 4 + view.getUint32(at, true) * ${size};`;
    return [
      `const count = view.getUint32(at, true);\nat += 4;`,
      `for (let index = 0; index < count; index += 1) {`,
      emitSkips([type.element], emission),
      `}\nreturn at;`,
    ].join("\n");
  },
};

function emitSumSkip(type: SumType, emission: Emission): string {
  const cases = type.variants.map((variant, tag) => `case ${tag}: {\n${emitSkips([variant.type], emission)}\nbreak; }`);
  return `const tag = bytes[at];\nat += 1;\nswitch (tag) { ${cases.join("\n")} }\nreturn at;`;
}

/** Statements that step `at` over valid values of `types` in order. */
function emitSkips(types: readonly AlgebraicType[], emission: Emission): string {
  const lines: string[] = [];
  for (const part of types) {
    const type = emission.follow(part);
    const size = emission.fixedSize(type);
    if (size !== undefined) lines.push(`at += ${size};`);
    else if (type.kind === "String") lines.push(`at += 4 + view.getUint32(at, true);`);
    else if (isCompound(type)) lines.push(`at = ${emission.nameOf(type)}(bytes, view, at${emission.deeper});`);
  }
  return lines.join("\n");
}
