/**
 * Tokens to a statement: recursive descent.
 *
 * Takes more than the dialects do (`ast.ts`), so that what SQL has and the dialects lack is refused by name.
 *
 * Map: entry · select · from · insert, update, delete, set, show. Expressions: `expression-parser.ts`.
 */
import type {
  DeleteStatement,
  Expr,
  InsertStatement,
  Join,
  SelectItem,
  SelectStatement,
  Statement,
  TableRef,
  UpdateStatement,
} from "./ast.ts";
import { ExpressionParser } from "./expression-parser.ts";
import { tokenize, type Token } from "./lexer.ts";
import { refuse } from "./refuse.ts";
import { nameOf } from "./token-reader.ts";
import { notAnAlias, otherJoins, otherStatements, queryClauses, selectClauses, setOperators } from "./words.ts";

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

class Parser extends ExpressionParser {
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
}
