/**
 * Expressions: an operator-precedence loop.
 *
 * Depth is bounded twice: `nestingMax` bounds recursion, and so the stack; `treeDepthMax` bounds the tree, in which a
 * chain of AND or OR has a level for each operator.
 */
import type { CompareOp, Expr, Span } from "./ast.ts";
import { failSyntax, type Token } from "./lexer.ts";
import { abbreviate, refuse } from "./refuse.ts";
import { beginsOperand, nameOf, TokenReader } from "./token-reader.ts";
import { functionWords, valueWords } from "./words.ts";

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

/** The precedence of operators; other words have none. */
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
    const name = op === "NOT" ? `NOT ${word}` : word;
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
    return kind === "arithmetic" ? { kind, op: word, at, ...span } : { kind, name, at, ...span };
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
        return { kind: "odd-literal", name: "string", at, ...span() };
      case "param":
        if (token.text === ":sender") return { kind: "sender", at, ...span() };
        return { kind: "odd-literal", name: "parameter", at, ...span() };
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
        return { kind: "other", name: "sub-select", at, ...span() };
      }
      const inner = this.expression();
      if (this.peek().text === ",") {
        this.next = first;
        this.skipGroup();
        return { kind: "other", name: "list of values", at, ...span() };
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
      return { kind: "other", name: "sign", at, depth: operand.depth + 1, first, last: this.next };
    }
    return failSyntax(`Expected an expression, found: ${token.text}`, this.text, at);
  }

  /**
   * Parses an operand that begins with a word. Few words are always keywords; the others are keywords only if what
   * follows makes them so, and columns otherwise.
   */
  private wordExpression(token: Token, first: number): Expr {
    const word = token.value;
    const { at } = token;
    const span = (): Span & { readonly depth: number } => ({ depth: 1, first, last: this.next });
    if (word === "TRUE" || word === "FALSE") {
      return { kind: "literal", literal: { kind: "boolean", value: word === "TRUE" }, at, ...span() };
    }
    if (word === "NULL") return { kind: "odd-literal", name: word, at, ...span() };
    if (valueWords.has(word)) return this.valueWord(token, first);
    if (functionWords.has(word) && this.peek().text === "(") {
      this.skipGroup();
      return { kind: "other", name: word, at, ...span() };
    }
    if (word === "NOT" && beginsOperand(this.peek())) {
      const operand = this.operators(notPrecedence);
      return { kind: "other", name: word, at, depth: operand.depth + 1, first, last: this.next };
    }
    if (word === "CASE" && beginsOperand(this.peek())) {
      this.skipCase();
      return { kind: "other", name: word, at, ...span() };
    }
    if (word === "INTERVAL" && beginsOperand(this.peek())) {
      this.operators(9);
      return { kind: "other", name: word, at, ...span() };
    }
    return this.columnOrCall(token, first);
  }

  private valueWord({ value: word, text, at }: Token, first: number): Expr {
    if (this.peek().text === ".") {
      const quoted = `"${text}".${this.peekBehind().text}`;
      this.unexpected("end of statement", `${text} is a keyword; a table of that name is written ${quoted}`);
    }
    if (this.peek().text === "(") this.skipGroup();
    return { kind: "other", name: word, at, depth: 1, first, last: this.next };
  }

  private columnOrCall(token: Token, first: number): Expr {
    const parts = [nameOf(token)];
    while (this.acceptSymbol(".")) parts.push(this.name());
    const { at } = token;
    if (this.peek().text !== "(") return { kind: "column", parts, at, depth: 1, first, last: this.next };
    const open = this.next;
    this.skipGroup();
    const isStar = this.next === open + 3 && this.tokens[open + 1]?.text === "*";
    if (this.acceptWord("OVER")) {
      if (this.peek().text === "(") this.skipGroup();
      else this.name();
      return { kind: "other", name: "OVER", at, depth: 1, first, last: this.next };
    }
    return { kind: "call", name: parts.join(".").toUpperCase(), isStar, at, depth: 1, first, last: this.next };
  }

  private tooDeep(): never {
    return refuse("too_deep", `Recursion limit exceeded, \`${abbreviate(this.text)}\``, this.peek().at);
  }
}
