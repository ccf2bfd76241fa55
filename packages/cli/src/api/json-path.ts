/** JSON by path; what is missing is undefined or empty. */
import { JsonNumber, JsonObject, type JsonNode } from "@lightcone/sats";

export function member(node: JsonNode | undefined, key: string): JsonNode | undefined {
  if (!(node instanceof JsonObject)) return undefined;
  const at = node.keys.indexOf(key);
  return at < 0 ? undefined : node.values[at];
}

export function items(node: JsonNode | undefined): readonly JsonNode[] {
  return Array.isArray(node) ? (node as readonly JsonNode[]) : [];
}

export function textOf(node: JsonNode | undefined): string {
  if (typeof node === "string") return node;
  return node instanceof JsonNumber ? node.text : "";
}

export function numberOf(node: JsonNode | undefined): number {
  return node instanceof JsonNumber ? Number(node.text) : 0;
}

/** What an option holds. */
export const some = (node: JsonNode | undefined): JsonNode | undefined => member(node, "some");
