/** Types as SATS-JSON, by way of the type that describes types. */
import type { AlgebraicType, Typespace } from "../algebraic-type.ts";
import { ByteReader } from "../byte-reader.ts";
import { ByteWriter } from "../byte-writer.ts";
import { decodeType, encodeType, typeKinds } from "../type-codec.ts";
import { array, option, product, ref, sum, t, unit } from "../types.ts";
import { bsatnToJson } from "./bsatn-to-json.ts";
import { jsonToBsatn } from "./json-to-bsatn.ts";
import type { JsonNode } from "./json-reader.ts";

const members = (list: string): AlgebraicType =>
  product({ [list]: array(product({ name: option(t.string), algebraic_type: ref(0) })) });

const payloads: Readonly<Record<string, AlgebraicType>> = {
  Ref: t.u32,
  Sum: members("variants"),
  Product: members("elements"),
  Array: ref(0),
};

/** The type of types: entry 0, which points at itself. */
export const typeOfTypes: Typespace = [
  sum(Object.fromEntries(typeKinds.map((kind) => [kind, payloads[kind] ?? unit]))),
];

/** `{"U8":[]}`, `{"Array":T}`, `{"Product":{"elements":[{"name":{"some":"x"},"algebraic_type":T}]}}`, … */
export function typeToJson(type: AlgebraicType): string {
  const out = new ByteWriter();
  encodeType(out, type);
  return bsatnToJson(ref(0), "message", new ByteReader(out.written(), "type"), typeOfTypes);
}

/** @throws {LightconeError} `Malformed`, `TooDeep` */
export function typeFromJson(json: string | { readonly tree: JsonNode }): AlgebraicType {
  const out = new ByteWriter();
  jsonToBsatn(ref(0), json, out, typeOfTypes);
  return decodeType(new ByteReader(out.written(), "type"));
}
