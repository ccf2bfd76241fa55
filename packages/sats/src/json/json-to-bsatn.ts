/**
 * SATS-JSON → BSATN, accepting every form that any writer uses, and nothing else: docs/wire/values.md.
 *
 * Numbers go from text to bytes without passing through a double unless the type is a float.
 */
import { LightconeError } from "@lightcone/base";
import type { AlgebraicType, ArrayType, ProductType, SumType, Typespace } from "../algebraic-type.ts";
import type { ByteWriter } from "../byte-writer.ts";
import { formatType } from "../format-type.ts";
import { tryFromHex } from "../hex.ts";
import { followRef } from "../refs.ts";
import { isOption } from "../type-predicates.ts";
import { JsonNumber, JsonObject, parseJson } from "./json-reader.ts";
import type { JsonNode } from "./json-reader.ts";

/**
 * Appends the BSATN of a JSON value.
 *
 * @param json a text, or a tree from `parseJson`: a JSON string is passed as a text, quotes and all
 * @throws {LightconeError} `Malformed` with the place in its reason, `TooDeep`; `out` is as before then
 */
export function jsonToBsatn(
  type: AlgebraicType,
  json: string | { readonly tree: JsonNode },
  out: ByteWriter,
  typespace: Typespace = [],
): void {
  const tree = typeof json === "string" ? parseJson(json) : json.tree;
  const start = out.length;
  try {
    new JsonEncoder(out, typespace, "").value(type, tree, "");
  } catch (error) {
    out.length = start;
    throw error;
  }
}

const integerShape = /^-?[0-9]+$/;
/** More digits than any integer that JSON numbers are for; a bound, since longer texts cost more than linearly. */
const integerDigitsMax = 45;

/** Writes trees; `place` names the value as a whole and `path` leads from there. */
export class JsonEncoder {
  private readonly out: ByteWriter;
  private readonly typespace: Typespace;
  private readonly place: string;

  constructor(out: ByteWriter, typespace: Typespace, place: string) {
    this.out = out;
    this.typespace = typespace;
    this.place = place;
  }

  value(type: AlgebraicType, node: JsonNode, path: string): void {
    const target = followRef(type, this.typespace);
    switch (target.kind) {
      case "Product":
        this.product(target, node, path);
        return;
      case "Sum":
        this.sum(target, node, path);
        return;
      case "Array":
        this.array(target, node, path);
        return;
      case "String":
        if (typeof node !== "string") this.wrong(target, node, path);
        this.out.string(node);
        return;
      case "Bool":
        if (typeof node !== "boolean") this.wrong(target, node, path);
        this.out.bool(node);
        return;
      case "F32":
      case "F64":
        this.float(target, node, path);
        return;
      case "U256":
      case "I256":
        this.wideHex(target, node, path);
        return;
      default:
        this.integer(target, node, path);
    }
  }

  private fail(path: string, reason: string): never {
    const place = [this.place, path.replace(/^\./, "")].filter((part) => part !== "").join(" at ");
    throw new LightconeError("Malformed", { what: "JSON", reason: place === "" ? reason : `${place}: ${reason}` });
  }

  private wrong(type: AlgebraicType, node: JsonNode, path: string): never {
    return this.fail(path, `expected ${formatType(type)}, got ${describeJson(node)}`);
  }

  private product(type: ProductType, node: JsonNode, path: string): void {
    const { elements } = type;
    if (node instanceof JsonObject) {
      if (new Set(node.keys).size !== node.keys.length) this.fail(path, `a field stands twice in ${formatType(type)}`);
      for (const key of node.keys) {
        if (!elements.some((element) => element.name === key))
          this.fail(path, `unknown field \`${key}\` for ${formatType(type)}`);
      }
      for (const element of elements) {
        const index = element.name === undefined ? -1 : node.keys.indexOf(element.name);
        const child = node.values[index];
        if (child === undefined) this.fail(path, `missing field \`${element.name ?? ""}\` for ${formatType(type)}`);
        this.value(element.type, child, `${path}.${element.name ?? ""}`);
      }
      return;
    }
    if (!Array.isArray(node)) this.wrong(type, node, path);
    const items: readonly JsonNode[] = node;
    if (items.length !== elements.length) {
      this.fail(path, `invalid length ${items.length}, expected ${elements.length} elements of ${formatType(type)}`);
    }
    elements.forEach((element, index) => this.value(element.type, items[index] as JsonNode, `${path}[${index}]`)); // same length
  }

  private sum(type: SumType, node: JsonNode, path: string): void {
    if (node === null && isOption(type)) {
      this.out.u8(1);
      return;
    }
    let key: JsonNode | undefined;
    let payload: JsonNode | undefined;
    if (node instanceof JsonObject && node.keys.length === 1) {
      key = node.keys[0];
      payload = node.values[0];
    } else if (Array.isArray(node) && node.length === 2) {
      [key, payload] = node as readonly JsonNode[];
    }
    if (key === undefined || payload === undefined) this.wrong(type, node, path);
    const tag = tagOf(type, key);
    const variant = type.variants[tag];
    if (variant === undefined) this.fail(path, `unknown variant ${describeJson(key)} for ${formatType(type)}`);
    this.out.u8(tag);
    this.value(variant.type, payload, `${path}.${variant.name ?? tag}`);
  }

  private array(type: ArrayType, node: JsonNode, path: string): void {
    const isByteArray = followRef(type.element, this.typespace).kind === "U8";
    if (isByteArray && typeof node === "string") {
      const bytes = tryFromHex(node);
      if (bytes === undefined) this.wrong(type, node, path);
      this.out.byteArray(bytes);
      return;
    }
    if (!Array.isArray(node)) this.wrong(type, node, path);
    const items: readonly JsonNode[] = node;
    this.out.u32(items.length);
    items.forEach((item, index) => this.value(type.element, item, `${path}[${index}]`));
  }

  private float(type: AlgebraicType, node: JsonNode, path: string): void {
    if (!(node instanceof JsonNumber)) this.wrong(type, node, path);
    const value = Number(node.text);
    const narrow = type.kind === "F32";
    if (!Number.isFinite(narrow ? Math.fround(value) : value))
      this.fail(path, `${clip(node.text)} is out of range for ${type.kind}`);
    if (narrow) this.out.f32(value);
    else this.out.f64(value);
  }

  private integer(type: AlgebraicType, node: JsonNode, path: string): void {
    if (!(node instanceof JsonNumber) || !integerShape.test(node.text)) this.wrong(type, node, path);
    this.putInteger(type, node.text.length > integerDigitsMax ? undefined : BigInt(node.text), node.text, path);
  }

  private wideHex(type: AlgebraicType, node: JsonNode, path: string): void {
    const match = typeof node === "string" ? /^(-?)0x0*([0-9a-fA-F]+)$/.exec(node) : null;
    if (match === null) this.wrong(type, node, path);
    const [whole, sign, digits = ""] = match;
    const size = digits.length > 64 ? undefined : BigInt(`0x${digits}`);
    this.putInteger(type, size !== undefined && sign === "-" ? -size : size, whole, path);
  }

  /** Writes `value` in the type's width; undefined stands for a number beyond all of them. */
  private putInteger(type: AlgebraicType, value: bigint | undefined, text: string, path: string): void {
    const bits = Number(type.kind.slice(1));
    const fits =
      value !== undefined &&
      (type.kind.startsWith("I") ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value;
    if (!fits) this.fail(path, `${clip(text)} is out of range for ${type.kind}`);
    switch (bits) {
      case 8:
        this.out.u8(Number(value));
        return;
      case 16:
        this.out.u16(Number(value));
        return;
      case 32:
        this.out.u32(Number(value));
        return;
      case 64:
        this.out.u64(value);
        return;
      case 128:
        this.out.u128(value);
        return;
      default:
        this.out.u256(value);
    }
  }
}

/** The position of the variant that a key names; a number, even as text, is always a position. -1 for none. */
function tagOf(type: SumType, key: JsonNode): number {
  const text = key instanceof JsonNumber ? key.text : key;
  if (typeof text !== "string") return -1;
  if (/^[0-9]+$/.test(text) && Number(text) <= 255) return Number(text);
  return key instanceof JsonNumber ? -1 : type.variants.findIndex((variant) => variant.name === text);
}

const clip = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

function describeJson(node: JsonNode): string {
  if (typeof node === "string") return JSON.stringify(clip(node));
  if (node instanceof JsonNumber) return clip(node.text);
  if (node instanceof JsonObject) return `an object of ${node.keys.length}`;
  if (node === null || typeof node === "boolean") return String(node);
  return `an array of ${node.length}`;
}
