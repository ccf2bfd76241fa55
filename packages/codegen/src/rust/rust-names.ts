/** Names in generated Rust: identifiers of the language's case, which are no keywords. */
import { pascalCase, snakeCase } from "@lightcone/schema";

/** Of all editions, since the user's is unknown: these are written raw. */
const keywords: ReadonlySet<string> = new Set(
  (
    "abstract as async await become box break const continue do dyn else enum extern false final fn for gen if impl in let loop " +
    "macro match mod move mut override priv pub ref return static struct trait true try type typeof union unsafe unsized use " +
    "virtual where while yield"
  ).split(" "),
);
/** These cannot be raw. */
const neverNames: ReadonlySet<string> = new Set(["self", "super", "crate", "Self", "_"]);

/** A name as it may stand in code: `type` is `r#type`, `self` is `self_`. */
export function rustIdentifier(name: string): string {
  if (neverNames.has(name)) return `${name}_`;
  return keywords.has(name) ? `r#${name}` : name;
}

/** The name as part of a longer one, which may be a keyword. What a submodule brings has its namespace in front. */
export const snakeName = (name: string): string => startOf(snakeCase(name.replaceAll(".", "_")), "unnamed");
export const pascalName = (name: string): string => startOf(pascalCase(name.replaceAll(".", "_")), "Unnamed");

function startOf(converted: string, otherwise: string): string {
  if (converted === "") return otherwise;
  return /^\p{XID_Start}/u.test(converted) ? converted : `_${converted}`;
}

/** Any text as a string literal. */
export function rustText(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1);
  return `"${escaped.replaceAll(/\\u([\da-f]{4})/g, "\\u{$1}").replaceAll(/\\[bf]/g, (each) => (each === "\\b" ? "\\u{8}" : "\\u{c}"))}"`;
}
