/**
 * Values of one type as values of another: what becomes of the rows when a module changes their type.
 *
 *   keep      the bytes as they are         widen    an integer or float in more bytes
 *   some      a value becomes Some of it    each     of an array
 *   fields    of a product: where each new one comes from
 *   variants  of a sum: by old tag, the new tag; values of a variant that is gone cannot be converted
 *
 * A conversion stands in the log, so a replay does what was done and plans nothing.
 */
import { LightconeError } from "@lightcone/base";
import type { AlgebraicType, Member, ProductType, SumType } from "./algebraic-type.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { typeDepthMax } from "./limits.ts";
import { fixedSizeOf } from "./measure.ts";
import { makeSkip } from "./skip.ts";
import { isOption, typesEqual } from "./type-predicates.ts";

export type Conversion =
  | { readonly kind: "keep" }
  | { readonly kind: "widen" }
  | { readonly kind: "some"; readonly of: Conversion }
  | { readonly kind: "each"; readonly of: Conversion }
  | FieldsConversion
  | { readonly kind: "variants"; readonly variants: readonly VariantSource[] };

export interface FieldsConversion {
  readonly kind: "fields";
  readonly fields: readonly FieldSource[];
}

/** Where a new field comes from: a value that all get, or an old field. */
export type FieldSource =
  | { readonly kind: "value"; readonly value: Uint8Array }
  | { readonly kind: "field"; readonly position: number; readonly of: Conversion };

/** What becomes of an old variant; undefined when there is none to hold its values. */
export type VariantSource = { readonly tag: number; readonly of: Conversion } | undefined;

export const keep: Conversion = { kind: "keep" };

// --- which there is

/** Names that differ in case and underscores alone, as the two spellings of one name do. */
export function looseName(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** The position of the member that goes by a name: exactly, or else as the only one that is spelt alike; -1 for none. */
export function counterpartOf(
  name: string | undefined,
  members: readonly { readonly name: string | undefined }[],
): number {
  if (name === undefined) return -1;
  const exact = members.findIndex((each) => each.name === name);
  if (exact >= 0) return exact;
  const loose = looseName(name);
  const alike = members.flatMap((each, i) => (each.name !== undefined && looseName(each.name) === loose ? [i] : []));
  return alike.length === 1 ? (alike[0] as number) : -1;
}

/** How values of `from` become values of `to`; undefined when they cannot, or not without losing some of what they say. */
export function conversionOf(from: AlgebraicType, to: AlgebraicType): Conversion | undefined {
  if (typesEqual(from, to)) return keep;
  if (isWider(from, to)) return { kind: "widen" };
  if (from.kind === "Sum" && to.kind === "Sum") {
    const variants = variantsOf(from, to);
    if (variants !== undefined) return variants;
  }
  if (isOption(to)) {
    const of = conversionOf(from, memberOf(to, 0));
    return of && { kind: "some", of };
  }
  if (from.kind === "Array" && to.kind === "Array") {
    const of = conversionOf(from.element, to.element);
    return of && (of.kind === "keep" ? keep : { kind: "each", of });
  }
  return from.kind === "Product" && to.kind === "Product" ? fieldsOf(from, to) : undefined;
}

function fieldsOf(from: ProductType, to: ProductType): Conversion | undefined {
  if (from.elements.length !== to.elements.length) return undefined;
  const fields: FieldSource[] = [];
  for (const [place, element] of to.elements.entries()) {
    const position = element.name === undefined ? place : counterpartOf(element.name, from.elements);
    const of = position < 0 ? undefined : conversionOf((from.elements[position] as Member).type, element.type);
    if (of === undefined || fields.some((other) => other.kind === "field" && other.position === position))
      return undefined;
    fields.push({ kind: "field", position, of });
  }
  return isKeep(fields) ? keep : { kind: "fields", fields };
}

/** Whether fields are the old ones, in their places and as they are. */
function isKeep(fields: readonly FieldSource[]): boolean {
  return fields.every((field, place) => field.kind === "field" && field.position === place && field.of.kind === "keep");
}

function variantsOf(from: SumType, to: SumType): Conversion | undefined {
  const variants: VariantSource[] = [];
  const taken = new Set<number>();
  for (const variant of from.variants) {
    const tag = counterpartOf(variant.name, to.variants);
    const of = tag < 0 ? undefined : conversionOf(variant.type, (to.variants[tag] as Member).type);
    if (tag >= 0 && (of === undefined || taken.has(tag))) return undefined;
    taken.add(tag);
    variants.push(of && { tag, of });
  }
  if (taken.size === 1 && taken.has(-1)) return undefined;
  return variants.every((each, tag) => each?.tag === tag && each.of.kind === "keep")
    ? keep
    : { kind: "variants", variants };
}

const numberKind = /^([IUF])(\d+)$/;

/** Whether every number of one type is one of the other. */
function isWider(from: AlgebraicType, to: AlgebraicType): boolean {
  const [, fromSort = "", fromBits = ""] = numberKind.exec(from.kind) ?? [];
  const [, toSort = "", toBits = ""] = numberKind.exec(to.kind) ?? [];
  return Number(fromBits) < Number(toBits) && (fromSort === toSort || (fromSort === "U" && toSort === "I"));
}

/** Whether some values might not be convertible, so that the rows have to be looked at. */
export function mayFail(conversion: Conversion): boolean {
  switch (conversion.kind) {
    case "keep":
    case "widen":
      return false;
    case "some":
    case "each":
      return mayFail(conversion.of);
    case "fields":
      return conversion.fields.some((field) => field.kind === "field" && mayFail(field.of));
    case "variants":
      return conversion.variants.some((variant) => variant === undefined || mayFail(variant.of));
  }
}

// --- doing it

/** Writes the value at `at` of `view`, converted; returns where the old one ends. */
export type Converter = (view: DataView, at: number, out: ByteWriter) => number;

/**
 * Makes the function that converts values, which must be valid.
 *
 * What it makes throws `MigrationRefused` for a value of a variant that is gone.
 */
export function makeConverter(from: AlgebraicType, to: AlgebraicType, conversion: Conversion): Converter {
  switch (conversion.kind) {
    case "keep": {
      const skip = makeSkip(from);
      return (view, at, out) => {
        const end = skip(view, at);
        copy(view, at, end, out);
        return end;
      };
    }
    case "widen":
      return widener(from, to);
    case "some": {
      const inner = makeConverter(from, memberOf(to, 0), conversion.of);
      return (view, at, out) => {
        out.u8(0);
        return inner(view, at, out);
      };
    }
    case "each": {
      const inner = makeConverter(elementOf(from), elementOf(to), conversion.of);
      return (view, at, out) => {
        const count = view.getUint32(at, true);
        out.u32(count);
        let next = at + 4;
        for (let left = count; left > 0; left -= 1) next = inner(view, next, out);
        return next;
      };
    }
    case "fields":
      return fieldsConverter(from, to, conversion);
    case "variants": {
      const variants = conversion.variants.map(
        (each, tag) =>
          each && { tag: each.tag, convert: makeConverter(memberOf(from, tag), memberOf(to, each.tag), each.of) },
      );
      return (view, at, out) => {
        const tag = view.getUint8(at);
        const variant = variants[tag];
        if (variant === undefined) {
          const name = from.kind === "Sum" ? (from.variants[tag]?.name ?? tag) : tag;
          throw new LightconeError("MigrationRefused", {
            reason: `there are values ${name}, and no such variant any more`,
          });
        }
        out.u8(variant.tag);
        return variant.convert(view, at + 1, out);
      };
    }
  }
}

function fieldsConverter(from: AlgebraicType, to: AlgebraicType, { fields }: FieldsConversion): Converter {
  const skips = membersOf(from).map(({ type }) => makeSkip(type));
  const starts = new Uint32Array(skips.length + 1);
  const sources = fields.map((field, place) =>
    field.kind === "value"
      ? field
      : {
          kind: field.kind,
          position: field.position,
          convert:
            field.of.kind === "keep"
              ? undefined
              : makeConverter(memberOf(from, field.position), memberOf(to, place), field.of),
        },
  );
  return (view, at, out) => {
    let next = at;
    for (let position = 0; position < skips.length; position += 1) {
      starts[position] = next;
      next = (skips[position] as (view: DataView, at: number) => number)(view, next);
    }
    starts[skips.length] = next;
    for (let place = 0; place < sources.length; place += 1) {
      const source = sources[place] as (typeof sources)[number];
      if (source.kind === "value") {
        out.raw(source.value);
        continue;
      }
      const start = starts[source.position] as number;
      if (source.convert !== undefined) source.convert(view, start, out);
      else copy(view, start, starts[source.position + 1] as number, out);
    }
    return next;
  };
}

function copy(view: DataView, from: number, end: number, out: ByteWriter): void {
  let to = out.reserve(end - from);
  const target = out.bytes;
  for (let at = from; at < end; at += 1, to += 1) target[to] = view.getUint8(at);
}

function widener(from: AlgebraicType, to: AlgebraicType): Converter {
  const size = fixedSizeOf(from) ?? 0;
  const wide = fixedSizeOf(to) ?? 0;
  if (from.kind === "F32")
    return (view, at, out) => {
      const into = out.reserve(wide);
      out.view.setFloat64(into, view.getFloat32(at, true), true);
      return at + size;
    };
  const signed = from.kind.startsWith("I");
  return (view, at, out) => {
    copy(view, at, at + size, out);
    const fill = signed && view.getInt8(at + size - 1) < 0 ? 0xff : 0;
    for (let left = wide - size; left > 0; left -= 1) out.u8(fill);
    return at + size;
  };
}

function membersOf(type: AlgebraicType): readonly Member[] {
  if (type.kind === "Product") return type.elements;
  if (type.kind === "Sum") return type.variants;
  throw new TypeError(`a conversion takes ${type.kind} for a type with members`);
}

function memberOf(type: AlgebraicType, position: number): AlgebraicType {
  const member = membersOf(type)[position];
  if (member === undefined) throw new TypeError(`a conversion names member ${position}, which the type lacks`);
  return member.type;
}

function elementOf(type: AlgebraicType): AlgebraicType {
  if (type.kind !== "Array") throw new TypeError(`a conversion takes ${type.kind} for an array`);
  return type.element;
}

// --- as bytes: tag u8, then as below; docs/formats/commit.md has it

const kinds = ["keep", "widen", "some", "each", "fields", "variants"] as const satisfies readonly Conversion["kind"][];

export function encodeConversion(out: ByteWriter, conversion: Conversion): void {
  out.u8(kinds.indexOf(conversion.kind));
  switch (conversion.kind) {
    case "some":
    case "each":
      encodeConversion(out, conversion.of);
      return;
    case "fields":
      out.u32(conversion.fields.length);
      for (const field of conversion.fields) {
        out.u8(field.kind === "value" ? 0 : 1);
        if (field.kind === "value") {
          out.u32(field.value.length);
          out.raw(field.value);
        } else {
          out.u32(field.position);
          encodeConversion(out, field.of);
        }
      }
      return;
    case "variants":
      out.u32(conversion.variants.length);
      for (const variant of conversion.variants) {
        out.u8(variant === undefined ? 0 : 1);
        if (variant === undefined) continue;
        out.u8(variant.tag);
        encodeConversion(out, variant.of);
      }
      return;
    default:
  }
}

/** Reads what `encodeConversion` wrote. @throws {LightconeError} `Malformed`, `TooDeep` */
export function decodeConversion(input: ByteReader, depth = 0): Conversion {
  if (depth >= typeDepthMax) throw new LightconeError("TooDeep", { what: input.what, depthMax: typeDepthMax });
  const tag = input.u8();
  const kind = kinds[tag] ?? input.fail(`no conversion has tag ${tag}`, input.at - 1);
  switch (kind) {
    case "keep":
      return keep;
    case "widen":
      return { kind };
    case "some":
    case "each":
      return { kind, of: decodeConversion(input, depth + 1) };
    case "fields":
      return { kind, fields: decodeList(input, () => decodeField(input, depth)) };
    case "variants":
      return {
        kind,
        variants: decodeList(input, () =>
          input.u8() === 0 ? undefined : { tag: input.u8(), of: decodeConversion(input, depth + 1) },
        ),
      };
  }
}

function decodeField(input: ByteReader, depth: number): FieldSource {
  if (input.u8() === 1) return { kind: "field", position: input.u32(), of: decodeConversion(input, depth + 1) };
  const length = input.u32();
  const at = input.take(length);
  return { kind: "value", value: input.bytes.slice(at, at + length) };
}

function decodeList<T>(input: ByteReader, decode: () => T): T[] {
  const count = input.u32();
  if (count > input.remaining) input.fail(`${count} parts cannot be in the ${input.remaining} bytes left`);
  return Array.from({ length: count }, decode);
}
