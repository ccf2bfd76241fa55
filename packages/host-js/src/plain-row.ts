/**
 * Source for rows and keys whose columns are all numbers of fixed width, or booleans: their columns stand at constant
 * places, so they are written and read there, without a codec's steps. The bytes are the codec's.
 *
 * What is not of its type is left to the codec, whose error says where and why.
 */
import type { AlgebraicType } from "@lightcone/sats";

/** Longer rows go through their codec. */
const rowBytesMax = 256;

interface Field {
  readonly bytes: number;
  /** Whether `value` is of the type. */
  readonly fits: (value: string) => string;
  readonly write: (value: string, at: string) => string;
  readonly read: (at: string) => string;
}

const field = (bytes: number, method: string, fits: (value: string) => string): Field => ({
  bytes,
  fits,
  write: (value, at) => `view.set${method}(${at}, ${value}, true);`,
  read: (at) => `view.get${method}(${at}, true)`,
});
// A number is told from a bigint first: the operators that test its width refuse to mix them.
const number = (bytes: number, method: string, same: (value: string) => string): Field =>
  field(bytes, method, (value) => `typeof ${value} === "number" && (${same(value)}) === ${value}`);
const wide = (sign: "Int" | "Uint"): Field =>
  field(8, `Big${sign}64`, (value) => `typeof ${value} === "bigint" && BigInt.as${sign}N(64, ${value}) === ${value}`);
const float = (bytes: 4 | 8): Field => field(bytes, `Float${bytes * 8}`, (value) => `typeof ${value} === "number"`);

const fields: Readonly<Partial<Record<AlgebraicType["kind"], Field>>> = {
  Bool: {
    bytes: 1,
    fits: (value) => `(${value} === true || ${value} === false)`,
    write: (value, at) => `view.setUint8(${at}, ${value} ? 1 : 0);`,
    read: (at) => `view.getUint8(${at}) === 1`,
  },
  U8: number(1, "Uint8", (value) => `${value} & 255`),
  I8: number(1, "Int8", (value) => `${value} << 24 >> 24`),
  U16: number(2, "Uint16", (value) => `${value} & 65535`),
  I16: number(2, "Int16", (value) => `${value} << 16 >> 16`),
  U32: number(4, "Uint32", (value) => `${value} >>> 0`),
  I32: number(4, "Int32", (value) => `${value} | 0`),
  U64: wide("Uint"),
  I64: wide("Int"),
  F32: float(4),
  F64: float(8),
};

export interface PlainCode {
  readonly bytes: number;
  /** An expression: whether all values, as expressions in order, are of their types. */
  fits(values: readonly string[]): string;
  /** Statements that write them from the start of `view`. */
  writes(values: readonly string[]): string;
  /** An expression of each column of the row at `at` of `view`. */
  reads(): string[];
}

/** Undefined when a column is of another kind. */
export function plainCode(types: readonly AlgebraicType[]): PlainCode | undefined {
  const parts: { field: Field; at: number }[] = [];
  let bytes = 0;
  for (const type of types) {
    const known = fields[type.kind];
    if (known === undefined) return undefined;
    parts.push({ field: known, at: bytes });
    bytes += known.bytes;
  }
  if (parts.length === 0 || bytes > rowBytesMax) return undefined;
  return {
    bytes,
    fits: (values) => parts.map((part, index) => part.field.fits(values[index] ?? "")).join(" && "),
    writes: (values) => parts.map((part, index) => part.field.write(values[index] ?? "", String(part.at))).join(" "),
    reads: () => parts.map((part) => part.field.read(`at + ${part.at}`)),
  };
}
