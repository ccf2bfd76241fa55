/** Finds where a JavaScript value does not match its type: the slow path behind generated writers. */
import type { AlgebraicType, ProductType, SumType, Typespace } from "./algebraic-type.ts";
import { formatType } from "./format-type.ts";
import { valueDepthMax } from "./limits.ts";
import { followRef } from "./refs.ts";
import { specialWords } from "./special-words.ts";
import { hasElementNames, isBytes, isOption, isResult, isUnit, specialKind } from "./type-predicates.ts";

/** Thrown by generated writers at a value that is not of its type. */
export class ValueMismatch extends Error {}

/** The error to report for a write of `value` that ended with `cause`. */
export function explainMismatch(type: AlgebraicType, typespace: Typespace, value: unknown, cause: unknown): unknown {
  const found = find(type, typespace, value, "", 0);
  if (found !== undefined) return new TypeError(found);
  return cause instanceof ValueMismatch ? new TypeError(`the value is not ${formatType(type)}`) : cause;
}

/** What is wrong with `value`, or undefined. `path` leads to it from the root. */
function find(
  type: AlgebraicType,
  typespace: Typespace,
  value: unknown,
  path: string,
  depth: number,
): string | undefined {
  if (depth >= valueDepthMax) return `${path}: nests deeper than ${valueDepthMax} levels`;
  const target = followRef(type, typespace);
  const inner = (part: AlgebraicType, partValue: unknown, step: string): string | undefined =>
    find(part, typespace, partValue, path + step, depth + 1);
  switch (target.kind) {
    case "Product":
      return findInProduct(target, value, path, inner);
    case "Sum":
      return findInSum(target, typespace, value, path, inner);
    case "Array":
      if (isBytes({ kind: "Array", element: followRef(target.element, typespace) })) {
        return value instanceof Uint8Array ? undefined : wrong(path, "bytes (Uint8Array)", value);
      }
      if (!Array.isArray(value)) return wrong(path, "an array", value);
      return firstOf(value.length, (index) => inner(target.element, value[index], `[${index}]`));
    case "String":
      if (typeof value !== "string") return wrong(path, "String", value);
      return value.isWellFormed()
        ? undefined
        : `${placeOf(path)}: a text with half a surrogate pair, which is no Unicode`;
    default:
      return isPrimitive(target.kind, value) ? undefined : wrong(path, primitiveName(target.kind), value);
  }
}

type Inner = (part: AlgebraicType, value: unknown, step: string) => string | undefined;

function findInProduct(type: ProductType, value: unknown, path: string, inner: Inner): string | undefined {
  if (typeof value !== "object" || value === null) return wrong(path, wordsOf(type), value);
  const special = specialKind(type);
  const [only] = type.elements;
  // Its one field is enough for a value of another copy of the library.
  if (special !== undefined && typeof Reflect.get(value, only?.name ?? "") !== "bigint")
    return wrong(path, specialWords[special], value);
  const named = hasElementNames(type);
  if (!named && (!Array.isArray(value) || value.length !== type.elements.length)) {
    return wrong(path, `an array of ${type.elements.length}`, value);
  }
  const fields = value as Readonly<Record<string, unknown>>;
  return firstOf(type.elements.length, (index) => {
    const element = type.elements[index];
    if (element === undefined) return undefined;
    const key = named && element.name !== undefined ? element.name : String(index);
    return inner(element.type, fields[key], named ? `.${key}` : `[${key}]`);
  });
}

function findInSum(
  type: SumType,
  typespace: Typespace,
  value: unknown,
  path: string,
  inner: Inner,
): string | undefined {
  const [first, second] = type.variants;
  if (isOption(type) && first !== undefined && !isOption(followRef(first.type, typespace))) {
    return value === undefined || value === null ? undefined : inner(first.type, value, "");
  }
  if (typeof value !== "object" || value === null) return wrong(path, wordsOf(type), value);
  if (isResult(type) && first !== undefined && second !== undefined) {
    if ("ok" in value) return inner(first.type, value.ok, ".ok");
    if ("err" in value) return inner(second.type, value.err, ".err");
    return wrong(path, "{ ok } or { err }", value);
  }
  const { tag, value: payload } = value as { tag?: unknown; value?: unknown };
  const variant = type.variants.find(({ name }, index) => (name ?? index) === tag);
  if (variant === undefined && specialKind(type) !== undefined) return wrong(path, wordsOf(type), value);
  if (variant === undefined) {
    const tags = type.variants.map(({ name }, index) => name ?? index).join(", ");
    return wrong(path, `a tag of ${tags}`, tag);
  }
  return isUnit(followRef(variant.type, typespace)) ? undefined : inner(variant.type, payload, `.${String(tag)}`);
}

function firstOf(count: number, look: (index: number) => string | undefined): string | undefined {
  for (let index = 0; index < count; index += 1) {
    const found = look(index);
    if (found !== undefined) return found;
  }
  return undefined;
}

function wrong(path: string, expected: string, value: unknown): string {
  return `${placeOf(path)}: expected ${expected}, got ${describe(value)}`;
}

const wordsOf = (type: AlgebraicType): string => {
  const special = specialKind(type);
  return special === undefined ? formatType(type) : specialWords[special];
};

const placeOf = (path: string): string => (path === "" ? "the value" : path.replace(/^\./, ""));

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "bigint") return `bigint ${value}`;
  if (typeof value === "number") return `number ${value}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  // Also of another realm.
  if (Object.prototype.toString.call(value) === "[object Date]") return "a Date";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

const primitiveName = (kind: string): string =>
  /^[IU](64|128|256)$/.test(kind) ? `${kind} (bigint)` : kind === "Bool" ? "Bool (boolean)" : kind;

function isPrimitive(kind: string, value: unknown): boolean {
  if (kind === "Bool") return typeof value === "boolean";
  if (kind.startsWith("F")) return typeof value === "number";
  const bits = Number(kind.slice(1));
  const signed = kind.startsWith("I");
  if (bits >= 64) {
    if (typeof value !== "bigint") return false;
    return (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value;
  }
  if (typeof value !== "number" || !Number.isInteger(value)) return false;
  const max = 2 ** (signed ? bits - 1 : bits) - 1;
  return value <= max && value >= (signed ? -max - 1 : 0);
}
