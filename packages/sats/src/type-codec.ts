/**
 * A type as a value: sum tag as in the table of docs/wire/values.md, then
 *
 *   Ref = index u32 · Sum, Product = count u32 | (name Option<String> | type)… · Array = type · others nothing
 */
import { LightconeError, defined } from "@lightcone/base";
import type { AlgebraicType, Member, PrimitiveKind, Typespace } from "./algebraic-type.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { typeDepthMax, variantsMax } from "./limits.ts";
import { t } from "./types.ts";

/** Type kinds by tag. The order is also how types compare. */
export const typeKinds = [
  "Ref",
  "Sum",
  "Product",
  "Array",
  "String",
  "Bool",
  "I8",
  "U8",
  "I16",
  "U16",
  "I32",
  "U32",
  "I64",
  "U64",
  "I128",
  "U128",
  "I256",
  "U256",
  "F32",
  "F64",
] as const satisfies readonly AlgebraicType["kind"][];

export const integerKinds: ReadonlySet<AlgebraicType["kind"]> = new Set(
  typeKinds.filter((kind) => /^[IU]\d/.test(kind)),
);

const tagOf = Object.fromEntries(typeKinds.map((kind, tag) => [kind, tag])) as Record<AlgebraicType["kind"], number>;

/** The primitive types by kind: one object each, however often decoded. */
export const primitives = Object.fromEntries(Object.values(t).map((type) => [type.kind, type])) as Record<
  PrimitiveKind,
  (typeof t)[keyof typeof t]
>;

export function encodeType(out: ByteWriter, type: AlgebraicType): void {
  out.u8(tagOf[type.kind]);
  switch (type.kind) {
    case "Ref":
      out.u32(type.index);
      return;
    case "Sum":
      encodeMembers(out, type.variants);
      return;
    case "Product":
      encodeMembers(out, type.elements);
      return;
    case "Array":
      encodeType(out, type.element);
      return;
    default:
  }
}

/** Reads what `encodeType` wrote, `Ref`s as they stand. */
export function decodeType(input: ByteReader, depth = 0): AlgebraicType {
  if (depth >= typeDepthMax) throw new LightconeError("TooDeep", { what: input.what, depthMax: typeDepthMax });
  const tag = input.u8();
  const kind = typeKinds[tag] ?? input.fail(`no type has tag ${tag}`, input.at - 1);
  switch (kind) {
    case "Ref":
      return { kind, index: input.u32() };
    case "Sum": {
      const variants = decodeMembers(input, depth);
      if (variants.length > variantsMax) input.fail(`a sum has at most ${variantsMax} variants`);
      return { kind, variants };
    }
    case "Product":
      return { kind, elements: decodeMembers(input, depth) };
    case "Array":
      return { kind, element: decodeType(input, depth + 1) };
    default:
      return primitives[kind];
  }
}

function encodeMembers(out: ByteWriter, members: readonly Member[]): void {
  out.u32(members.length);
  for (const { name, type } of members) {
    if (name === undefined) {
      out.u8(1);
    } else {
      out.u8(0);
      out.string(name);
    }
    encodeType(out, type);
  }
}

function decodeMembers(input: ByteReader, depth: number): Member[] {
  const count = input.count(2); // an absent name and a primitive type take two bytes
  const members: Member[] = [];
  for (let index = 0; index < count; index += 1) {
    const tag = input.u8();
    if (tag > 1) input.fail(`an option has no tag ${tag}`, input.at - 1);
    const name = tag === 0 ? input.string() : undefined;
    members.push({ name, type: decodeType(input, depth + 1) });
  }
  return members;
}

/** Count (u32), then the types. */
export function encodeTypespace(out: ByteWriter, typespace: Typespace): void {
  out.u32(typespace.length);
  for (const type of typespace) encodeType(out, type);
}

export function decodeTypespace(input: ByteReader): AlgebraicType[] {
  const count = input.count(1);
  const types: AlgebraicType[] = [];
  for (let index = 0; index < count; index += 1) types.push(decodeType(input));
  return types;
}

/** A type's tag in its encoding. */
export const typeTag = (type: AlgebraicType): number => defined(tagOf[type.kind], type.kind);
