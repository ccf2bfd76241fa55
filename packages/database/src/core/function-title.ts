import type { FunctionKind } from "@lightcone/host";

/** A function as texts name it. */
export function functionTitle(kind: FunctionKind, name: string): string {
  return `${kind === "handler" ? "HTTP handler" : kind} \`${name}\``;
}
