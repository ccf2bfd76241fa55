/**
 * JSON, strictly (RFC 8259), into a tree that loses nothing: numbers keep their text, objects their order
 * and repeated keys. Depth is bounded; a lone surrogate in an escape is refused.
 */
import { LightconeError } from "@lightcone/base";
import { hexDigit } from "../hex.ts";
import { jsonDepthMax } from "../limits.ts";

/** A number as it was written. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An object's members in order; keys may repeat. */
export class JsonObject {
  readonly keys: readonly string[];
  readonly values: readonly JsonNode[];
  constructor(keys: readonly string[], values: readonly JsonNode[]) {
    this.keys = keys;
    this.values = values;
  }
}

export type JsonNode = null | boolean | string | JsonNumber | JsonObject | readonly JsonNode[];

/**
 * Reads one JSON text.
 *
 * @throws {LightconeError} `Malformed` with the position, or `TooDeep`
 */
export function parseJson(text: string, what = "JSON"): JsonNode {
  return new JsonReader(text, what).document();
}

/** The JSON of a tree, every number as it was written. */
export function jsonText(node: JsonNode): string {
  if (node instanceof JsonNumber) return node.text;
  if (node instanceof JsonObject)
    return `{${node.keys.map((key, at) => `${JSON.stringify(key)}:${jsonText(node.values[at] ?? null)}`).join(",")}}`;
  if (typeof node !== "object" || node === null) return JSON.stringify(node);
  return `[${node.map(jsonText).join(",")}]`;
}

const numberShape = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** What stands in a string for itself. */
// oxlint-disable-next-line no-control-regex -- JSON forbids bare controls in strings
const plainRun = /[^"\\\u0000-\u001f]*/y;

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

class JsonReader {
  private readonly text: string;
  private readonly what: string;
  private at = 0;

  constructor(text: string, what: string) {
    this.text = text;
    this.what = what;
  }

  document(): JsonNode {
    const node = this.value(0);
    this.space();
    if (this.at < this.text.length) this.fail("text is left over");
    return node;
  }

  private fail(reason: string): never {
    throw new LightconeError("Malformed", { what: this.what, reason, at: this.at });
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.at += 1;
    }
  }

  private value(depth: number): JsonNode {
    if (depth > jsonDepthMax) throw new LightconeError("TooDeep", { what: this.what, depthMax: jsonDepthMax });
    this.space();
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      case undefined:
        return this.fail("the text ends where a value should stand");
      default:
        return this.number();
    }
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail("no value begins so");
    this.at += word.length;
    return value;
  }

  private number(): JsonNumber {
    numberShape.lastIndex = this.at;
    const match = numberShape.exec(this.text);
    if (match === null) return this.fail("no value begins so");
    this.at = numberShape.lastIndex;
    return new JsonNumber(match[0]);
  }

  private string(): string {
    this.at += 1;
    let value = "";
    for (;;) {
      plainRun.lastIndex = this.at;
      value += plainRun.exec(this.text)?.[0] ?? "";
      this.at = plainRun.lastIndex;
      const next = this.text[this.at];
      if (next === '"') {
        this.at += 1;
        return value;
      }
      if (next !== "\\") this.fail(next === undefined ? "a string is not closed" : "a control character in a string");
      value += this.escape();
    }
  }

  private escape(): string {
    const letter = this.text[this.at + 1] ?? "";
    if (letter !== "u") {
      if (!Object.hasOwn(escapes, letter)) this.fail("an unknown escape");
      this.at += 2;
      return escapes[letter] ?? "";
    }
    const first = this.unit();
    if (first >= 0xdc00 && first < 0xe000) this.fail("half of a surrogate pair");
    if (first < 0xd800 || first >= 0xe000) return String.fromCharCode(first);
    if (this.text[this.at] !== "\\" || this.text[this.at + 1] !== "u") this.fail("half of a surrogate pair");
    const second = this.unit();
    if (second < 0xdc00 || second >= 0xe000) this.fail("half of a surrogate pair");
    return String.fromCharCode(first, second);
  }

  /** Reads `\uXXXX`. */
  private unit(): number {
    let unit = 0;
    for (let index = this.at + 2; index < this.at + 6; index += 1) {
      const digit = hexDigit(this.text.charCodeAt(index));
      if (!(digit >= 0)) this.fail("\\u takes four hex digits");
      unit = unit * 16 + digit;
    }
    this.at += 6;
    return unit;
  }

  private array(depth: number): JsonNode[] {
    this.at += 1;
    const items: JsonNode[] = [];
    this.space();
    if (this.text[this.at] === "]") {
      this.at += 1;
      return items;
    }
    for (;;) {
      items.push(this.value(depth + 1));
      this.space();
      const next = this.text[this.at];
      if (next !== "," && next !== "]") this.fail("an array goes on with a comma or ends");
      this.at += 1;
      if (next === "]") return items;
    }
  }

  private object(depth: number): JsonObject {
    this.at += 1;
    const keys: string[] = [];
    const values: JsonNode[] = [];
    this.space();
    if (this.text[this.at] === "}") {
      this.at += 1;
      return new JsonObject(keys, values);
    }
    for (;;) {
      this.space();
      if (this.text[this.at] !== '"') this.fail("a key is a string");
      keys.push(this.string());
      this.space();
      if (this.text[this.at] !== ":") this.fail("a colon follows a key");
      this.at += 1;
      values.push(this.value(depth + 1));
      this.space();
      const next = this.text[this.at];
      if (next !== "," && next !== "}") this.fail("an object goes on with a comma or ends");
      this.at += 1;
      if (next === "}") return new JsonObject(keys, values);
    }
  }
}
