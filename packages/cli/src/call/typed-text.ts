/**
 * An argument as a person types it becomes the JSON that a call takes, by the type that is wanted:
 *
 *   Text            hello · "hello"                 Option<T>   what T takes · none
 *   Identity        c200… · 0xc200…                 a sum       Red · Circle(5) · {"Circle": 5}
 *   Timestamp       2026-11-30T12:00:00Z            a product   {x: 1, y: 2} · [1, 2]
 *   TimeDuration    5s · 1h30m · -250ms             an array    [1, 2] · [red, blue]
 *   Bytes           00ff · 0x00ff                   a number    7 · 0xff · 1_000_000 · 1.5
 *
 * Quotes may be left out wherever nothing else can be meant. All that the JSON of a call may be is taken as well, and
 * before anything else, and so is what `sql` shows of a value.
 */
import {
  isBytes,
  isOption,
  specialKind,
  type AlgebraicType,
  type Member,
  type PrimitiveKind,
  type ProductType,
  type SpecialKind,
  type SumType,
  typeText,
} from "@lightcone/sats";
import { findNamed } from "../api/names.ts";
import {
  bytesDigits,
  connectionIdNumber,
  durationMicros,
  identityDigits,
  timestampMicros,
  uuidNumber,
} from "./special-text.ts";

/** Why a text is no value of its type. */
export class NotAValue extends Error {
  /** How far the text was read: of several readings the one that got furthest is told of. */
  readonly at: number;

  constructor(reason: string, at: number) {
    super(reason);
    this.at = at;
  }
}

/**
 * The JSON of an argument.
 *
 * @throws {NotAValue} when the text is no value of the type
 */
export function argumentJson(type: AlgebraicType, text: string): string {
  return new TypedReader(text).whole(type);
}

/** What a bare word within brackets ends at. */
const wordShape = /[^,[\]{}()]*/y;
const keyShape = /[^,[\]{}():="\s]+/y;
const stringShape = /"(?:[^"\\]|\\.)*"/y;
const spaceShape = /\s*/y;
const integerShape = /^([+-]?)(?:(\d+(?:_\d+)*)|0x([\da-f]+(?:_[\da-f]+)*))$/i;
const floatShape = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

class TypedReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The whole text as one value. */
  whole(type: AlgebraicType): string {
    if (type.kind === "String") return JSON.stringify(this.wholeString());
    // What an option holds is then the whole text, too.
    const json = isOption(type) ? this.option(type as SumType, true) : this.value(type);
    this.end();
    return json;
  }

  /** JSON's string where it is one, or else the text as it is. */
  private wholeString(): string {
    const rest = this.text.slice(this.at);
    this.at = this.text.length;
    try {
      const parsed: unknown = rest.trimStart().startsWith('"') ? JSON.parse(rest) : rest;
      return typeof parsed === "string" ? parsed : rest;
    } catch {
      return rest;
    }
  }

  private end(): void {
    this.space();
    if (this.at < this.text.length) this.fail(`${this.shown(this.text.slice(this.at))} is left over`);
  }

  private value(type: AlgebraicType): string {
    const special = specialKind(type);
    if (special !== undefined) return this.special(special, type);
    switch (type.kind) {
      case "String":
        return JSON.stringify(this.word());
      case "Bool":
        return this.bool();
      case "F32":
      case "F64":
        return this.float(type.kind);
      case "Array":
        return isBytes(type) && this.next() !== "[" ? this.bytes() : this.array(type.element);
      case "Product":
        return this.product(type);
      case "Sum":
        return isOption(type) ? this.option(type, false) : this.sum(type);
      case "Ref":
        return this.fail("a type that contains itself has no text here: give it as JSON to the HTTP interface");
      default:
        return this.integer(type.kind);
    }
  }

  // --- parts of the text

  private fail(reason: string): never {
    throw new NotAValue(reason, this.at);
  }

  private shown(text: string): string {
    return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  }

  private match(shape: RegExp): string | undefined {
    shape.lastIndex = this.at;
    const found = shape.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private space(): void {
    this.match(spaceShape);
  }

  private next(): string | undefined {
    this.space();
    return this.text[this.at];
  }

  private takes(sign: string): boolean {
    if (this.next() !== sign) return false;
    this.at += sign.length;
    return true;
  }

  private must(sign: string, where: string): void {
    if (this.takes(sign)) return;
    const rest = this.text.slice(this.at);
    this.fail(
      `${where} goes on with \`${sign}\`, ${rest === "" ? "and the text ends" : `not with ${this.shown(rest)}`}`,
    );
  }

  /** A text in quotes; undefined if none begins here. */
  private quoted(): string | undefined {
    if (this.next() !== '"') return undefined;
    const from = this.at;
    const literal = this.match(stringShape);
    try {
      if (literal !== undefined) return JSON.parse(literal) as string; // a string, since it begins with a quote
    } catch {
      // An escape that JSON does not know.
    }
    this.at = from;
    return this.fail("a text in quotes is not closed, or has an escape that JSON does not know");
  }

  /** A text in quotes, or what stands up to the next comma or bracket. */
  private word(): string {
    return this.quoted() ?? (this.match(wordShape) ?? "").trimEnd();
  }

  /** Takes a word that `read` makes sense of. */
  private wordAs<T>(read: (word: string) => T | undefined, what: string): T {
    this.space();
    const from = this.at;
    const word = this.word();
    const value = read(word);
    if (value !== undefined) return value;
    this.at = from;
    return this.fail(word === "" ? `there is no ${what} in it` : `${this.shown(word)} is no ${what}`);
  }

  // --- values by type

  private bool(): string {
    return this.wordAs((word) => (/^(?:true|false)$/i.test(word) ? word.toLowerCase() : undefined), "Bool");
  }

  private integer(kind: PrimitiveKind): string {
    const bits = Number(kind.slice(1));
    const isSigned = kind.startsWith("I");
    const value = this.wordAs((word) => {
      const [, sign = "", decimal, hex] = integerShape.exec(word) ?? [];
      if (decimal === undefined && hex === undefined) return undefined;
      const size = BigInt((decimal ?? `0x${hex}`).replaceAll("_", ""));
      return sign === "-" ? -size : size;
    }, kind);
    const least = isSigned ? -(1n << BigInt(bits - 1)) : 0n;
    const most = (1n << BigInt(isSigned ? bits - 1 : bits)) - 1n;
    if (value < least || value > most) this.fail(`${value} is not between ${least} and ${most}`);
    // The wide ones stand in JSON as hex.
    if (bits < 256) return String(value);
    return value < 0n ? `"-0x${(-value).toString(16)}"` : `"0x${value.toString(16)}"`;
  }

  private float(kind: PrimitiveKind): string {
    const value = this.wordAs((word) => (floatShape.test(word) ? Number(word) : undefined), kind);
    const isTooLarge = !Number.isFinite(kind === "F32" ? Math.fround(value) : value);
    if (isTooLarge) this.fail(`the number is too large for ${kind}`);
    return Object.is(value, -0) ? "-0.0" : String(value);
  }

  private bytes(): string {
    return `"${this.wordAs(bytesDigits, "Bytes")}"`;
  }

  private special(kind: SpecialKind, type: AlgebraicType): string {
    const first = this.next();
    const isJson = first === "{" || first === "[" || first === "(";
    if (type.kind === "Sum") return isJson ? this.sum(type) : this.scheduleAt();
    if (type.kind === "Product" && isJson) return this.product(type);
    return `[${this.specialNumber(kind)}]`;
  }

  private specialNumber(kind: SpecialKind): string {
    const numberOr = (read: (word: string) => bigint | undefined) => (word: string) =>
      read(word) ?? (/^\d+$/.test(word) && BigInt(word) < 1n << 128n ? BigInt(word) : undefined);
    switch (kind) {
      case "Identity":
        return `"0x${this.wordAs(identityDigits, kind)}"`;
      case "ConnectionId":
        return String(this.wordAs(numberOr(connectionIdNumber), kind));
      case "Uuid":
        return String(this.wordAs(uuidNumber, kind));
      case "Timestamp":
        return String(this.wordAs(timestampMicros, kind));
      case "TimeDuration":
      case "ScheduleAt":
        return String(this.wordAs(durationMicros, kind));
    }
  }

  /** A duration is an interval, a time is once. */
  private scheduleAt(): string {
    return this.wordAs((word) => {
      const interval = durationMicros(word);
      if (interval !== undefined) return `[0,[${interval}]]`;
      const time = timestampMicros(word);
      return time === undefined ? undefined : `[1,[${time}]]`;
    }, "ScheduleAt");
  }

  private array(element: AlgebraicType): string {
    if (!this.takes("[")) this.fail(`${this.shown(this.word())} is no array: it stands in brackets, as [a, b]`);
    const items: string[] = [];
    if (this.takes("]")) return "[]";
    for (;;) {
      items.push(this.value(element));
      if (this.takes("]")) return `[${items.join(",")}]`;
      this.must(",", "an array");
    }
  }

  private product({ elements }: ProductType): string {
    const open = this.next() ?? "";
    const isList = open === "[" || (open === "(" && !this.isFirstKeyed(elements));
    if (isList) {
      this.at += 1;
      return this.inOrder(elements, open === "[" ? "]" : ")");
    }
    if (open !== "{" && open !== "(")
      this.fail(`${this.shown(this.word())} is no ${typeText({ kind: "Product", elements })}`);
    this.at += 1;
    return this.byName(elements, open === "{" ? "}" : ")");
  }

  /** Whether a bracket that opens is followed by a name and `=`, as `sql` shows products. */
  private isFirstKeyed(elements: readonly Member[]): boolean {
    const from = this.at;
    this.at += 1;
    const key = this.quoted() ?? (this.space(), this.match(keyShape));
    const isKeyed = key !== undefined && findNamed(elements, key) !== undefined && this.next() === "=";
    this.at = from;
    return isKeyed;
  }

  private inOrder(elements: readonly Member[], close: string): string {
    const values: string[] = [];
    for (const [index, element] of elements.entries()) {
      if (index > 0) this.must(",", `a list of ${elements.length} values`);
      values.push(this.value(element.type));
    }
    this.must(close, `a list of ${elements.length} values`);
    return `[${values.join(",")}]`;
  }

  private byName(elements: readonly Member[], close: string): string {
    const values = new Map<Member, string>();
    if (!this.takes(close)) {
      for (;;) {
        const [member] = this.key(elements, "field");
        if (values.has(member)) this.fail(`\`${member.name}\` is given twice`);
        values.set(member, this.value(member.type));
        if (this.takes(close)) break;
        this.must(",", "an object");
      }
    }
    const missing = elements.filter((element) => !values.has(element)).map(({ name }) => `\`${name}\``);
    if (missing.length > 0) this.fail(`${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing`);
    return `[${elements.map((element) => values.get(element)).join(",")}]`;
  }

  /** A name among those there are, and its sign: `name:`, or `name =` as `sql` shows it. */
  private key(members: readonly Member[], what: string): readonly [Member, number] {
    this.space();
    const from = this.at;
    const key = this.quoted() ?? this.match(keyShape) ?? "";
    const member = memberOf(members, key);
    if (member === undefined) {
      this.at = from;
      this.fail(`there is no ${what} ${this.shown(key)}: there is ${namesOf(members)}`);
    }
    if (!this.takes(":")) this.must("=", `\`${key}\``);
    return [member, members.indexOf(member)];
  }

  private option(type: SumType, isWhole: boolean): string {
    const from = this.at;
    const [some] = type.variants;
    if (some === undefined) return this.fail("an option without a type");
    const first = this.next();
    if (first !== '"') {
      const asSum = this.trial(() => {
        const json = this.sum(type, true);
        if (isWhole) this.end();
        return json;
      });
      if (typeof asSum === "string") return asSum;
      this.at = from;
      const asIs = this.trial(() => this.some(some.type, isWhole));
      if (typeof asIs === "string") return asIs;
      // What opens like an option's own form is an option's own form, if that got further.
      throw asSum.at > asIs.at ? asSum : asIs;
    }
    return this.some(some.type, isWhole);
  }

  private some(type: AlgebraicType, isWhole: boolean): string {
    if (isWhole && type.kind === "String") return `[0,${JSON.stringify(this.wholeString())}]`;
    return `[0,${isWhole && isOption(type) ? this.option(type as SumType, true) : this.value(type)}]`;
  }

  private trial(read: () => string): string | NotAValue {
    try {
      return read();
    } catch (error) {
      if (error instanceof NotAValue) return error;
      throw error;
    }
  }

  /** @param isOfOption whether `null` stands for none */
  private sum(type: SumType, isOfOption = false): string {
    const { variants } = type;
    switch (this.next()) {
      case "{":
        return this.keyedSum(variants);
      case "[":
        return this.taggedSum(variants);
      case "(": {
        // As `sql` shows it: `(Circle = 5)`.
        this.at += 1;
        const [variant, tag] = this.key(variants, "variant");
        const value = this.value(variant.type);
        this.must(")", "a variant");
        return `[${tag},${value}]`;
      }
      default:
        return this.namedSum(type, isOfOption);
    }
  }

  /** `{"Circle": 5}`, or as TypeScript has it, `{"tag": "Circle", "value": 5}`. */
  private keyedSum(variants: readonly Member[]): string {
    const from = this.at;
    const asKey = this.trial(() => {
      this.at += 1;
      const [variant, tag] = this.key(variants, "variant");
      const value = this.value(variant.type);
      this.must("}", "an object with one key, a variant,");
      return `[${tag},${value}]`;
    });
    if (typeof asKey === "string") return asKey;
    const keyedAt = this.at;
    this.at = from + 1;
    this.space();
    if ((this.quoted() ?? this.match(keyShape)) !== "tag" || !this.takes(":")) {
      this.at = keyedAt;
      throw asKey;
    }
    const name = this.word();
    const variant = findNamed(variants, name);
    if (variant === undefined) return this.fail(`${this.shown(name)} is none of ${namesOf(variants)}`);
    let value = "[]";
    if (this.takes(",")) {
      this.space();
      if ((this.quoted() ?? this.match(keyShape)) !== "value") this.fail("behind `tag` comes `value`");
      this.must(":", "`value`");
      value = this.value(variant.type);
    } else if (!isUnitType(variant.type)) this.fail(`\`${name}\` needs a value: ${typeText(variant.type)}`);
    this.must("}", "an object with `tag` and `value`");
    return `[${variants.indexOf(variant)},${value}]`;
  }

  /** `[tag, payload]`; the tag is a number or a name. */
  private taggedSum(variants: readonly Member[]): string {
    this.at += 1;
    const word = this.word();
    const tag = /^\d{1,3}$/.test(word) ? Number(word) : variants.findIndex(({ name }) => name === word);
    const variant = variants[tag];
    if (variant === undefined) return this.fail(`${this.shown(word)} is none of ${namesOf(variants)}`);
    this.must(",", "a list of tag and value");
    const value = this.value(variant.type);
    this.must("]", "a list of tag and value");
    return `[${tag},${value}]`;
  }

  /** `Red`, `Circle(5)`, `Point(1, 2)`. */
  private namedSum({ variants }: SumType, isOfOption: boolean): string {
    this.space();
    const from = this.at;
    const quoted = this.quoted();
    const name = quoted ?? (this.match(wordShape) ?? "").trimEnd();
    const wanted = isOfOption && name === "null" ? "none" : name;
    // A text that an option may hold is left alone.
    const isExact = isOfOption && variants[0]?.type.kind === "String";
    const numbered = memberOf(variants, wanted);
    // A bare number stands for a variant that has no other name.
    const named = numbered?.name === undefined ? numbered : findNamed(variants, wanted);
    const variant = isExact ? variants.find((each) => each.name === wanted) : named;
    if (variant === undefined) {
      this.at = from;
      return this.fail(`${this.shown(name)} is none of ${namesOf(variants)}`);
    }
    const tag = variants.indexOf(variant);
    if (quoted === undefined && this.next() === "(") return `[${tag},${this.payload(variant.type)}]`;
    if (!isUnitType(variant.type))
      this.fail(`\`${variant.name}\` needs a value: ${variant.name}(${typeText(variant.type)})`);
    return `[${tag},[]]`;
  }

  private payload(type: AlgebraicType): string {
    const from = this.at;
    const asOne = this.trial(() => {
      this.at += 1;
      const value = this.value(type);
      this.must(")", "a variant's value");
      return value;
    });
    if (typeof asOne === "string") return asOne;
    if (type.kind !== "Product" || specialKind(type) !== undefined) throw asOne;
    this.at = from;
    return this.product(type);
  }
}

/** A member by its name, or else by its number: some have no name. */
function memberOf(members: readonly Member[], word: string): Member | undefined {
  return findNamed(members, word) ?? (/^\d{1,3}$/.test(word) ? members[Number(word)] : undefined);
}

function isUnitType(type: AlgebraicType): boolean {
  return type.kind === "Product" && type.elements.length === 0;
}

function namesOf(members: readonly Member[]): string {
  if (members.length === 0) return "nothing";
  return members.map(({ name }, at) => name ?? String(at)).join(", ");
}
