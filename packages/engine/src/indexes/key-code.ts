/**
 * What an index does with keys, generated for its columns: hash, equality, order, and an 8-byte prefix.
 *
 * The prefix is a double that never decreases as keys rise, so most comparisons in a tree touch neither of
 * the rows; where prefixes are equal, and `exactBelow` does not say that the keys then are too, the rows decide.
 *
 * Hashes take two odd multipliers from the store's seed: clients choose keys, and must not be able to
 * choose collisions.
 */
import {
  type AlgebraicType,
  type Compare,
  compareBytes,
  compareFloats,
  compareWide,
  compileWith,
  fixedSizeOf,
  makeCompare,
} from "@lightcone/sats";
import type { HashIndex } from "./hash-index.ts";
import { type HashKey, probeCode } from "./hash-layout.ts";
import { MadeOnce } from "./made-once.ts";
import { type Helpers, isByteComparable, locateParts, type Part, type Shape } from "./key-shape.ts";
import { slabMask, slabShift } from "../storage/memory.ts";

export interface HashSeed {
  readonly start: number;
  readonly first: number;
  readonly second: number;
}

export function makeHashSeed(seed: number): HashSeed {
  const spread = (value: number): number => {
    const mixed = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
    return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  };
  return { start: spread(seed + 1), first: spread(seed + 2) | 0x1000_0001, second: spread(seed + 3) | 0x0100_0001 };
}

/** The state `hash` after the bytes from `at` to `end`. */
export function hashBytes(view: DataView, at: number, end: number, hash: number, multiplier: number): number {
  let state = hash;
  let next = at;
  for (; next + 4 <= end; next += 4) {
    state = Math.imul(state ^ view.getInt32(next, true), multiplier);
    state ^= state >>> 15;
  }
  for (; next < end; next += 1) {
    state = Math.imul(state ^ view.getUint8(next), multiplier);
    state ^= state >>> 15;
  }
  return state;
}

/** Whether as many bytes from each place are the same. */
export function equalBytes(a: DataView, aAt: number, b: DataView, bAt: number, length: number): boolean {
  let index = 0;
  for (; index + 4 <= length; index += 4) {
    if (a.getInt32(aAt + index, true) !== b.getInt32(bAt + index, true)) return false;
  }
  for (; index < length; index += 1) {
    if (a.getUint8(aAt + index) !== b.getUint8(bAt + index)) return false;
  }
  return true;
}

export type EqualKeys = (a: DataView, aAt: number, b: DataView, bAt: number) => boolean;
/** The row of a hash index that has the key at `view[at …]`, or -1. */
export type FindKey = (index: HashIndex, view: DataView, at: number) => number;
export type PrefixOf = (view: DataView, at: number) => number;

/** Everything generated for the keys of one index. Functions over a row take where its first column begins. */
export interface KeyCode {
  readonly columnTypes: readonly AlgebraicType[];
  /** Whether equal keys have equal bytes, so that hash and equality exist. */
  readonly hashable: boolean;
  readonly hashRow: HashKey;
  /** Finds the key that the row at `view[at …]` has. */
  readonly findRow: FindKey;
  /** Finds a key alone. */
  readonly findKey: FindKey;
  /** Two rows' keys. */
  readonly equalRows: EqualKeys;
  readonly compareRows: Compare;
  /** Ties between prefixes of a smaller magnitude are equal keys. */
  readonly exactBelow: number;
  readonly prefixRow: PrefixOf;
  /** A row's key against a key of its first columns alone. */
  compareRowKey(columns: number): Compare;
  /** The lowest prefix of keys that begin with those first columns. */
  prefixKeyLow(columns: number): PrefixOf;
  /** The highest. */
  prefixKeyHigh(columns: number): PrefixOf;
}

/** The hash of a key, where it stands in a row and where it stands alone. */
export interface KeyHash {
  readonly hashRow: HashKey;
  readonly hashKey: HashKey;
}

/**
 * What `makeKeyCode` has of hashes, for keys of columns that are no index. Equal values have equal hashes, also where
 * their bytes differ: of a floating-point column, both zeros and every NaN.
 */
export function makeKeyHash(rowTypes: readonly AlgebraicType[], columns: readonly number[], seed: HashSeed): KeyHash {
  const types = columns.map((column) => rowTypes[column] as AlgebraicType);
  return {
    hashRow: generateHash({ types: rowTypes, columns }, seed),
    hashKey: generateHash({ types, columns: types.map((_, index) => index) }, seed),
  };
}

/** A key of a fixed number of bytes, which are the same for equal values. */
export interface FixedKey {
  readonly bytes: number;
  /** Whether the row at `a[aAt …]` has the key at `b[bAt …]`. */
  readonly isOfRow: EqualKeys;
  /** Whether two rows have the same. */
  readonly equalRows: EqualKeys;
}

/** Undefined for columns whose values differ in length, or may be equal and differ in their bytes. */
export function makeFixedKey(rowTypes: readonly AlgebraicType[], columns: readonly number[]): FixedKey | undefined {
  const types = columns.map((column) => rowTypes[column] as AlgebraicType);
  let bytes = 0;
  for (const type of types) {
    const size = fixedSizeOf(type);
    if (size === undefined || !isByteComparable(type)) return undefined;
    bytes += size;
  }
  const row: Shape = { types: rowTypes, columns };
  const alone: Shape = { types, columns: types.map((_, index) => index) };
  return { bytes, isOfRow: generateEqual(row, alone), equalRows: generateEqual(row, row) };
}

const keyCodes = new MadeOnce<KeyCode>();

export function makeKeyCode(
  rowTypes: readonly AlgebraicType[],
  columns: readonly number[],
  seed: HashSeed,
  headerBytes: number,
): KeyCode {
  const key = `${columns.join()};${seed.start};${seed.first};${seed.second};${headerBytes}`;
  return keyCodes.of(rowTypes, key, () => compileKeyCode(rowTypes, columns, seed, headerBytes));
}

function compileKeyCode(
  rowTypes: readonly AlgebraicType[],
  columns: readonly number[],
  seed: HashSeed,
  headerBytes: number,
): KeyCode {
  const columnTypes = columns.map((column) => rowTypes[column] as AlgebraicType);
  const row: Shape = { types: rowTypes, columns };
  const alone = (count: number): Shape => ({
    types: columnTypes.slice(0, count),
    columns: columnTypes.slice(0, count).map((_, index) => index),
  });
  const all = alone(columns.length);
  const memoized = <T>(make: (count: number) => T): ((count: number) => T) => {
    const made = new Map<number, T>();
    return (count) => {
      let value = made.get(count);
      if (value === undefined) made.set(count, (value = make(count)));
      return value;
    };
  };
  const rowPart = (count: number): Shape => ({ types: rowTypes, columns: columns.slice(0, count) });
  return {
    columnTypes,
    hashable: columnTypes.every(isByteComparable),
    hashRow: generateHash(row, seed),
    findRow: generateFind(row, row, seed, headerBytes),
    findKey: generateFind(row, all, seed, headerBytes),
    equalRows: generateEqual(row, row),
    compareRows: generateCompare(row, row),
    exactBelow: exactBelowOf(columnTypes),
    prefixRow: generatePrefix(row, columnTypes, "low"),
    compareRowKey: memoized((count) => generateCompare(rowPart(count), alone(count))),
    prefixKeyLow: memoized((count) => generatePrefix(alone(count), columnTypes, "low")),
    prefixKeyHigh: memoized((count) => generatePrefix(alone(count), columnTypes, "high")),
  };
}

export function hashBody(parts: readonly Part[], seed: HashSeed): string {
  const mix = (read: string): string => `h = Math.imul(h ^ ${read}, ${seed.first}); h ^= h >>> 15;\n`;
  let body = `let h = ${seed.start};\n`;
  for (const part of parts) {
    const size = fixedSizeOf(part.type);
    if (part.type.kind === "F32" || part.type.kind === "F64") {
      const word = (at: number): string =>
        mix(`(f === 0 ? 0 : f === f ? view.getInt32(${part.start} + ${at}, true) : 1)`);
      const words = part.type.kind === "F32" ? word(0) : word(0) + word(4);
      body += `{ const f = view.get${part.type.kind === "F32" ? "Float32" : "Float64"}(${part.start}, true);\n${words}}\n`;
      continue;
    }
    if (size === undefined || size > 32) {
      body += `h = hashBytes(view, ${part.start}, ${part.end}, h, ${seed.first});\n`;
      continue;
    }
    let at = 0;
    for (; at + 4 <= size; at += 4) body += mix(`view.getInt32(${part.start} + ${at}, true)`);
    for (; at < size; at += 1) body += mix(`view.getUint8(${part.start} + ${at})`);
  }
  return `${body}h = Math.imul(h ^ (h >>> 16), ${seed.second});\nh ^= h >>> 14;\n`;
}

/** Runs `otherwise` at the first difference between the parts of two keys. */
export function equalBody(aParts: readonly Part[], bParts: readonly Part[], b: string, otherwise: string): string {
  let body = "";
  aParts.forEach((part, index) => {
    const other = bParts[index] as Part;
    const size = fixedSizeOf(part.type);
    if (size === undefined) {
      body += `if (${part.end} - ${part.start} !== ${other.end} - ${other.start}) ${otherwise};\n`;
      body += `if (!equalBytes(a, ${part.start}, ${b}, ${other.start}, ${part.end} - ${part.start})) ${otherwise};\n`;
      return;
    }
    let at = 0;
    for (; at + 4 <= size; at += 4) {
      body += `if (a.getInt32(${part.start} + ${at}, true) !== ${b}.getInt32(${other.start} + ${at}, true)) ${otherwise};\n`;
    }
    for (; at < size; at += 1) {
      body += `if (a.getUint8(${part.start} + ${at}) !== ${b}.getUint8(${other.start} + ${at})) ${otherwise};\n`;
    }
  });
  return body;
}

function generateHash(shape: Shape, seed: HashSeed): HashKey {
  const helpers: Helpers = { hashBytes };
  const { lines, parts } = locateParts(shape, "view", "at", "p", helpers);
  return compileWith<HashKey>(
    helpers,
    `return function hashKey(view, at) {\n${lines}${hashBody(parts, seed)}return h;\n};`,
  );
}

function generateEqual(aShape: Shape, bShape: Shape): EqualKeys {
  const helpers: Helpers = { equalBytes };
  const a = locateParts(aShape, "a", "aAt", "p", helpers);
  const b = locateParts(bShape, "b", "bAt", "q", helpers);
  const body = equalBody(a.parts, b.parts, "b", "return false");
  return compileWith<EqualKeys>(
    helpers,
    `return function equalKeys(a, aAt, b, bAt) {\n${a.lines}${b.lines}${body}return true;\n};`,
  );
}

/** Hash, probe and comparison in one function: what `HashIndex.find` does, without its calls. */
function generateFind(row: Shape, sought: Shape, seed: HashSeed, headerBytes: number): FindKey {
  const helpers: Helpers = { hashBytes, equalBytes };
  const a = locateParts(row, "a", "aAt", "p", helpers);
  const b = locateParts(sought, "view", "at", "q", helpers);
  return compileWith<FindKey>(
    helpers,
    `return function findKey(index, view, at) {
${b.lines}${hashBody(b.parts, seed)}
const segment = index.directory[(h >>> 1) >>> (31 - index.depth)];
const slabs = index.slabs;
${probeCode(`const ref = segment[place + 1];
if (ref === 0) return -1;
if (segment[place] === h) {
const a = slabs[ref >>> ${slabShift}].view;
const aAt = ((ref & ${slabMask}) << 3) + ${headerBytes};
same: {
${a.lines}${equalBody(a.parts, b.parts, "view", "break same")}
index.foundIn = segment;
index.foundAt = place;
return ref >>> 0;
}
}`)}
};`,
  );
}

function generateCompare(aShape: Shape, bShape: Shape): Compare {
  const helpers: Helpers = { compareBytes, compareFloats, compareWide };
  const a = locateParts(aShape, "a", "aAt", "p", helpers);
  const b = locateParts(bShape, "b", "bAt", "q", helpers);
  let body = "let order = 0;\n";
  a.parts.forEach((part, index) => {
    const other = b.parts[index] as Part;
    const compare = `compare${index}`;
    helpers[compare] = makeCompare(part.type);
    body += `order = ${compare}(a, ${part.start}, b, ${other.start});\nif (order !== 0) return order;\n`;
  });
  return compileWith<Compare>(
    helpers,
    `return function compareKeys(a, aAt, b, bAt) {\n${a.lines}${b.lines}${body}return 0;\n};`,
  );
}

/** A number from 0 up to 2^bits that never decreases as the column's values rise. */
interface Digits {
  readonly expression: string;
  readonly bits: number;
  /** Whether different values have different digits. */
  readonly exact: boolean;
}

function digitsOf(type: AlgebraicType, start: string, end: string): Digits {
  const read = (kind: string, bias: number, bits: number): Digits => ({
    expression: `(view.get${kind}(${start}${bits === 8 ? "" : ", true"}) + ${bias})`,
    bits,
    exact: true,
  });
  const top = (wordAt: number, signed: boolean): Digits => ({
    expression: signed
      ? `(view.getInt32(${start} + ${wordAt}, true) + 2147483648)`
      : `view.getUint32(${start} + ${wordAt}, true)`,
    bits: 32,
    exact: false,
  });
  switch (type.kind) {
    case "Bool":
    case "U8":
      return read("Uint8", 0, 8);
    case "I8":
      return read("Int8", 128, 8);
    case "U16":
      return read("Uint16", 0, 16);
    case "I16":
      return read("Int16", 32_768, 16);
    case "U32":
      return read("Uint32", 0, 32);
    case "I32":
      return read("Int32", 2_147_483_648, 32);
    case "U64":
    case "I64":
      return top(4, type.kind === "I64");
    case "U128":
    case "I128":
      return top(12, type.kind === "I128");
    case "U256":
    case "I256":
      return top(28, type.kind === "I256");
    case "String":
      return { expression: `leadingBytes(view, ${start} + 4, ${end}, 4)`, bits: 32, exact: false };
    case "Array":
      return type.element.kind === "U8"
        ? { expression: `leadingBytes(view, ${start} + 4, ${end}, 4)`, bits: 32, exact: false }
        : { expression: "0", bits: 0, exact: false };
    case "Product": {
      const [only] = type.elements;
      if (only === undefined) return { expression: "0", bits: 0, exact: true };
      const digits = digitsOf(only.type, start, end);
      return type.elements.length === 1 ? digits : { ...digits, exact: false };
    }
    case "Sum": {
      const plain = type.variants.every((variant) => fixedSizeOf(variant.type) === 0);
      return { expression: `view.getUint8(${start})`, bits: 8, exact: plain };
    }
    default:
      return { expression: "0", bits: 0, exact: false };
  }
}

/** The first bytes as a number, most significant first, as if zeros followed the end. */
function leadingBytes(view: DataView, at: number, end: number, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index += 1)
    value = value * 256 + (at + index < end ? view.getUint8(at + index) : 0);
  return value;
}

/** Follows one-element products to what they hold. */
function unwrapped(type: AlgebraicType): AlgebraicType {
  let inner = type;
  while (inner.kind === "Product" && inner.elements.length === 1)
    inner = (inner.elements[0] as { type: AlgebraicType }).type;
  return inner;
}

/** A prefix made of the first column alone, when that has more digits than can be shared. */
function wholePrefix(type: AlgebraicType, start: string, end: string): string | undefined {
  const wide = (lowAt: number, signed: boolean): string =>
    `view.get${signed ? "Int32" : "Uint32"}(${start} + ${lowAt + 4}, true) * 4294967296 + view.getUint32(${start} + ${lowAt}, true)`;
  switch (type.kind) {
    case "U64":
    case "I64":
      return wide(0, type.kind === "I64");
    case "U128":
    case "I128":
      return wide(8, type.kind === "I128");
    case "U256":
    case "I256":
      return wide(24, type.kind === "I256");
    case "F32":
      return `floatPrefix(view.getFloat32(${start}, true))`;
    case "F64":
      return `floatPrefix(view.getFloat64(${start}, true))`;
    case "String":
      return `leadingBytes(view, ${start} + 4, ${end}, 8)`;
    case "Array":
      return type.element.kind === "U8" ? `leadingBytes(view, ${start} + 4, ${end}, 8)` : undefined;
    default:
      return undefined;
  }
}

function floatPrefix(value: number): number {
  if (Number.isNaN(value)) return Infinity;
  return value === 0 ? 0 : value;
}

const prefixBits = 53;

function exactBelowOf(types: readonly AlgebraicType[]): number {
  const [first] = types;
  if (first !== undefined && types.length === 1) {
    const only = unwrapped(first);
    if (only.kind === "U64" || only.kind === "I64") return 2 ** prefixBits;
  }
  let bits = 0;
  for (const type of types) {
    if (bits === 0 && wholePrefix(unwrapped(type), "", "") !== undefined) return 0;
    const digits = digitsOf(type, "", "");
    bits += digits.bits;
    if (!digits.exact || bits > prefixBits) return 0;
  }
  return Infinity;
}

/**
 * Generates the prefix of a key whose first columns alone are at hand. Columns beyond them count as lowest or
 * highest, so the two bound the prefixes of all keys that begin so.
 */
function generatePrefix(shape: Shape, types: readonly AlgebraicType[], missing: "low" | "high"): PrefixOf {
  const helpers: Helpers = { leadingBytes, floatPrefix };
  const { lines, parts } = locateParts(shape, "view", "at", "p", helpers);
  const [first] = parts; // a table without columns has none
  const whole = first === undefined ? undefined : wholePrefix(unwrapped(first.type), first.start, first.end);
  const expression = whole ?? sharedPrefix(parts, types, missing);
  return compileWith<PrefixOf>(helpers, `return function prefixOf(view, at) {\n${lines}return ${expression};\n};`);
}

function sharedPrefix(parts: readonly Part[], types: readonly AlgebraicType[], missing: "low" | "high"): string {
  let expression = "0";
  let left = prefixBits;
  for (let index = 0; index < types.length && left > 0; index += 1) {
    const part = parts[index];
    const digits = digitsOf(types[index] as AlgebraicType, part?.start ?? "", part?.end ?? "");
    const bits = Math.min(digits.bits, left);
    const value = part === undefined ? (missing === "low" ? "0" : String(2 ** bits - 1)) : digits.expression;
    const cut =
      part !== undefined && bits < digits.bits ? `Math.floor(${value} / ${2 ** (digits.bits - bits)})` : value;
    expression = index === 0 ? cut : `(${expression}) * ${2 ** bits} + ${cut}`;
    left -= bits;
    // Behind inexact digits nothing may follow: equal digits would then be ordered by what comes after.
    if (!digits.exact) break;
  }
  return expression;
}
