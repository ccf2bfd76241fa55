/** Prints a piece of the source for a message, in one spelling whatever the source's spacing and case. */
import type { Span } from "./ast.ts";
import type { Token } from "./lexer.ts";
import { printedUpper } from "./words.ts";

function shown(token: Token): string {
  return token.kind === "word" && printedUpper.has(token.value) ? token.value : token.text;
}

const isSign = (token: Token): boolean => token.kind === "symbol" && (token.text === "-" || token.text === "+");

function startsOperand(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === "symbol") return previous.text !== ")";
  return previous.kind === "word" && printedUpper.has(previous.value);
}

/** The tokens of `span`, with one space between them except around punctuation. */
export function printSpan(tokens: readonly Token[], span: Span): string {
  let text = "";
  let glue = true;
  for (let i = span.first; i < span.last; i += 1) {
    const token = tokens[i];
    if (token === undefined || token.kind === "end") break;
    const previous = i > span.first ? tokens[i - 1] : undefined;
    const isCloser = token.kind === "symbol" && /^[),.;]$/.test(token.text);
    const isCallOpener =
      token.text === "(" && !token.spaced && (previous?.kind === "word" || previous?.kind === "quoted");
    if (!glue && !isCloser && !isCallOpener) text += " ";
    text += shown(token);
    glue = token.text === "(" || token.text === "." || (isSign(token) && startsOperand(previous));
  }
  return text === "BEGIN" ? "BEGIN TRANSACTION" : text;
}
