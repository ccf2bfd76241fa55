/**
 * Tokens to a statement: recursive descent.
 *
 * Accepts more than the dialects do (`ast.ts`), so that SQL which the dialects do not have is refused by name.
 *
 * Map: entry · select · from · insert, update, delete, set, show. Expressions: `expression-parser.ts`.
 */
import type {
  DeleteStatement,
  InsertStatement,
  Join,
  Refused,
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
import { clauseSeconds, otherJoins, otherStatements, queryClauses, selectClauses, setOperators } from "./words.ts";

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
    const { value: name, at } = this.peek();
    return this.otherFrom(first, { name, at });
  }

  /** Skips the rest of a statement that no dialect has. */
  private otherFrom(first: number, { name, at }: Refused): Statement {
    this.skipToEnd();
    return { kind: "other", name, at, first, last: this.next };
  }

  /** A query that is refused for its form: WITH, or a query in parentheses. */
  private skippedQuery(): SelectStatement {
    const first = this.next;
    const token = this.peek();
    const name = token.kind === "word" ? token.value : "SELECT in parentheses";
    this.skipToEnd();
    return {
      kind: "select",
      items: [],
      from: [],
      where: undefined,
      limit: undefined,
      refused: { level: "query", name, at: token.at },
      first,
      last: this.next,
    };
  }

  // --- select

  private select(): SelectStatement {
    const first = this.next;
    this.expectWord("SELECT");
    let refused: SelectStatement["refused"];
    const quantifier = this.peek();
    if (this.acceptQuantifier("DISTINCT")) refused = { level: "select", name: "DISTINCT", at: quantifier.at };
    else this.acceptQuantifier("ALL");
    const items = this.list(() => this.selectItem());
    const from = this.acceptWord("FROM") ? this.list(() => this.source()) : [];
    const where = this.acceptWord("WHERE") ? this.expression() : undefined;
    let limit: SelectStatement["limit"];
    while (this.isReserved()) {
      const { value: word, at } = this.peek();
      if (word === "LIMIT") {
        this.next += 1;
        limit = { count: this.acceptWord("ALL") ? "all" : this.expression(), at };
        if (this.acceptSymbol(",")) {
          this.expression();
          refused ??= { level: "query", name: "OFFSET", at };
        }
      } else if (setOperators.has(word)) {
        refused = { level: "set-operation", name: word, at };
        this.skipToEnd();
      } else if (selectClauses.has(word) || queryClauses.has(word)) {
        refused ??= { level: selectClauses.has(word) ? "select" : "query", name: this.clauseName(), at };
        this.skipClause();
      } else break;
    }
    return { kind: "select", items, from, where, limit, refused, first, last: this.next };
  }

  /** A word between SELECT and the items, which may also be the name of the first of them. */
  private acceptQuantifier(word: string): boolean {
    const behind = this.peekBehind();
    if (behind.kind === "end" || /^(?:[,.;]|FROM|AS)$/.test(behind.value)) return false;
    return this.acceptWord(word);
  }

  /** The name of the clause that begins here, with its second word if it has one. */
  private clauseName(): string {
    const second = this.peekBehind();
    const isOfName = second.kind === "word" && clauseSeconds.has(second.value);
    return isOfName ? `${this.peek().value} ${second.value}` : this.peek().value;
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
    const { at } = token;
    if (token.value === "CROSS") {
      this.next += 1;
      const refused = this.acceptWord("APPLY") ? { name: "CROSS APPLY", at } : undefined;
      if (refused === undefined) this.expectWord("JOIN");
      return { kind: "cross", table: this.tableRef(), on: undefined, refused };
    }
    let refused: Refused | undefined;
    if (token.value === "INNER") this.next += 1;
    else if (otherJoins.has(token.value) && this.isReserved()) {
      const words: string[] = [];
      while (!this.isWord("JOIN") && this.peek().kind === "word") words.push(this.take().value);
      refused = { name: `${words.join(" ")} JOIN`, at };
    } else if (token.value !== "JOIN") return undefined;
    this.expectWord("JOIN");
    const table = this.tableRef();
    const clause = this.peek();
    if (this.acceptWord("ON")) return { kind: "inner", table, on: this.expression(), refused };
    if (this.acceptWord("USING")) {
      this.expectSymbol("(");
      this.list(() => this.name());
      this.expectSymbol(")");
      refused ??= { name: "USING", at: clause.at };
    }
    return { kind: "inner", table, on: undefined, refused };
  }

  private tableRef(): TableRef {
    const first = this.next;
    const token = this.peek();
    const { at } = token;
    if (token.text === "(") {
      this.skipGroup();
      const last = this.next;
      return { kind: "other", name: "sub-select", at, alias: this.alias(), first, last };
    }
    if (this.acceptSymbol("*")) return { kind: "all", first, last: this.next };
    const parts = this.qualifiedName();
    if (this.peek().text === "(") {
      this.skipGroup();
      const last = this.next;
      return { kind: "other", name: "function", at, alias: this.alias(), first, last };
    }
    const last = this.next;
    return { kind: "table", parts, alias: this.alias(), at, first, last };
  }

  private alias(): string | undefined {
    if (this.acceptWord("AS")) return this.name();
    const token = this.peek();
    const isName = token.kind === "quoted" || (token.kind === "word" && !this.isReserved());
    return isName ? this.name() : undefined;
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
    let columns: InsertStatement["columns"] = [];
    if (this.acceptSymbol("(")) {
      columns = this.peek().text === ")" ? [] : this.list(() => ({ at: this.peek().at, name: this.name() }));
      this.expectSymbol(")");
    }
    const source = this.next;
    let rows: InsertStatement["rows"];
    if (this.acceptWord("VALUES")) {
      rows = this.list(() => {
        const { at: rowAt } = this.peek();
        this.expectSymbol("(");
        const values = this.peek().text === ")" ? [] : this.list(() => this.expression());
        this.expectSymbol(")");
        return { values, at: rowAt };
      });
    } else if (this.isWord("SELECT") || this.isWord("WITH") || this.peek().text === "(") this.skipToEnd();
    else this.unexpected("VALUES");
    const refused = this.skipRefused("RETURNING", "ON");
    return { kind: "insert", table, columns, rows, source, refused, first, last: this.next };
  }

  private update(): UpdateStatement {
    const first = this.next;
    this.expectWord("UPDATE");
    const table = this.tableRef();
    let refused = this.notAlone(table);
    this.expectWord("SET");
    const assignments = this.list(() => {
      const at = this.peek().at;
      const target = this.qualifiedName();
      this.expectSymbol("=");
      return { target, value: this.expression(), at };
    });
    refused ??= this.skipRefused("FROM");
    const where = this.acceptWord("WHERE") ? this.expression() : undefined;
    refused ??= this.skipRefused("RETURNING", "ORDER", "LIMIT");
    return { kind: "update", table, assignments, where, refused, first, last: this.next };
  }

  /** Finds what an UPDATE may not have beside its table: an alias, joins, or another source. */
  private notAlone(table: TableRef): Refused | undefined {
    const { at } = this.tokens[table.first] as Token; // every span begins with a token
    let refused: Refused | undefined;
    if (table.kind === "table") refused = table.alias === undefined ? undefined : { name: "alias", at };
    else refused = { name: table.kind === "all" ? "*" : table.name, at };
    const joins = this.skipJoins();
    return refused ?? joins;
  }

  private skipJoins(): Refused | undefined {
    const { at } = this.peek();
    let isJoined = false;
    while (this.join() !== undefined) isJoined = true;
    return isJoined ? { name: "JOIN", at } : undefined;
  }

  private delete(): DeleteStatement {
    const first = this.next;
    this.expectWord("DELETE");
    let refused: Refused | undefined;
    if (!this.isWord("FROM")) {
      const { at } = this.peek();
      this.list(() => this.qualifiedName());
      if (!this.isWord("FROM")) this.unexpected("FROM");
      this.skipToEnd();
      refused = { name: "table before FROM", at };
      return { kind: "delete", tables: [], where: undefined, refused, first, last: this.next };
    }
    this.expectWord("FROM");
    const tables = this.list(() => {
      const table = this.tableRef();
      const joins = this.skipJoins();
      refused ??= joins;
      return table;
    });
    refused ??= this.skipRefused("USING");
    const where = this.acceptWord("WHERE") ? this.expression() : undefined;
    refused ??= this.skipRefused("RETURNING", "ORDER", "LIMIT");
    return { kind: "delete", tables, where, refused, first, last: this.next };
  }

  private set(): Statement {
    const first = this.next;
    this.expectWord("SET");
    const at = this.peek().at;
    const parts = this.qualifiedName();
    if (!this.acceptSymbol("=") && !this.acceptWord("TO")) {
      // SET TRANSACTION …, SET TIME ZONE … and the like.
      if (this.peek().kind !== "word" && this.peek().kind !== "string") this.unexpected("equals sign or TO");
      return this.otherFrom(first, { name: "SET", at });
    }
    const value = this.expression();
    const comma = this.peek();
    if (comma.text === ",") return this.otherFrom(first, { name: "SET of several", at: comma.at });
    return { kind: "set", name: parts.join("."), value, at, first, last: this.next };
  }

  private show(): Statement {
    const first = this.next;
    this.expectWord("SHOW");
    const at = this.peek().at;
    const word = this.peek().kind === "word" ? this.peek().value : "";
    if (
      /^(TABLES|COLUMNS|DATABASES|SCHEMAS|VIEWS|FUNCTIONS|CREATE|VARIABLES|STATUS|COLLATION|EXTENDED|FULL)$/.test(word)
    ) {
      return this.otherFrom(first, { name: `SHOW ${word}`, at });
    }
    const name = this.qualifiedName().join(".");
    if (this.peek().kind === "word") return this.otherFrom(first, { name: "SHOW", at });
    return { kind: "show", name, at, first, last: this.next };
  }

  /** The clause that follows if it starts with one of `words`; the rest of the statement is then skipped. */
  private skipRefused(...words: readonly string[]): Refused | undefined {
    if (!words.some((word) => this.isWord(word))) return undefined;
    const refused = { name: this.clauseName(), at: this.peek().at };
    this.skipToEnd();
    return refused;
  }
}
