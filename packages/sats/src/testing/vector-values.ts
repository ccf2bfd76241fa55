/** Reads `conformance/vectors`, and turns their notation of types and values into ours. */
import { readFileSync } from "node:fs";
import type { AlgebraicType, Member, Typespace } from "../algebraic-type.ts";
import { fromHex } from "../hex.ts";
import { followRef } from "../refs.ts";
import { primitives } from "../type-codec.ts";
import { isBytes, isOption, isResult, isUnit, specialProduct } from "../type-predicates.ts";
import { ConnectionId } from "../values/connection-id.ts";
import { Identity } from "../values/identity.ts";
import { TimeDuration } from "../values/time-duration.ts";
import { Timestamp } from "../values/timestamp.ts";
import { Uuid } from "../values/uuid.ts";

export function readVectors<T>(name: string): T {
  const url = new URL(`../../../../conformance/vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

export type TypeJson = Readonly<Record<string, unknown>>;

export function typeOf(json: TypeJson): AlgebraicType {
  const [kind, payload] = Object.entries(json)[0] ?? ["", undefined];
  if (kind === "Ref") return { kind, index: payload as number };
  if (kind === "Array") return { kind, element: typeOf(payload as TypeJson) };
  if (kind === "Product") return { kind, elements: members((payload as { elements: MemberJson[] }).elements) };
  if (kind === "Sum") return { kind, variants: members((payload as { variants: MemberJson[] }).variants) };
  return primitives[kind as keyof typeof primitives];
}

interface MemberJson {
  readonly name: { readonly some?: string };
  readonly algebraic_type: TypeJson;
}
const members = (list: readonly MemberJson[]): Member[] =>
  list.map((member) => ({ name: member.name.some, type: typeOf(member.algebraic_type) }));

/** The notation's lossless value as the value that our codecs take. */
export function valueOf(type: AlgebraicType, typespace: Typespace, json: unknown): unknown {
  const target = followRef(type, typespace);
  const inner = (part: AlgebraicType, value: unknown): unknown => valueOf(part, typespace, value);
  switch (target.kind) {
    case "String":
    case "Bool":
      return json;
    case "F32":
    case "F64":
      return json === "NaN" ? Number.NaN : Number(json);
    case "Array":
      return isBytes(target) ? fromHex(json as string) : (json as unknown[]).map((item) => inner(target.element, item));
    case "Product": {
      const special = specialProduct(target);
      if (special !== undefined) {
        const number = BigInt(Object.values(json as Record<string, string>)[0] ?? "");
        return new { Identity, ConnectionId, Timestamp, TimeDuration, Uuid }[special](number);
      }
      if (Array.isArray(json)) return target.elements.map((element, index) => inner(element.type, json[index]));
      const fields = json as Record<string, unknown>;
      return Object.fromEntries(
        target.elements.map((element) => [element.name, inner(element.type, fields[element.name ?? ""])]),
      );
    }
    case "Sum": {
      const [key, payload] = Array.isArray(json)
        ? (json as [number, unknown])
        : (Object.entries(json as object)[0] ?? []);
      const index = target.variants.findIndex((variant, position) => (variant.name ?? position) === key);
      const variant = target.variants[index] as Member; // the vectors name variants that exist
      const isNested = isOption(target) && isOption(followRef(target.variants[0]?.type as AlgebraicType, typespace));
      if (isOption(target) && !isNested) return index === 1 ? undefined : inner(variant.type, payload);
      if (isResult(target)) return { [variant.name ?? ""]: inner(variant.type, payload) };
      if (isUnit(followRef(variant.type, typespace))) return { tag: key };
      return { tag: key, value: inner(variant.type, payload) };
    }
    case "Ref":
      throw new TypeError("a Ref was just followed");
    default:
      return /^[IU](8|16|32)$/.test(target.kind) ? json : BigInt(json as string);
  }
}
