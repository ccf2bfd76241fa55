/** JSON with indentation, every number as it was written. */
import { JsonNumber, JsonObject, type JsonNode } from "@lightcone/sats";

export function indentedJson(node: JsonNode, indent = ""): string {
  const inner = `${indent}  `;
  if (node instanceof JsonNumber) return node.text;
  if (node instanceof JsonObject) {
    if (node.keys.length === 0) return "{}";
    const members = node.keys.map(
      (key, at) => `${inner}${JSON.stringify(key)}: ${indentedJson(node.values[at] ?? null, inner)}`,
    );
    return `{\n${members.join(",\n")}\n${indent}}`;
  }
  if (typeof node !== "object" || node === null) return JSON.stringify(node);
  if (node.length === 0) return "[]";
  return `[\n${node.map((item) => inner + indentedJson(item, inner)).join(",\n")}\n${indent}]`;
}
