/** The text of a bundle on its way in: its source map taken off, wrapped, and made fit for SES. */
import { globalNames } from "./sandbox.ts";

/** How many lines `wrapScript` puts before the bundle's first. */
export const linesBefore = 1;

/**
 * Makes the bundle a function of `require`, `exports`, `module` and `console`.
 *
 * The globals are bound as constants around it: a look-up through the sandbox's scope takes 100 ns each time.
 */
export function wrapScript(bundle: string): string {
  const names = globalNames.join(",");
  return `(function(){"use strict";const{${names}}=globalThis;return function(require,exports,module,console){\n${bundle}\n}})()`;
}

/**
 * Rewrites what SES refuses to see in a script, wherever it stands: it looks at text, not at syntax.
 *
 * `import(` gets an escape that strings, templates, regular expressions, comments and property names read as
 * the same letter, while a real dynamic import stops parsing. `<!--` and `-->` stand in strings and comments
 * only, since the bundler prints operators with spaces.
 */
export function escapeForSes(script: string): string {
  return script
    .replaceAll(/\bimport(?=\s*(?:\(|\/[/*]))/g, "im\\u0070ort")
    .replaceAll("<!--", "<\\u0021--")
    .replaceAll("-->", "-\\u002d>");
}

export interface BundleText {
  readonly code: string;
  /** The inline source map's JSON, if there is one. */
  readonly map: string | undefined;
}

/** A bundle's source map for debuggers of the wrapped script. */
export function debuggersMap(map: string): string {
  const whole: { readonly mappings: string } = JSON.parse(map);
  const moved = { ...whole, mappings: ";".repeat(linesBefore) + whole.mappings };
  return `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(moved)).toString("base64")}`;
}

const mapComment = /\n\/\/# sourceMappingURL=data:application\/json(?:;charset=[\w-]+)?;base64,([A-Za-z0-9+/=]+)\s*$/;

/** Takes the inline source map off a bundle. */
export function splitSourceMap(bundle: string): BundleText {
  const match = mapComment.exec(bundle);
  if (match === null) return { code: bundle, map: undefined };
  return { code: bundle.slice(0, match.index), map: Buffer.from(match[1] ?? "", "base64").toString("utf8") };
}
