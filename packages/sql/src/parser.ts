/**
 * Tokens to a statement: recursive descent, an operator-precedence loop for expressions.
 *
 * Takes more than the dialects do (`ast.ts`), so that what SQL has and the dialects lack is refused by
 * name. Depth is bounded: nesting by `nestingMax`, which bounds the stack; a tree by `treeDepthMax`, which
 * counts a chain of AND or OR one level per operator.
 *
 * Map: entry · select · from · insert, update, delete, set, show · expressions · token helpers.
 */
import type {
  CompareOp,
  DeleteStatement,
  Expr,
  InsertStatement,
  Join,
  SelectItem,
  SelectStatement,
  Span,
  Statement,
  TableRef,
  UpdateStatement,
} from "./ast.ts";
import { failSyntax, tokenize, type Token } from "./lexer.ts";
import { abbreviate, refuse } from "./refuse.ts";
import {
  notAnAlias,
  nullaryFunctions,
  otherJoins,
  otherStatements,
  prefixWords,
  queryClauses,
  selectClauses,
  setOperators,
} from "./words.ts";

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

export interface Parsed {
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly statement: Statement;
}

/**
 * Parses the one statement of `text`.
 *
 * @throws {LightconeError} `SqlSyntax`; `SqlRefused` when there is none, or more than one, or it nests too deep
 */
export function parse(text: string): Parsed {
  const tokens = tokenize(text);
  const parser = new Parser(text, tokens);
  return { text, tokens, statement: parser.only() };
}

class Parser {
  private readonly text: string;
  private readonly tokens: readonly Token[];
  private next = 0;
  private nesting = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.text = text;
    this.tokens = tokens;
  }

  // --- entry

  only(): Statement {
    this.skipTerminators();
    if (this.peek().kind === "end") refuse("empty", "Empty SQL query");
    const statement = this.statement();
    const token = this.peek();
    if (token.kind !== "end" && token.text !== ";") this.unexpected("end of statement");
    this.skipTerminators();
    if (this.peek().kind !== "end")
      refuse("multi_statement", "Multiple SQL statements are not supported", this.peek().at);
    return statement;
  }

  private statement(): Statement {
    const word = this.peek().kind === "word" ? this.peek().value : this.peek().text;
    switch (word) {
      case "SELECT":
        return this.select();
      case "WITH":
      case "(":
        return this.skippedQuery();
      case "INSERT":
        return this.insert();
      case "UPDATE":
        return this.update();
      case "DELETE":
        return this.delete();
      case "SET":
        return this.set();
      case "SHOW":
        return this.show();
      default:
        if (!otherStatements.has(word)) this.unexpected("an SQL statement");
        return this.other();
    }
  }

  private other(): Statement {
    const first = this.next;
    this.skipToEnd();
    return { kind: "other", first, last: this.next };
  }

  /** A query whose shape alone refuses it: WITH, or one in parentheses. */
  private skippedQuery(): SelectStatement {
    const first = this.next;
    this.skipToEnd();
    return {
      kind: "select",
      items: [],
      from: [],
      where: undefined,
      limit: undefined,
      refused: "query",
      first,
      last: this.next,
    };
  }

  // --- select

  private select(): SelectStatement {
    const first = this.next;
    this.expectWord("SELECT");
    let refused: SelectStatement["refused"];
    if (this.acceptWord("DISTINCT")) refused = "select";
    else this.acceptWord("ALL");
    const items = this.list(() => this.selectItem());
    const from = this.acceptWord("FROM") ? this.list(() => this.source()) : [];
    const where = this.acceptWord("WHERE") ? this.expression() : undefined;
    let limit: SelectStatement["limit"];
    for (;;) {
      const token = this.peek();
      if (token.kind === "end" || token.text === ";") break;
      if (token.kind === "word" && token.value === "LIMIT") {
        this.next += 1;
        limit = this.acceptWord("ALL") ? "all" : this.expression();
        if (this.acceptSymbol(",")) {
          this.expression();
          refused ??= "query";
        }
      } else if (token.kind === "word" && setOperators.has(token.value)) {
        refused = "set-operation";
        this.skipToEnd();
      } else if (token.kind === "word" && (selectClauses.has(token.value) || queryClauses.has(token.value))) {
        refused ??= selectClauses.has(token.value) ? "select" : "query";
        this.skipClause();
      } else break;
    }
    return { kind: "select", items, from, where, limit, refused, first, last: this.next };
  }

  private selectItem(): SelectItem {
    const first = this.next;
    const at = this.peek().at;
    if (this.acceptSymbol("*")) return { kind: "star", qualifier: undefined, at, first, last: this.next };
    const qualifier = this.starQualifier();
    if (qualifier !== undefined) return { kind: "star", qualifier, at, first, last: this.next };
    const expr = this.expression();
    const alias = this.alias();
    return { kind: "expr", expr, alias, first, last: this.next };
  }

  /** `name.name.*`, consumed; nothing consumed when it is something else. */
  private starQualifier(): readonly string[] | undefined {
    const parts: string[] = [];
    let i = this.next;
    for (;;) {
      const name = this.tokens[i];
      if (name === undefined || (name.kind !== "word" && name.kind !== "quoted")) return undefined;
      if (this.tokens[i + 1]?.text !== ".") return undefined;
      parts.push(nameOf(name));
      i += 2;
      if (this.tokens[i]?.text === "*" && this.tokens[i]?.kind === "symbol") {
        this.next = i + 1;
        return parts;
      }
    }
  }

  // --- from

  private source(): { readonly table: TableRef; readonly joins: readonly Join[] } {
    const table = this.tableRef();
    const joins: Join[] = [];
    for (;;) {
      const join = this.join();
      if (join === undefined) return { table, joins };
      joins.push(join);
    }
  }

  private join(): Join | undefined {
    const token = this.peek();
    if (token.kind !== "word") return undefined;
    if (token.value === "CROSS") {
      this.next += 1;
      if (this.acceptWord("APPLY")) return { kind: "other", table: this.tableRef(), on: undefined };
      this.expectWord("JOIN");
      return { kind: "cross", table: this.tableRef(), on: undefined };
    }
    let kind: Join["kind"] = "inner";
    if (token.value === "INNER") this.next += 1;
    else if (otherJoins.has(token.value)) {
      kind = "other";
      while (!this.isWord("JOIN") && this.peek().kind === "word") this.next += 1;
    } else if (token.value !== "JOIN") return undefined;
    this.expectWord("JOIN");
    const table = this.tableRef();
    if (this.acceptWord("ON")) return { kind, table, on: this.expression() };
    if (this.acceptWord("USING")) {
      this.expectSymbol("(");
      this.list(() => this.name());
      this.expectSymbol(")");
      kind = "other";
    }
    return { kind, table, on: undefined };
  }

  private tableRef(): TableRef {
    const first = this.next;
    const token = this.peek();
    if (token.text === "(") {
      this.skipGroup();
      const last = this.next;
      return { kind: "other", alias: this.alias(), first, last };
    }
    if (this.acceptSymbol("*")) return { kind: "all", first, last: this.next };
    if (token.kind === "word" && (token.value === "TABLE" || token.value === "UNNEST")) this.unexpected("identifier");
    const parts = this.qualifiedName();
    if (this.peek().text === "(") {
      this.skipGroup();
      const last = this.next;
      return { kind: "other", alias: this.alias(), first, last };
    }
    const last = this.next;
    return { kind: "table", parts, alias: this.alias(), at: token.at, first, last };
  }

  private alias(): string | undefined {
    if (this.acceptWord("AS")) return this.name();
    const token = this.peek();
    if (token.kind === "quoted" || (token.kind === "word" && !notAnAlias.has(token.value))) return this.name();
    return undefined;
  }

  // --- insert, update, delete, set, show

  private insert(): InsertStatement {
    const first = this.next;
    this.expectWord("INSERT");
    this.expectWord("INTO");
    const at = this.next;
    const place = this.peek().at;
    const parts = this.qualifiedName();
    const table: TableRef = { kind: "table", parts, alias: undefined, at: place, first: at, last: this.next };
    let columns: readonly string[] = [];
    if (this.acceptSymbol("(")) {
      columns = this.peek().text === ")" ? [] : this.list(() => this.name());
      this.expectSymbol(")");
    }
    const source = this.next;
    let rows: (readonly Expr[])[] | undefined;
    if (this.acceptWord("VALUES")) {
      rows = this.list(() => {
        this.expectSymbol("(");
        const row = this.peek().text === ")" ? [] : this.list(() => this.expression());
        this.expectSymbol(")");
        return row;
      });
    } else if (this.isWord("SELECT") || this.isWord("WITH") || this.peek().text === "(") this.skipToEnd();
    else this.unexpected("VALUES");
    const isRefused = this.skipRefused("RETURNING", "ON");
    return { kind: "insert", table, columns, rows, source, isRefused, first, last: this.next };
  }

  private update(): UpdateStatement {
    const first = this.next;
    this.expectWord("UPDATE");
    const table = this.tableRef();
    let isRefused = table.kind !== "table" || table.alias !== undefined;
    while (this.join() !== undefined) isRefused = true;
    this.expectWord("SET");
    const assignments = this.list(() => {
      const at = this.peek().at;
      const target = this.qualifiedName();
      this.expectSymbol("=");
      return { target, value: this.expression(), at };
    });
    if (this.isWord("FROM")) {
      this.skipToEnd();
      isRefused = true;
    }
    const where = this.acceptWord("WHERE") ? this.expression() : undefined;
    if (this.skipRefused("RETURNING", "ORDER", "LIMIT")) isRefused = true;
    return { kind: "update", table, assignments, where, isRefused, first, last: this.next };
  }

  private delete(): DeleteStatement {
    const first = this.next;
    this.expectWord("DELETE");
    if (!this.isWord("FROM")) {
      this.list(() => this.qualifiedName());
      if (!this.isWord("FROM")) this.unexpected("FROM");
      this.skipToEnd();
      return { kind: "delete", tables: [], where: undefined, isRefused: true, first, last: this.next };
    }
    this.expectWord("FROM");
    let isRefused = false;
    const tables = this.list(() => {
      const table = this.tableRef();
      while (this.join() !== undefined) isRefused = true;
      return table;
    });
    if (this.isWord("USING")) {
      this.skipToEnd();
      isRefused = true;
    }
    const where = this.acceptWord("WHERE") ? this.expression() : undefined;
    if (this.skipRefused("RETURNING", "ORDER", "LIMIT")) isRefused = true;
    return { kind: "delete", tables, where, isRefused, first, last: this.next };
  }

  private set(): Statement {
    const first = this.next;
    this.expectWord("SET");
    const at = this.peek().at;
    const parts = this.qualifiedName();
    if (!this.acceptSymbol("=") && !this.acceptWord("TO")) {
      // SET TRANSACTION …, SET TIME ZONE … and the like.
      if (this.peek().kind !== "word" && this.peek().kind !== "string") this.unexpected("equals sign or TO");
      this.skipToEnd();
      return { kind: "other", first, last: this.next };
    }
    const value = this.expression();
    if (this.peek().text === ",") this.skipToEnd();
    else return { kind: "set", name: parts.join("."), value, at, first, last: this.next };
    return { kind: "other", first, last: this.next };
  }

  private show(): Statement {
    const first = this.next;
    this.expectWord("SHOW");
    const at = this.peek().at;
    const word = this.peek().kind === "word" ? this.peek().value : "";
    if (
      /^(TABLES|COLUMNS|DATABASES|SCHEMAS|VIEWS|FUNCTIONS|CREATE|VARIABLES|STATUS|COLLATION|EXTENDED|FULL)$/.test(word)
    ) {
      this.skipToEnd();
      return { kind: "other", first, last: this.next };
    }
    const name = this.qualifiedName().join(".");
    if (this.peek().kind === "word") {
      this.skipToEnd();
      return { kind: "other", first, last: this.next };
    }
    return { kind: "show", name, at, first, last: this.next };
  }

  /** Whether a clause that starts with one of `words` follows; the rest of the statement is then skipped. */
  private skipRefused(...words: readonly string[]): boolean {
    if (!words.some((word) => this.isWord(word))) return false;
    this.skipToEnd();
    return true;
  }

  // --- expressions

  expression(): Expr {
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

  // --- token helpers

  private peek(): Token {
    return this.tokens[Math.min(this.next, this.tokens.length - 1)] as Token; // the list ends with `end`
  }

  private take(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.next += 1;
    return token;
  }

  private isWord(word: string): boolean {
    return this.peek().kind === "word" && this.peek().value === word;
  }

  private acceptWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.next += 1;
    return true;
  }

  private expectWord(word: string): void {
    if (!this.acceptWord(word)) this.unexpected(word);
  }

  private acceptSymbol(symbol: string): boolean {
    if (this.peek().kind !== "symbol" || this.peek().text !== symbol) return false;
    this.next += 1;
    return true;
  }

  private expectSymbol(symbol: string): void {
    if (!this.acceptSymbol(symbol)) this.unexpected(symbol);
  }

  private name(): string {
    const token = this.peek();
    if (token.kind !== "word" && token.kind !== "quoted") this.unexpected("identifier");
    this.next += 1;
    return nameOf(token);
  }

  private qualifiedName(): readonly string[] {
    const parts = [this.name()];
    while (this.acceptSymbol(".")) parts.push(this.name());
    return parts;
  }

  private list<T>(item: () => T): T[] {
    const items = [item()];
    while (this.acceptSymbol(",")) items.push(item());
    return items;
  }

  private skipTerminators(): void {
    while (this.acceptSymbol(";"));
  }

  private skipToEnd(): void {
    while (this.peek().kind !== "end" && this.peek().text !== ";") {
      if (this.peek().text === "(") this.skipGroup();
      else this.next += 1;
    }
  }

  /** Skips a clause up to the next one of the same query. */
  private skipClause(): void {
    this.next += 1;
    for (;;) {
      const token = this.peek();
      if (token.kind === "end" || token.text === ";") return;
      if (token.text === "(") this.skipGroup();
      else if (token.kind === "word" && (token.value === "LIMIT" || setOperators.has(token.value))) return;
      else this.next += 1;
    }
  }

  /** Skips from an opening parenthesis behind its closing one. */
  private skipGroup(): void {
    let depth = 0;
    for (;;) {
      const token = this.peek();
      if (token.kind === "end") this.unexpected(")");
      this.next += 1;
      if (token.kind !== "symbol") continue;
      if (token.text === "(") depth += 1;
      else if (token.text === ")") {
        depth -= 1;
        if (depth === 0) return;
      }
    }
  }

  private skipCase(): void {
    for (let depth = 1; depth > 0;) {
      const token = this.peek();
      if (token.kind === "end") this.unexpected("END");
      if (token.kind === "word" && token.value === "CASE") depth += 1;
      if (token.kind === "word" && token.value === "END") depth -= 1;
      this.next += 1;
    }
  }

  private tooDeep(): never {
    return refuse("too_deep", `Recursion limit exceeded, \`${abbreviate(this.text)}\``, this.peek().at);
  }

  private unexpected(wanted: string): never {
    const token = this.peek();
    return failSyntax(
      `Expected ${wanted}, found: ${token.kind === "end" ? "EOF" : abbreviate(token.text)}`,
      this.text,
      token.at,
    );
  }
}

function nameOf(token: Token): string {
  return token.kind === "quoted" ? token.value : token.text;
}
