/** An example of a value, as `typed-text.ts` takes it. */
import { isBytes, isOption, isUnit, specialKind, type AlgebraicType, type Member } from "@lightcone/sats";

const specials = {
  Identity: "c200d7a3c1f2b4e5968778695a4b3c2d1e0f00112233445566778899aabbccdd",
  ConnectionId: "0123456789abcdef0123456789abcdef",
  Timestamp: "2026-11-30T12:00:00Z",
  TimeDuration: "1h30m",
  Uuid: "0192f5c0-0000-7000-8000-000000000001",
  ScheduleAt: "10s",
} as const;

/** @param isWhole whether it is the whole argument: a text needs no quotes then */
export function exampleText(type: AlgebraicType, isWhole = true): string {
  const special = specialKind(type);
  if (special !== undefined) return specials[special];
  if (isBytes(type)) return "0x00ff";
  switch (type.kind) {
    case "String":
      return isWhole ? "hello" : '"hello"';
    case "Bool":
      return "true";
    case "F32":
    case "F64":
      return "1.5";
    case "Array":
      return `[${exampleText(type.element, false)}]`;
    case "Product":
      return productText(type.elements);
    case "Sum":
      return isOption(type) ? optionText(type.variants, isWhole) : sumText(type.variants);
    case "Ref":
      return "{}";
    default:
      return "7";
  }
}

function productText(elements: readonly Member[]): string {
  if (elements.some(({ name }) => name === undefined))
    return `[${elements.map((each) => exampleText(each.type, false)).join(", ")}]`;
  return `{${elements.map((each) => `${nameText(each.name)}: ${exampleText(each.type, false)}`).join(", ")}}`;
}

/** What it holds, where that cannot be taken for a form of the option itself. */
function optionText([some]: readonly Member[], isWhole: boolean): string {
  if (some === undefined) return "none";
  const inner = exampleText(some.type, isWhole);
  return /^[[{(]|^(?:some|none|null)$/i.test(inner) ? `{"some": ${exampleText(some.type, false)}}` : inner;
}

function sumText(variants: readonly Member[]): string {
  const plain = variants.find(({ name, type }) => isUnit(type) && name !== undefined && plainShape.test(name));
  if (plain?.name !== undefined) return plain.name;
  const [first] = variants;
  if (first === undefined) return "";
  const value = exampleText(first.type, false);
  return first.name === undefined ? `[0, ${value}]` : `{${nameText(first.name)}: ${value}}`;
}

const plainShape = /^[a-z_]\w*$/i;

function nameText(name: string | undefined): string {
  return name !== undefined && plainShape.test(name) ? name : JSON.stringify(name);
}

/** A word as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
