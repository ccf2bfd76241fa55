/** The order of values as docs/semantics/order-and-equality.md words it, plainly: the model that comparators are held to. */
import type { AlgebraicType } from "../algebraic-type.ts";
import { encodeUtf8 } from "../utf8.ts";
import { hasElementNames, isBytes, isOption, isResult, isUnit, specialProduct } from "../type-predicates.ts";

type Fields = Readonly<Record<string, unknown>>;

export function compareValues(type: AlgebraicType, a: unknown, b: unknown): number {
  switch (type.kind) {
    case "String":
      return compareLists([...encodeUtf8(a as string)], [...encodeUtf8(b as string)], compareNumbers);
    case "F32":
    case "F64":
      return compareNumbers(a as number, b as number);
    case "Array":
      if (isBytes(type)) return compareLists([...(a as Uint8Array)], [...(b as Uint8Array)], compareNumbers);
      return compareLists(a as unknown[], b as unknown[], (x, y) => compareValues(type.element, x, y));
    case "Product": {
      const special = specialProduct(type);
      const inner = type.elements[0];
      if (special !== undefined && inner?.name !== undefined) {
        return compareValues(inner.type, (a as Fields)[inner.name], (b as Fields)[inner.name]);
      }
      const named = hasElementNames(type);
      for (const [index, element] of type.elements.entries()) {
        const key = named ? (element.name ?? "") : String(index);
        const order = compareValues(element.type, (a as Fields)[key], (b as Fields)[key]);
        if (order !== 0) return order;
      }
      return 0;
    }
    case "Sum": {
      const [left, right] = [partsOfSum(type, a), partsOfSum(type, b)];
      if (left.tag !== right.tag) return left.tag < right.tag ? -1 : 1;
      const payload = type.variants[left.tag]?.type;
      return payload === undefined || isUnit(payload) ? 0 : compareValues(payload, left.payload, right.payload);
    }
    default:
      return (a as bigint) < (b as bigint) ? -1 : (a as bigint) > (b as bigint) ? 1 : 0;
  }
}

function partsOfSum(type: AlgebraicType & { kind: "Sum" }, value: unknown): { tag: number; payload: unknown } {
  const first = type.variants[0];
  if (isOption(type) && first !== undefined && !isOption(first.type)) {
    return value === undefined ? { tag: 1, payload: undefined } : { tag: 0, payload: value };
  }
  if (isResult(type)) {
    const fields = value as Fields;
    return "ok" in fields ? { tag: 0, payload: fields["ok"] } : { tag: 1, payload: fields["err"] };
  }
  const { tag, value: payload } = value as { tag: unknown; value?: unknown };
  return { tag: type.variants.findIndex(({ name }, index) => (name ?? index) === tag), payload };
}

function compareNumbers(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareLists<T>(a: readonly T[], b: readonly T[], compare: (x: T, y: T) => number): number {
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const order = compare(a[index] as T, b[index] as T); // in range
    if (order !== 0) return order;
  }
  return compareNumbers(a.length, b.length);
}
