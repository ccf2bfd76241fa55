/**
 * Text to tokens.
 *
 * Owns the lexical rules of both dialects (docs/sql.md): words, quoted names, literals, comments. Refuses what is no
 * token, with its position. Knows no grammar.
 */
import { LightconeError } from "@lightcone/base";
import { placeOf } from "./refuse.ts";

type TokenKind =
  /** An unquoted word: a keyword or a name, as the grammar decides. */
  | "word"
  /** A name in double quotes; `value` has it without them. */
  | "quoted"
  | "number"
  | "string"
  /** `0x…` or `X'…'`; `value` has the digits. */
  | "hex"
  /** A string in a form that no dialect accepts: `E'…'`, `N'…'`, `$$…$$`. */
  | "odd-string"
  /** `:name` or `$1`. */
  | "param"
  | "symbol"
  | "end";

export interface Token {
  readonly kind: TokenKind;
  /** As it stands in the text. */
  readonly text: string;
  /** Without quotes or prefix. Words are in upper case, for the comparison with keywords. */
  readonly value: string;
  /** UTF-16 offset in the text. */
  readonly at: number;
  /** Whether white space or a comment stands before it. */
  readonly spaced: boolean;
}

/** @throws {LightconeError} always: `SqlSyntax` with the place of `at` in `text` */
export function failSyntax(reason: string, text: string, at: number): never {
  throw new LightconeError("SqlSyntax", { reason, at, ...placeOf(text, at) });
}

const wordStart = /^[\p{L}_]/u;
const wordAt = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const numberAt = /(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y;
const hexAt = /0[xX]([0-9a-fA-F]*)/y;
const paramAt = /:[\p{L}_][\p{L}\p{N}_]*|\$[0-9]+/uy;
const dollarQuoteAt = /\$([\p{L}_][\p{L}\p{N}_]*)?\$/uy;
const symbolAt = /<>|!=|<=|>=|\|\||::|->>|->|[-+*/%=<>(),.;|&^~@#?!{}]/y;

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/**
 * Splits `text` into tokens, the last of kind `end`.
 *
 * @throws {LightconeError} `SqlSyntax` with the position of what is no token
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let spaced = false;
  const push = (kind: TokenKind, end: number, value: string): void => {
    tokens.push({ kind, text: text.slice(at, end), value, at, spaced });
    at = end;
    spaced = false;
  };
  while (at < text.length) {
    const char = text.charAt(at);
    if (/\s/u.test(char)) {
      at += 1;
      spaced = true;
    } else if (text.startsWith("--", at)) {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end + 1;
      spaced = true;
    } else if (text.startsWith("/*", at)) {
      at = commentEnd(text, at);
      spaced = true;
    } else if (char === "'") {
      const end = quotedEnd(text, at, "'", "Unterminated string literal");
      push("string", end, text.slice(at + 1, end - 1).replaceAll("''", "'"));
    } else if (char === '"') {
      const end = quotedEnd(text, at, '"', "Unterminated quoted name");
      push("quoted", end, text.slice(at + 1, end - 1).replaceAll('""', '"'));
    } else if (text.charAt(at + 1) === "'" && "eEnNxXbB".includes(char)) {
      readPrefixedString(text, at, char.toUpperCase(), push);
    } else if (wordStart.test(text.slice(at, at + 2))) {
      const word = matchAt(wordAt, text, at);
      if (word === null) failSyntax(`Unexpected character ${char}`, text, at);
      push("word", at + word[0].length, word[0].toUpperCase());
    } else {
      readOther(text, at, char, push);
    }
  }
  push("end", at, "");
  return tokens;
}

function commentEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length;) {
    if (text.startsWith("/*", at)) {
      depth += 1;
      at += 2;
    } else if (text.startsWith("*/", at)) {
      depth -= 1;
      at += 2;
      if (depth === 0) return at;
    } else at += 1;
  }
  return failSyntax("Unterminated comment", text, start);
}

/** The offset after the closing quote; a doubled quote stands for itself. */
function quotedEnd(text: string, start: number, quote: string, reason: string): number {
  let at = start + 1;
  for (;;) {
    const close = text.indexOf(quote, at);
    if (close < 0) failSyntax(reason, text, start);
    if (text.charAt(close + 1) !== quote) return close + 1;
    at = close + 2;
  }
}

type Push = (kind: TokenKind, end: number, value: string) => void;

function readPrefixedString(text: string, at: number, prefix: string, push: Push): void {
  if (prefix === "B") failSyntax("Bit strings are not supported", text, at);
  const end = quotedEnd(text, at + 1, "'", "Unterminated string literal");
  const value = text.slice(at + 2, end - 1);
  if (prefix !== "X") push("odd-string", end, value);
  else if (/^[0-9a-fA-F]*$/.test(value)) push("hex", end, value);
  else failSyntax("Expected hexadecimal digits", text, at);
}

function readOther(text: string, at: number, char: string, push: Push): void {
  const hex = matchAt(hexAt, text, at);
  if (hex !== null) return push("hex", at + hex[0].length, hex[1] ?? "");
  const number = matchAt(numberAt, text, at);
  if (number !== null) return push("number", at + number[0].length, number[0]);
  const param = matchAt(paramAt, text, at);
  if (param !== null) return push("param", at + param[0].length, param[0].slice(1));
  const dollar = matchAt(dollarQuoteAt, text, at);
  if (dollar !== null) {
    const close = text.indexOf(dollar[0], at + dollar[0].length);
    if (close < 0) failSyntax("Unterminated string literal", text, at);
    return push("odd-string", close + dollar[0].length, text.slice(at + dollar[0].length, close));
  }
  const symbol = matchAt(symbolAt, text, at);
  if (symbol !== null) return push("symbol", at + symbol[0].length, symbol[0]);
  const clue = char === "`" || char === "[" ? ' (names are quoted with "…")' : "";
  return failSyntax(`Expected a word, a literal or an operator, found: ${char}${clue}`, text, at);
}
