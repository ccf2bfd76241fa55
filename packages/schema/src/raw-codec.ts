/**
 * The pieces that V9 and V10 descriptions share, and the envelope around them: one byte that says the
 * version (0 = V8, 1 = V9, 2 = V10), then the description.
 *
 * Writers stand beside readers and mirror them line by line. Options are `00` + value or `01`.
 */
import type { AlgebraicType, ByteReader, ByteWriter, Member } from "@lightcone/sats";
import { decodeType, encodeType } from "@lightcone/sats";
import type { Access, Lifecycle } from "./module-def.ts";
import type {
  RawConstraintDef,
  RawIndexAlgorithm,
  RawIndexDef,
  RawSequenceDef,
  RawTypeDef,
  RawViewDef,
} from "./raw-module-def.ts";

export type Write<T> = (out: ByteWriter, value: T) => void;
export type Read<T> = (input: ByteReader) => T;

// --- arrays, options, enumerations

export function writeArray<T>(out: ByteWriter, items: readonly T[], write: Write<T>): void {
  out.u32(items.length);
  for (const item of items) write(out, item);
}

/** `sizeMin` is the fewest bytes that an item takes: it bounds the count before anything is allocated. */
export function readArray<T>(input: ByteReader, sizeMin: number, read: Read<T>): readonly T[] {
  const count = input.count(sizeMin);
  const items: T[] = [];
  for (let i = 0; i < count; i += 1) items.push(read(input));
  return items;
}

export function writeOption<T>(out: ByteWriter, value: T | undefined, write: Write<T>): void {
  if (value === undefined) {
    out.u8(1);
  } else {
    out.u8(0);
    write(out, value);
  }
}

export function readOption<T>(input: ByteReader, read: Read<T>): T | undefined {
  return readTag(input, "an option", 2) === 0 ? read(input) : undefined;
}

/** Reads a sum's tag, refusing one that has no variant. */
export function readTag(input: ByteReader, what: string, count: number): number {
  const tag = input.u8();
  return tag < count ? tag : input.fail(`${what} has no variant ${tag}`, input.at - 1);
}

export function writeChoice<T>(out: ByteWriter, choices: readonly T[], value: T): void {
  out.u8(choices.indexOf(value));
}

export function readChoice<T>(input: ByteReader, what: string, choices: readonly T[]): T {
  return choices[readTag(input, what, choices.length)] ?? input.fail(`${what} is out of range`);
}

export const writeString: Write<string> = (out, value) => out.string(value);
export const readString: Read<string> = (input) => input.string();

const writeU16: Write<number> = (out, value) => out.u16(value);
const readU16: Read<number> = (input) => input.u16();

export const writeColumns = (out: ByteWriter, columns: readonly number[]): void => writeArray(out, columns, writeU16);
export const readColumns = (input: ByteReader): readonly number[] => readArray(input, 2, readU16);

// --- types

const writeMember: Write<Member> = (out, member) => {
  writeOption(out, member.name, writeString);
  encodeType(out, member.type);
};
const readMember: Read<Member> = (input) => ({ name: readOption(input, readString), type: decodeType(input) });

/** Parameters: a product's elements without the tag of a type. */
export const writeParams = (out: ByteWriter, params: readonly Member[]): void => writeArray(out, params, writeMember);
export const readParams = (input: ByteReader): readonly Member[] => readArray(input, 2, readMember);

export const writeTypespace = (out: ByteWriter, types: readonly AlgebraicType[]): void =>
  writeArray(out, types, encodeType);
export const readTypespace = (input: ByteReader): readonly AlgebraicType[] =>
  readArray(input, 1, (from) => decodeType(from));

export function writeTypeDef(out: ByteWriter, type: RawTypeDef): void {
  writeArray(out, type.scope, writeString);
  out.string(type.name);
  out.u32(type.ref);
  out.bool(type.customOrdering);
}
export function readTypeDef(input: ByteReader): RawTypeDef {
  const scope = readArray(input, 4, readString);
  const name = input.string();
  const ref = input.u32();
  const customOrdering = input.bool();
  return { scope, name, ref, customOrdering };
}

// --- parts of a table

export const tableKinds = ["system", "user"] as const;
export const accesses: readonly Access[] = ["public", "private"];
export const lifecycles: readonly Lifecycle[] = ["init", "connect", "disconnect"];

function writeAlgorithm(out: ByteWriter, algorithm: RawIndexAlgorithm): void {
  switch (algorithm.kind) {
    case "btree":
      out.u8(0);
      writeColumns(out, algorithm.columns);
      return;
    case "hash":
      out.u8(1);
      writeColumns(out, algorithm.columns);
      return;
    case "direct":
      out.u8(2);
      out.u16(algorithm.column);
      return;
  }
}
function readAlgorithm(input: ByteReader): RawIndexAlgorithm {
  switch (readTag(input, "an index algorithm", 3)) {
    case 0:
      return { kind: "btree", columns: readColumns(input) };
    case 1:
      return { kind: "hash", columns: readColumns(input) };
    default:
      return { kind: "direct", column: input.u16() };
  }
}

export function writeIndex(out: ByteWriter, index: RawIndexDef): void {
  writeOption(out, index.name, writeString);
  writeOption(out, index.accessor, writeString);
  writeAlgorithm(out, index.algorithm);
}
export function readIndex(input: ByteReader): RawIndexDef {
  const name = readOption(input, readString);
  const accessor = readOption(input, readString);
  const algorithm = readAlgorithm(input);
  return { name, accessor, algorithm };
}

export function writeConstraint(out: ByteWriter, constraint: RawConstraintDef): void {
  writeOption(out, constraint.name, writeString);
  out.u8(0); // unique, the only kind
  writeColumns(out, constraint.columns);
}
export function readConstraint(input: ByteReader): RawConstraintDef {
  const name = readOption(input, readString);
  readTag(input, "a constraint", 1);
  const columns = readColumns(input);
  return { name, columns };
}

const writeI128: Write<bigint> = (out, value) => out.u128(value);
const readI128: Read<bigint> = (input) => input.i128();

export function writeSequence(out: ByteWriter, sequence: RawSequenceDef): void {
  writeOption(out, sequence.name, writeString);
  out.u16(sequence.column);
  writeOption(out, sequence.start, writeI128);
  writeOption(out, sequence.min, writeI128);
  writeOption(out, sequence.max, writeI128);
  writeI128(out, sequence.increment);
}
export function readSequence(input: ByteReader): RawSequenceDef {
  const name = readOption(input, readString);
  const column = input.u16();
  const start = readOption(input, readI128);
  const min = readOption(input, readI128);
  const max = readOption(input, readI128);
  const increment = readI128(input);
  return { name, column, start, min, max, increment };
}

// --- functions

export function writeView(out: ByteWriter, view: RawViewDef): void {
  out.string(view.name);
  out.u32(view.index);
  out.bool(view.isPublic);
  out.bool(view.isAnonymous);
  writeParams(out, view.params);
  encodeType(out, view.returns);
}
export function readView(input: ByteReader): RawViewDef {
  const name = input.string();
  const index = input.u32();
  const isPublic = input.bool();
  const isAnonymous = input.bool();
  const params = readParams(input);
  const returns = decodeType(input);
  return { name, index, isPublic, isAnonymous, params, returns };
}
