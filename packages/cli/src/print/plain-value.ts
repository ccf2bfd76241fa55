/**
 * A value of a SQL answer as JSON that says what it means: what `sql --json` prints, and `call` takes back.
 *
 *   identity, connection id, bytes   hex                    option             null, or what it holds
 *   time                             "2026-11-30T12:00:00Z" variant            "Red", {"Circle": 5}
 *   duration                         "5400s", "-0.25s"      product            an object by field
 */
import {
  formatTimestamp,
  isBytes,
  isOption,
  isUnit,
  specialKind,
  type AlgebraicType,
  type JsonNode,
  type SpecialKind,
} from "@lightcone/sats";
import { items, textOf } from "../api/json-path.ts";

/** @param node the value as the answer has it: products as lists in order, sums as `[tag, value]` */
export function plainJson(type: AlgebraicType, node: JsonNode | undefined): string {
  const special = specialKind(type);
  if (special !== undefined) return specialJson(special, node);
  if (isBytes(type)) return JSON.stringify(textOf(node));
  switch (type.kind) {
    case "String":
      return JSON.stringify(textOf(node));
    case "Bool":
      return String(node === true);
    case "Array":
      return `[${items(node)
        .map((item) => plainJson(type.element, item))
        .join(",")}]`;
    case "Product": {
      const values = items(node);
      const members = type.elements.map(
        ({ name, type: inner }, at) => `${JSON.stringify(name ?? String(at))}:${plainJson(inner, values[at])}`,
      );
      return `{${members.join(",")}}`;
    }
    case "Sum": {
      const [tagNode, value] = items(node);
      const tag = Number(textOf(tagNode));
      const variant = type.variants[tag];
      if (variant === undefined) return "null";
      if (isOption(type) && tag === 1) return "null";
      // Something that may be nothing itself is told from nothing by its key.
      if (isOption(type) && !isOption(variant.type)) return plainJson(variant.type, value);
      const name = JSON.stringify(variant.name ?? String(tag));
      return isUnit(variant.type) ? name : `{${name}:${plainJson(variant.type, value)}}`;
    }
    case "U256":
    case "I256":
      return wideText(textOf(node));
    default:
      // Numbers keep their digits; what is no number (NaN) is null.
      return typeof node === "string" ? JSON.stringify(node) : textOf(node) || "null";
  }
}

/** The digits of a number that is hex in the answer. */
export function wideText(text: string): string {
  return String(text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text));
}

function specialJson(kind: SpecialKind, node: JsonNode | undefined): string {
  const [first, second] = items(node);
  if (kind === "ScheduleAt") return specialJson(textOf(first) === "0" ? "TimeDuration" : "Timestamp", second);
  const text = textOf(first);
  if (!/^-?(?:0x[\da-f]+|\d+)$/i.test(text)) return "null";
  const value = text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
  const hex = (digits: number): string => value.toString(16).padStart(digits, "0");
  switch (kind) {
    case "Identity":
      return `"${hex(64)}"`;
    case "ConnectionId":
      return `"${hex(32)}"`;
    case "Uuid":
      return `"${hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")}"`;
    case "Timestamp":
      return `"${formatTimestamp(value, "Z").replace(/\.?0+Z$/, "Z")}"`;
    case "TimeDuration": {
      const micros = value < 0n ? -value : value;
      const fraction = String(micros % 1_000_000n)
        .padStart(6, "0")
        .replace(/0+$/, "");
      return `"${value < 0n ? "-" : ""}${micros / 1_000_000n}${fraction === "" ? "" : `.${fraction}`}s"`;
    }
  }
}
