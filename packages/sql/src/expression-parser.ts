/**
 * Expressions: an operator-precedence loop.
 *
 * Depth is bounded: nesting by `nestingMax`, which bounds the stack; a tree by `treeDepthMax`, which counts a
 * chain of AND or OR one level per operator.
 */
import type { CompareOp, Expr, Span } from "./ast.ts";
import { failSyntax, type Token } from "./lexer.ts";
import { abbreviate, refuse } from "./refuse.ts";
import { nameOf, TokenReader } from "./token-reader.ts";
import { nullaryFunctions, prefixWords } from "./words.ts";

/** Levels of the descent into an expression: parentheses, prefix operators, right-hand sides. */
const nestingMax = 400;
/** Levels of a condition. */
const treeDepthMax = 1600;

const compareOps: Readonly<Record<string, CompareOp>> = {
  "=": "=",
  "<>": "<>",
  "!=": "<>",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
};

/** How tight an operator binds; words that are no operator have none. */
const precedences: Readonly<Record<string, number>> = {
  OR: 1,
  AND: 2,
  IS: 4,
  "=": 5,
  "<>": 5,
  "!=": 5,
  "<": 5,
  "<=": 5,
  ">": 5,
  ">=": 5,
  NOT: 6,
  IN: 6,
  BETWEEN: 6,
  LIKE: 6,
  ILIKE: 6,
  "|": 7,
  "&": 8,
  "^": 8,
  "+": 9,
  "-": 9,
  "||": 9,
  "*": 10,
  "/": 10,
  "%": 10,
  "->": 11,
  "->>": 11,
  "::": 12,
};
const notPrecedence = 3;

export class ExpressionParser extends TokenReader {
  private nesting = 0;

  protected expression(): Expr {
    return this.operators(0);
  }

  private operators(precedenceMin: number): Expr {
    this.nesting += 1;
    if (this.nesting > nestingMax) this.tooDeep();
    const first = this.next;
    let left = this.prefix();
    for (;;) {
      const token = this.peek();
      const op = token.kind === "word" ? token.value : token.kind === "symbol" ? token.text : "";
      const precedence = precedences[op];
      if (precedence === undefined || precedence <= precedenceMin) break;
      this.next += 1;
      left = this.infix(left, op, precedence, token.at, first);
      if (left.depth > treeDepthMax) this.tooDeep();
    }
    this.nesting -= 1;
    return left;
  }

  private infix(left: Expr, op: string, precedence: number, at: number, first: number): Expr {
    const compare = compareOps[op];
    if (op === "AND" || op === "OR" || compare !== undefined) {
      const right = this.operators(precedence);
      const depth = 1 + Math.max(left.depth, right.depth);
      const span = { depth, first, last: this.next };
      if (compare !== undefined) return { kind: "compare", op: compare, left, right, at, ...span };
      return { kind: "logic", op: op === "AND" ? "and" : "or", left, right, ...span };
    }
    if (
      op === "NOT" &&
      !this.isWord("IN") &&
      !this.isWord("BETWEEN") &&
      !this.isWord("LIKE") &&
      !this.isWord("ILIKE")
    ) {
      this.unexpected("IN, BETWEEN or LIKE");
    }
    const word = op === "NOT" ? this.take().value : op;
    let kind: "other" | "arithmetic" = "other";
    if (word === "IS") {
      this.acceptWord("NOT");
      if (this.peek().kind !== "word") this.unexpected("NULL, TRUE or FALSE");
      this.next += 1;
    } else if (word === "IN") {
      if (this.peek().text !== "(") this.unexpected("(");
      this.skipGroup();
    } else if (word === "BETWEEN") {
      this.operators(precedence);
      this.expectWord("AND");
      this.operators(precedence);
    } else if (word === "::") {
      this.qualifiedName();
      if (this.peek().text === "(") this.skipGroup();
    } else {
      this.operators(precedence);
      if (word !== "LIKE" && word !== "ILIKE") kind = "arithmetic";
    }
    const span = { depth: left.depth + 1, first, last: this.next };
    return kind === "arithmetic" ? { kind, op: word, at, ...span } : { kind, ...span };
  }

  private prefix(): Expr {
    const first = this.next;
    const token = this.take();
    const at = token.at;
    const span = (): Span & { readonly depth: number } => ({ depth: 1, first, last: this.next });
    switch (token.kind) {
      case "number":
      case "string":
      case "hex":
        return { kind: "literal", literal: { kind: token.kind, text: token.value }, at, ...span() };
      case "odd-string":
        return { kind: "odd-literal", at, ...span() };
      case "param":
        return { kind: token.text === ":sender" ? "sender" : "odd-literal", at, ...span() };
      case "quoted":
        return this.columnOrCall(token, first);
      case "word":
        return this.wordExpression(token, first);
      case "symbol":
        break;
      case "end":
        return failSyntax("Expected an expression, found: EOF", this.text, at);
    }
    if (token.text === "(") {
      if (this.isWord("SELECT") || this.isWord("WITH")) {
        this.next = first;
        this.skipGroup();
        return { kind: "other", ...span() };
      }
      const inner = this.expression();
      if (this.peek().text === ",") {
        this.next = first;
        this.skipGroup();
        return { kind: "other", ...span() };
      }
      this.expectSymbol(")");
      return { kind: "group", inner, depth: inner.depth + 1, first, last: this.next };
    }
    if (token.text === "+" || token.text === "-") {
      const number = this.peek();
      if (number.kind === "number") {
        this.next += 1;
        return { kind: "literal", literal: { kind: "number", text: token.text + number.value }, at, ...span() };
      }
      const operand = this.operators(10);
      return { kind: "other", depth: operand.depth + 1, first, last: this.next };
    }
    return failSyntax(`Expected an expression, found: ${token.text}`, this.text, at);
  }

  private wordExpression(token: Token, first: number): Expr {
    const word = token.value;
    const span = (): Span & { readonly depth: number } => ({ depth: 1, first, last: this.next });
    if (word === "TRUE" || word === "FALSE") {
      return { kind: "literal", literal: { kind: "boolean", value: word === "TRUE" }, at: token.at, ...span() };
    }
    if (word === "NULL") return { kind: "odd-literal", at: token.at, ...span() };
    if (nullaryFunctions.has(word)) {
      if (this.peek().text === "(") this.skipGroup();
      return { kind: "other", ...span() };
    }
    if (word === "NOT") {
      const operand = this.operators(notPrecedence);
      return { kind: "other", depth: operand.depth + 1, first, last: this.next };
    }
    if (word === "CASE") {
      this.skipCase();
      return { kind: "other", ...span() };
    }
    if (word === "INTERVAL") {
      this.operators(9);
      return { kind: "other", ...span() };
    }
    if (prefixWords.has(word)) {
      if (this.peek().text !== "(") this.unexpected("(");
      this.skipGroup();
      return { kind: "other", ...span() };
    }
    return this.columnOrCall(token, first);
  }

  private columnOrCall(token: Token, first: number): Expr {
    const parts = [nameOf(token)];
    while (this.acceptSymbol(".")) parts.push(this.name());
    if (this.peek().text !== "(") return { kind: "column", parts, at: token.at, depth: 1, first, last: this.next };
    const open = this.next;
    this.skipGroup();
    const isStar = this.next === open + 3 && this.tokens[open + 1]?.text === "*";
    if (this.acceptWord("OVER")) {
      if (this.peek().text === "(") this.skipGroup();
      else this.name();
      return { kind: "other", depth: 1, first, last: this.next };
    }
    return { kind: "call", name: parts.join(".").toUpperCase(), isStar, depth: 1, first, last: this.next };
  }

  private tooDeep(): never {
    return refuse("too_deep", `Recursion limit exceeded, \`${abbreviate(this.text)}\``, this.peek().at);
  }
}
