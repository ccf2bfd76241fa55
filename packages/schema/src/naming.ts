/**
 * Names: how they are split and joined, which are allowed, and how missing ones are generated.
 *
 * A name is split into words at `_`, `-` and space, between a lower-case and a capital letter, between
 * a letter and a digit either way round, and before the last capital of a run that a lower-case letter
 * follows. Letters are grapheme clusters, so accents stay with what they sit on.
 */
import type { IndexAlgorithm } from "./module-def.ts";

/** Made on first use: where module code runs `Intl` may be missing, and is not needed. */
let segmenter: Intl.Segmenter | undefined;

function graphemesOf(text: string): readonly string[] {
  if (/^\p{ASCII}*$/u.test(text)) return text.split("");
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

type LetterKind = "upper" | "lower" | "digit" | "separator" | "other";

function letterKind(letter: string): LetterKind {
  if (letter === "_" || letter === "-" || letter === " ") return "separator";
  if (/^[0-9]$/.test(letter)) return "digit";
  const upper = letter.toUpperCase();
  const lower = letter.toLowerCase();
  if (upper === lower) return "other";
  return letter === upper ? "upper" : letter === lower ? "lower" : "other";
}

/** Splits a name into words, letters as written. `HTTPServer2` is `HTTP`, `Server`, `2`. */
export function splitWords(name: string): readonly string[] {
  const letters = graphemesOf(name);
  const kinds = letters.map(letterKind);
  const words: string[] = [];
  let word = "";
  for (const [i, letter] of letters.entries()) {
    const kind = kinds[i];
    const before = i === 0 ? "separator" : kinds[i - 1];
    const isBoundary =
      kind === "separator" ||
      (before === "lower" && kind === "upper") ||
      ((before === "lower" || before === "upper") && kind === "digit") ||
      (before === "digit" && (kind === "lower" || kind === "upper")) ||
      (before === "upper" && kind === "upper" && kinds[i + 1] === "lower");
    if (isBoundary && word !== "") {
      words.push(word);
      word = "";
    }
    if (kind !== "separator") word += letter;
  }
  if (word !== "") words.push(word);
  return words;
}

function capitalised(word: string): string {
  const [first = "", ...rest] = graphemesOf(word);
  return first.toUpperCase() + rest.join("").toLowerCase();
}

/** `HTTPServer` → `http_server`. */
export const snakeCase = (name: string): string =>
  splitWords(name)
    .map((word) => word.toLowerCase())
    .join("_");

/** `HTTPServer` → `httpServer`. */
export const lowerCamelCase = (name: string): string =>
  splitWords(name)
    .map((word, i) => (i === 0 ? word.toLowerCase() : capitalised(word)))
    .join("");

/** `HTTPServer` → `HttpServer`. */
export const pascalCase = (name: string): string => splitWords(name).map(capitalised).join("");

/** Says what keeps `name` from being an identifier; undefined when nothing does. */
export function identifierProblem(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name.normalize("NFC") !== name) return "is not in Unicode normal form C";
  if (!/^[\p{XID_Start}_]/u.test(name)) return "must start with a letter or `_`";
  if (!/^.\p{XID_Continue}*$/u.test(name)) return "may hold only letters, digits and `_`";
  return undefined;
}

/** The name of an index that was given none. */
export const indexName = (table: string, columns: readonly string[], algorithm: IndexAlgorithm): string =>
  `${table}_${columns.join("_")}_idx_${algorithm}`;

/** The name of a unique constraint that was given none. */
export const constraintName = (table: string, columns: readonly string[]): string =>
  `${table}_${columns.join("_")}_key`;

/** The name of a sequence that was given none. */
export const sequenceName = (table: string, column: string): string => `${table}_${column}_seq`;

/** The name of a schedule that was given none. */
export const scheduleName = (table: string): string => `${table}_sched`;
