/** A value of a SQL answer as a table's cell. `plain-value.ts` has the same as JSON. */
import {
  formatTimestamp,
  isBytes,
  JsonNumber,
  specialProduct,
  type AlgebraicType,
  type JsonNode,
  type Member,
  type SpecialProduct,
} from "@lightcone/sats";
import { items } from "../api/json-path.ts";
import { visible } from "../terminal.ts";
import { wideText } from "./plain-value.ts";

/** @param node the value as the answer has it: products as lists in order, sums as `[tag, value]` */
export function cellText(type: AlgebraicType, node: JsonNode | undefined): string {
  const special = specialProduct(type);
  if (special !== undefined) return specialText(special, scalarText(items(node)[0]));
  if (isBytes(type) && typeof node === "string") return `0x${node}`;
  switch (type.kind) {
    case "String":
      return `"${visible(scalarText(node)).replaceAll("\n", "\\n")}"`;
    case "Array":
      return `[${items(node)
        .map((item) => cellText(type.element, item))
        .join(", ")}]`;
    case "Product": {
      const values = items(node);
      return `(${type.elements.map((element, at) => memberText(element, at, values[at])).join(", ")})`;
    }
    case "Sum": {
      const [tagNode, value] = items(node);
      const tag = Number(scalarText(tagNode));
      const variant = type.variants[tag];
      return variant === undefined ? "(?)" : `(${memberText(variant, tag, value)})`;
    }
    case "U256":
    case "I256":
      return wideText(scalarText(node));
    default:
      return scalarText(node);
  }
}

function memberText({ name, type }: Member, at: number, node: JsonNode | undefined): string {
  return `${name ?? `col_${at}`} = ${cellText(type, node)}`;
}

function scalarText(node: JsonNode | undefined): string {
  if (node instanceof JsonNumber) return node.text;
  if (typeof node === "string" || typeof node === "boolean") return String(node);
  return node === null ? "null" : "";
}

function specialText(kind: SpecialProduct, text: string): string {
  if (!/^-?(?:0x[\da-f]+|\d+)$/i.test(text)) return text;
  const value = text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
  const hex = (digits: number): string => value.toString(16).padStart(digits, "0");
  switch (kind) {
    case "Identity":
      return `0x${hex(64)}`;
    case "ConnectionId":
      return `0x${hex(32)}`;
    case "Uuid":
      return `"${hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")}"`;
    case "Timestamp":
      return shortFraction(formatTimestamp(value, "+00:00"));
    case "TimeDuration": {
      const micros = value < 0n ? -value : value;
      return `${value < 0n ? "-" : "+"}${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, "0")}`;
    }
  }
}

/** A fraction of a second with three digits or none where six are not needed. */
function shortFraction(text: string): string {
  return text.replace(/\.(\d{3})(\d{3})/, (whole, millis: string, micros: string) => {
    if (micros !== "000") return whole;
    return millis === "000" ? "" : `.${millis}`;
  });
}
