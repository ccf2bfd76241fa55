/** Reads tokens one after another: the base of every part of the parser. */
import { failSyntax, type Token } from "./lexer.ts";
import { abbreviate } from "./refuse.ts";
import { keptFor, notAnAlias, setOperators } from "./words.ts";

export class TokenReader {
  protected readonly text: string;
  protected readonly tokens: readonly Token[];
  protected next = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.text = text;
    this.tokens = tokens;
  }

  protected peek(): Token {
    return this.tokens[Math.min(this.next, this.tokens.length - 1)] as Token; // the list ends with `end`
  }

  protected take(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.next += 1;
    return token;
  }

  protected peekBehind(): Token {
    return this.tokens[Math.min(this.next + 1, this.tokens.length - 1)] as Token; // the list ends with `end`
  }

  protected isWord(word: string): boolean {
    return this.peek().kind === "word" && this.peek().value === word;
  }

  protected acceptWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.next += 1;
    return true;
  }

  protected expectWord(word: string): void {
    if (!this.acceptWord(word)) this.unexpected(word);
  }

  protected acceptSymbol(symbol: string): boolean {
    if (this.peek().kind !== "symbol" || this.peek().text !== symbol) return false;
    this.next += 1;
    return true;
  }

  protected expectSymbol(symbol: string): void {
    if (!this.acceptSymbol(symbol)) this.unexpected(symbol);
  }

  /** Whether the next token is a word of the grammar where a name without AS might stand. */
  protected isReserved(): boolean {
    const token = this.peek();
    if (token.kind !== "word" || !notAnAlias.has(token.value)) return false;
    const behind = this.peekBehind();
    if (token.value === "WINDOW") return this.tokens[this.next + 2]?.value === "AS";
    if (token.value === "QUALIFY") return beginsOperand(behind);
    const followers = keptFor.get(token.value);
    return followers === undefined || (behind.kind !== "quoted" && followers.has(behind.value));
  }

  protected name(): string {
    const token = this.peek();
    if (token.kind !== "word" && token.kind !== "quoted") this.unexpected("identifier");
    this.next += 1;
    return nameOf(token);
  }

  protected qualifiedName(): readonly string[] {
    const parts = [this.name()];
    while (this.acceptSymbol(".")) parts.push(this.name());
    return parts;
  }

  protected list<T>(item: () => T): T[] {
    const items = [item()];
    while (this.acceptSymbol(",")) items.push(item());
    return items;
  }

  protected skipTerminators(): void {
    while (this.acceptSymbol(";"));
  }

  protected skipToEnd(): void {
    while (this.peek().kind !== "end" && this.peek().text !== ";") {
      if (this.peek().text === "(") this.skipGroup();
      else this.next += 1;
    }
  }

  /** Skips a clause up to the next one of the same query. */
  protected skipClause(): void {
    this.next += 1;
    for (;;) {
      const token = this.peek();
      if (token.kind === "end" || token.text === ";") return;
      if (token.text === "(") this.skipGroup();
      else if (token.kind === "word" && (token.value === "LIMIT" || setOperators.has(token.value))) return;
      else this.next += 1;
    }
  }

  /** Skips from an opening parenthesis past its closing one. */
  protected skipGroup(): void {
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

  protected skipCase(): void {
    for (let depth = 1; depth > 0;) {
      const token = this.peek();
      if (token.kind === "end") this.unexpected("END");
      if (token.kind === "word" && token.value === "CASE") depth += 1;
      if (token.kind === "word" && token.value === "END") depth -= 1;
      this.next += 1;
    }
  }

  /** @param clue what to write instead */
  protected unexpected(wanted: string, clue?: string): never {
    const token = this.peek();
    const found = token.kind === "end" ? "EOF" : abbreviate(token.text);
    const reason = `Expected ${wanted}, found: ${found}`;
    return failSyntax(clue === undefined ? reason : `${reason} (${clue})`, this.text, token.at);
  }
}

export function nameOf(token: Token): string {
  return token.kind === "quoted" ? token.value : token.text;
}

/** Whether an expression may begin with a token. Of words, those that join or end expressions do not. */
export function beginsOperand(token: Token): boolean {
  if (token.kind === "word") return token.value === "NOT" || !notAnAlias.has(token.value);
  return token.kind === "symbol" ? token.text === "(" : token.kind !== "end";
}
