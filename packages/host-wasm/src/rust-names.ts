/**
 * Function names of Rust modules, made readable: `_RNvCs1_4bank8transfer` is `bank::transfer`.
 *
 * Reads the v0 scheme (`_R…`), which says a path by its parts, and drops generic arguments, hashes and
 * disambiguators; and takes the hash off names of the older scheme, which linkers write out themselves.
 * Names come from the module's own name section, so that they may be anything: steps and depth are bounded,
 * and a name that does not read is shown as it is.
 */

const stepsMax = 2000;
const depthMax = 64;

const basicTypes: Readonly<Record<string, string>> = {
  a: "i8", b: "bool", c: "char", d: "f64", e: "str", f: "f32", h: "u8", i: "isize", j: "usize", l: "i32", m: "u32",
  n: "i128", o: "u128", s: "i16", t: "u16", u: "()", v: "...", x: "i64", y: "u64", z: "!", p: "_",
}; // prettier-ignore

/** A name for people. */
export function readableRustName(name: string): string {
  if (!name.startsWith("_R")) return name.replace(/::h[0-9a-f]{16}$/, "");
  try {
    return new MangledName(name.slice(2)).path();
  } catch (error) {
    if (error instanceof UnreadableName) return name;
    throw error;
  }
}

class UnreadableName extends Error {}

/** A cursor over a mangled name. Each method reads one rule of the grammar and gives its readable form. */
class MangledName {
  private readonly text: string;
  private at = 0;
  private steps = 0;
  private depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  path(): string {
    return this.nested(() => {
      switch (this.next()) {
        case "C":
          return this.identifier();
        case "M":
          this.implPath();
          return `<${this.type()}>`;
        case "X":
          this.implPath();
          return `<${this.type()} as ${this.path()}>`;
        case "Y":
          return `<${this.type()} as ${this.path()}>`;
        case "N":
          return this.member();
        case "I": {
          const path = this.path();
          this.until("E", () => this.genericArgument());
          return path;
        }
        case "B":
          return this.backReference(() => this.path());
        default:
          throw new UnreadableName();
      }
    });
  }

  private member(): string {
    const space = this.next();
    const parent = this.path();
    const own = this.identifier();
    if (space === "C") return `${parent}::{closure}`;
    if (space === "S") return `${parent}::{shim:${own}}`;
    return own === "" ? parent : `${parent}::${own}`;
  }

  private type(): string {
    return this.nested(() => {
      const letter = this.next();
      const basic = basicTypes[letter];
      if (basic !== undefined) return basic;
      switch (letter) {
        case "A": {
          const element = this.type();
          this.constant();
          return `[${element}]`;
        }
        case "S":
          return `[${this.type()}]`;
        case "T":
          return `(${this.until("E", () => this.type()).join(", ")})`;
        case "R":
        case "Q":
          this.lifetime();
          return `${letter === "R" ? "&" : "&mut "}${this.type()}`;
        case "P":
          return `*const ${this.type()}`;
        case "O":
          return `*mut ${this.type()}`;
        case "F":
          return this.functionType();
        case "D":
          return this.dynamicType();
        case "B":
          return this.backReference(() => this.type());
        default:
          this.at -= 1;
          return this.path();
      }
    });
  }

  private functionType(): string {
    this.binder();
    this.take("U");
    if (this.take("K") && !this.take("C")) this.plainIdentifier();
    const params = this.until("E", () => this.type()).join(", ");
    const result = this.type();
    return result === "()" ? `fn(${params})` : `fn(${params}) -> ${result}`;
  }

  private dynamicType(): string {
    this.binder();
    const traits = this.until("E", () => {
      const path = this.path();
      while (this.take("p")) {
        this.plainIdentifier();
        this.type();
      }
      return path;
    });
    this.lifetime();
    return `dyn ${traits.join(" + ")}`;
  }

  private genericArgument(): void {
    if (this.text[this.at] === "L") this.lifetime();
    else if (this.take("K")) this.constant();
    else this.type();
  }

  private constant(): void {
    if (this.take("B")) {
      this.backReference(() => {
        this.constant();
        return "";
      });
      return;
    }
    if (this.take("p")) return;
    this.type();
    while (!this.take("_")) this.next();
  }

  private implPath(): void {
    this.disambiguator();
    this.path();
  }

  private lifetime(): void {
    if (this.take("L")) this.base62();
  }

  private binder(): void {
    if (this.take("G")) this.base62();
  }

  private disambiguator(): void {
    if (this.take("s")) this.base62();
  }

  private identifier(): string {
    this.disambiguator();
    return this.plainIdentifier();
  }

  private plainIdentifier(): string {
    this.take("u");
    const digits = /^\d{1,6}/.exec(this.text.slice(this.at, this.at + 6))?.[0] ?? "";
    if (digits === "") throw new UnreadableName();
    this.at += digits.length;
    this.take("_");
    const text = this.text.slice(this.at, this.at + Number(digits));
    this.at += text.length;
    if (text.length !== Number(digits)) throw new UnreadableName();
    return text;
  }

  /** A number that ends in `_`; `_` alone is 0. */
  private base62(): number {
    let value = 0;
    for (let count = 0; ; count += 1) {
      const letter = this.next();
      if (letter === "_") return count === 0 ? 0 : value + 1;
      const digit = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".indexOf(letter);
      value = value * 62 + digit;
      if (digit === -1) throw new UnreadableName();
    }
  }

  /** Reads a rule again that stands earlier in the name. */
  private backReference(rule: () => string): string {
    const before = this.at - 1;
    const at = this.base62();
    if (at >= before) throw new UnreadableName();
    const after = this.at;
    this.at = at;
    const text = rule();
    this.at = after;
    return text;
  }

  private until<T>(end: string, rule: () => T): T[] {
    const found: T[] = [];
    while (!this.take(end)) found.push(rule());
    return found;
  }

  private nested(rule: () => string): string {
    this.steps += 1;
    this.depth += 1;
    if (this.steps > stepsMax || this.depth > depthMax) throw new UnreadableName();
    const text = rule();
    this.depth -= 1;
    return text;
  }

  private next(): string {
    const letter = this.text[this.at];
    if (letter === undefined) throw new UnreadableName();
    this.at += 1;
    return letter;
  }

  private take(letter: string): boolean {
    if (this.text[this.at] !== letter) return false;
    this.at += 1;
    return true;
  }
}
