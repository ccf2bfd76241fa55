/**
 * An ES module as the body of a function, since a sandbox evaluates scripts: what it imports becomes constants, what it exports
 * is returned.
 *
 * The text is not parsed, only cut into its words: enough to find the `import` and `export` declarations, which stand at the
 * top level and nowhere else. They are overwritten in place, so that every line and nearly every column stays where it was; what
 * this file gets wrong, the engine's own parser refuses.
 */
import { LightconeError } from "@lightcone/base";

/** One name that is imported: `default` for a default import, `*` for all of them as an object. */
export interface Import {
  readonly from: string;
  readonly name: string;
  readonly as: string;
}

export interface EsModule {
  /** Without its declarations. */
  readonly body: string;
  /** In their order; one without names is there as the import of nothing, whose `as` is empty. */
  readonly imports: readonly Import[];
  /** Exported name → the name that it has inside. */
  readonly exports: ReadonlyMap<string, string>;
}

/**
 * Whether a bundle may be one: it does not ask for its host as a script does, and has a line that begins as a declaration. What it is
 * in truth, `readEsModule` says.
 */
export function mayBeEsModule(text: string): boolean {
  return !/\brequire\(["']lightcone:host@/.test(text) && /^[\s\ufeff]*(?:import|export)\b/m.test(text);
}

/** @throws {LightconeError} `ModuleInvalid` with the line of a declaration that this host does not take */
export function readEsModule(text: string): EsModule {
  return new Reader(text).read();
}

const space = /[\s\ufeff]/;
const spaces = /[\s\ufeff]+/y;
const wordStart = /[\w$#\\\u0080-\uffff]/;
const word = /[\w$#\\\u0080-\uffff]+/y;
const number = /0[xXoObB][\da-fA-F_]+n?|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?n?/y;
/** Words behind which an operand stands, not an operator. */
const operandFollows = new Set(
  "return typeof instanceof in of new delete void throw case do else await yield extends default".split(" "),
);
/** Words whose parentheses have a statement behind them. */
const statementFollows = new Set(["if", "while", "for", "with"]);
/** Words that begin a statement: what was declared before has ended. */
const statementBegins = new Set(
  "const let var function class export import if for while do return switch try throw".split(" "),
);

/** What a closing bracket ends. */
type Open = "statement parens" | "parens" | "brackets" | "block" | "object" | "template";

class Reader {
  private readonly text: string;
  private at = 0;
  private readonly open: Open[] = [];
  /** Whether an operand may stand next: a slash begins a regular expression then. */
  private wantsOperand = true;
  private lastWord = "";
  private last = "";
  /** Names follow the commas of an exported declaration, at the top level. */
  private isDeclaring = false;
  private readonly cuts: { readonly from: number; readonly to: number; readonly by: string }[] = [];
  private readonly imports: Import[] = [];
  private readonly exports = new Map<string, string>();

  constructor(text: string) {
    this.text = text;
  }

  read(): EsModule {
    if (this.text.startsWith("#!")) this.cut(0, this.lineEnd(0));
    while (this.at < this.text.length) this.token();
    let body = "";
    let from = 0;
    for (const cut of this.cuts) {
      body += this.text.slice(from, cut.from) + cut.by + blank(this.text.slice(cut.from + cut.by.length, cut.to));
      from = cut.to;
    }
    return { body: body + this.text.slice(from), imports: this.imports, exports: this.exports };
  }

  private token(): void {
    const { text } = this;
    spaces.lastIndex = this.at;
    if (spaces.test(text)) this.at = spaces.lastIndex;
    const start = this.at;
    const character = text[start] ?? "";
    if (character === "" || (character === "/" && this.comment())) return;
    if (isDigit(character) || (character === "." && isDigit(text[start + 1] ?? ""))) {
      number.lastIndex = start;
      this.at = start + (number.exec(text)?.[0].length ?? 1);
      this.operand();
    } else if (wordStart.test(character)) this.word();
    else if (character === '"' || character === "'") {
      this.skipString(character);
      this.operand();
    } else if (character === "`") this.template();
    else if (character === "/" && this.wantsOperand) this.regExp();
    else this.punctuation(character);
  }

  private operand(): void {
    this.wantsOperand = false;
    this.last = "operand";
    this.lastWord = "";
  }

  private comment(): boolean {
    const { text, at } = this;
    if (text[at + 1] === "/") this.at = this.lineEnd(at);
    else if (text[at + 1] === "*") this.at = this.behind("*/", at + 2);
    else return false;
    return true;
  }

  private lineEnd(from: number): number {
    const end = /[\n\r\u2028\u2029]|$/g;
    end.lastIndex = from;
    return end.exec(this.text)?.index ?? this.text.length;
  }

  private behind(what: string, from: number): number {
    const end = this.text.indexOf(what, from);
    return end < 0 ? this.text.length : end + what.length;
  }

  private skipString(quote: string): void {
    this.at += 1;
    while (this.at < this.text.length && this.text[this.at] !== quote) this.at += this.text[this.at] === "\\" ? 2 : 1;
    this.at += 1;
  }

  /** A template, or what is left of it behind an expression. */
  private template(): void {
    this.at += 1;
    for (; this.at < this.text.length; this.at += 1) {
      const character = this.text[this.at];
      if (character === "\\") this.at += 1;
      else if (character === "`") {
        this.at += 1;
        this.operand();
        return;
      } else if (character === "$" && this.text[this.at + 1] === "{") {
        this.at += 2;
        this.open.push("template");
        this.wantsOperand = true;
        this.last = "{";
        return;
      }
    }
  }

  private regExp(): void {
    let isClass = false;
    for (this.at += 1; this.at < this.text.length; this.at += 1) {
      const character = this.text[this.at];
      if (character === "\\") this.at += 1;
      else if (character === "[") isClass = true;
      else if (character === "]") isClass = false;
      else if (character === "/" && !isClass) break;
    }
    this.at += 1;
    this.operand(); // its flags are read as a word, an operand as well
  }

  private punctuation(character: string): void {
    this.at += 1;
    const two = character + (this.text[this.at] ?? "");
    if (two === "++" || two === "--") {
      this.at += 1; // before or behind its operand: what may follow is as before
      return;
    }
    if (two === "=>") this.at += 1;
    if (character === "(") {
      this.open.push(this.last === "word" && statementFollows.has(this.lastWord) ? "statement parens" : "parens");
    } else if (character === "[") this.open.push("brackets");
    else if (character === "{") this.open.push(this.beginsObject() ? "object" : "block");
    else if (character === ")" || character === "]" || character === "}") {
      const closed = this.open.pop();
      if (closed === "template") {
        this.at -= 1;
        this.template();
        return;
      }
      this.wantsOperand = closed === "statement parens" || closed === "block";
      this.last = closed === "statement parens" ? ";" : closed === "block" ? "}" : "operand";
      this.lastWord = "";
      return;
    }
    if (this.open.length === 0 && this.isDeclaring) {
      if (character === ";") this.isDeclaring = false;
      else if (character === ",") this.declared();
    }
    this.wantsOperand = true;
    this.last = two === "=>" ? "=>" : character;
    this.lastWord = "";
  }

  /** Whether a brace that stands here begins an object, not a block. */
  private beginsObject(): boolean {
    if (this.last === "word") return operandFollows.has(this.lastWord) && !["do", "else"].includes(this.lastWord);
    if (!this.wantsOperand || this.last === "") return false;
    if (this.last === ":") return this.open.length > 0 && this.open.at(-1) !== "block";
    return !["operand", ";", "{", "}", "=>"].includes(this.last);
  }

  private word(): void {
    const start = this.at;
    word.lastIndex = start;
    const found = word.exec(this.text)?.[0] ?? "";
    this.at = start + Math.max(1, found.length);
    if (this.last === ".") return this.operand();
    if (this.open.length === 0) {
      if (statementBegins.has(found)) this.isDeclaring = false;
      if (found === "import" && this.importDeclaration(start)) return;
      if (found === "export") return this.exportDeclaration(start);
    }
    this.last = "word";
    this.lastWord = found;
    this.wantsOperand = operandFollows.has(found);
  }

  // --- declarations

  private importDeclaration(start: number): boolean {
    const next = this.peek();
    if (next === "(" || next === ".") return false;
    const names: { readonly name: string; readonly as: string }[] = [];
    if (next !== '"' && next !== "'") {
      let more = true;
      if (wordStart.test(next)) {
        names.push({ name: "default", as: this.name() });
        more = this.take(",");
      }
      if (more && this.take("*")) {
        this.expectWord("as", start);
        names.push({ name: "*", as: this.name() });
      } else if (more) names.push(...this.list(start));
      this.expectWord("from", start);
    }
    const from = this.string(start);
    if (names.length === 0) names.push({ name: "*", as: "" });
    for (const { name, as } of names) this.imports.push({ from, name, as });
    this.endOfDeclaration(start);
    return true;
  }

  private exportDeclaration(start: number): void {
    const next = this.peek();
    if (next === "{") {
      for (const { name, as } of this.list(start)) this.exports.set(as, name);
      if (this.wordAhead("from")) this.refuse(start, "it exports what another module has");
      this.endOfDeclaration(start);
    } else if (next === "*") this.refuse(start, "it exports what another module has");
    else if (this.wordAhead("default")) this.exportDefault(start);
    else {
      this.cut(start, this.at); // as it stands, but not exported
      const declares = this.declarationAhead();
      if (declares === undefined) this.refuse(start, "it cannot be read");
      this.exports.set(declares.name, declares.name);
      this.isDeclaring = declares.isList;
    }
    this.last = ";";
    this.lastWord = "";
    this.wantsOperand = true;
  }

  private exportDefault(start: number): void {
    this.expectWord("default", start);
    const declared = /\s*(?:async\s+)?(?:function|class)\b[\s*]*(?!extends\b)([\w$]+)/y;
    declared.lastIndex = this.at;
    const name = declared.exec(this.text)?.[1];
    if (name !== undefined) {
      this.cut(start, this.at);
      this.exports.set("default", name);
      return;
    }
    let own = "$default";
    while (this.text.includes(own)) own += "$";
    if (space.test(this.text[this.at] ?? "")) this.at += 1; // `const $default=` is as long as what it overwrites
    this.cut(start, this.at, `const ${own}=`);
    this.exports.set("default", own);
  }

  /** The first name that a declaration declares, and whether others may follow behind commas. */
  private declarationAhead(): { readonly name: string; readonly isList: boolean } | undefined {
    const declaration = /\s*(?:(const|let|var)\s+|(?:async\s+)?(?:function|class)\b[\s*]*)([\w$]+)/y;
    declaration.lastIndex = this.at;
    const match = declaration.exec(this.text);
    if (match?.[2] === undefined) return undefined;
    const isList = match[1] !== undefined;
    if (isList) this.at = declaration.lastIndex; // the word that it begins with would end it
    return { name: match[2], isList };
  }

  private declared(): void {
    const name = /\s*([\w$]+)/y;
    name.lastIndex = this.at;
    const found = name.exec(this.text)?.[1];
    if (found !== undefined) this.exports.set(found, found);
  }

  /** `{ a, b as c, "d" as e }` */
  private list(start: number): { readonly name: string; readonly as: string }[] {
    const names: { readonly name: string; readonly as: string }[] = [];
    if (!this.take("{")) this.refuse(start, "it cannot be read");
    while (!this.take("}")) {
      const name = this.nameOrString(start);
      const as = this.wordAhead("as") ? (this.expectWord("as", start), this.nameOrString(start)) : name;
      names.push({ name, as });
      if (!this.take(",") && this.peek() !== "}") this.refuse(start, "it cannot be read");
    }
    return names;
  }

  private nameOrString(start: number): string {
    const next = this.peek();
    const name = next === '"' || next === "'" ? this.string(start) : this.name();
    if (name === "") this.refuse(start, "it cannot be read");
    return name;
  }

  private name(): string {
    this.peek();
    word.lastIndex = this.at;
    const found = word.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  private string(start: number): string {
    const quote = this.peek();
    const from = this.at + 1;
    if (quote !== '"' && quote !== "'") this.refuse(start, "it cannot be read");
    this.skipString(quote);
    const text = this.text.slice(from, this.at - 1);
    if (text.includes("\\")) this.refuse(start, "a name of it has an escape");
    return text;
  }

  /** The next character that counts; stands before it then. */
  private peek(): string {
    for (; this.at < this.text.length;) {
      const character = this.text[this.at] ?? "";
      if (space.test(character)) this.at += 1;
      else if (character !== "/" || !this.comment()) return character;
    }
    return "";
  }

  private take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at += 1;
    return true;
  }

  private wordAhead(wanted: string): boolean {
    this.peek();
    word.lastIndex = this.at;
    return word.exec(this.text)?.[0] === wanted;
  }

  private expectWord(wanted: string, start: number): void {
    if (!this.wordAhead(wanted)) this.refuse(start, "it cannot be read");
    this.at += wanted.length;
  }

  private endOfDeclaration(start: number): void {
    const end = this.at;
    if (!this.take(";")) this.at = end;
    this.cut(start, this.at);
    this.last = ";";
    this.lastWord = "";
    this.wantsOperand = true;
  }

  private cut(from: number, to: number, by = ""): void {
    this.cuts.push({ from, to, by });
  }

  private refuse(start: number, why: string): never {
    const line = this.text.slice(0, start).split("\n").length;
    const shown = this.text.slice(start, this.lineEnd(start)).slice(0, 80);
    throw new LightconeError("ModuleInvalid", {
      reason: `line ${line} of the bundle is a declaration that a database does not take (${why}): ${shown}. Bundle all files into one, with \`export { … }\` at its end, as \`spacetime build\` does`,
    });
  }
}

function isDigit(character: string): boolean {
  return character >= "0" && character <= "9";
}

/** As many lines and columns of nothing. */
function blank(text: string): string {
  return text.replaceAll(/[^\n\r\u2028\u2029]/g, " ");
}
