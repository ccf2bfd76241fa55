/** Tells types apart: which are special, predicates, equality. A page has these without the types of `types.ts`. */
import type { AlgebraicType, Member, PrimitiveKind, ProductType, SumType } from "./algebraic-type.ts";

export type SpecialProduct = "Identity" | "ConnectionId" | "Timestamp" | "TimeDuration" | "Uuid";
export type SpecialKind = SpecialProduct | "ScheduleAt";

const specialProducts: Readonly<Record<string, { kind: SpecialProduct; inner: PrimitiveKind }>> = {
  __identity__: { kind: "Identity", inner: "U256" },
  __connection_id__: { kind: "ConnectionId", inner: "U128" },
  __timestamp_micros_since_unix_epoch__: { kind: "Timestamp", inner: "I64" },
  __time_duration_micros__: { kind: "TimeDuration", inner: "I64" },
  __uuid__: { kind: "Uuid", inner: "U128" },
};

/** Which of the special products this is: told by structure alone. */
export function specialProduct(type: AlgebraicType): SpecialProduct | undefined {
  if (type.kind !== "Product" || type.elements.length !== 1) return undefined;
  const element = type.elements[0];
  if (element?.name === undefined || !Object.hasOwn(specialProducts, element.name)) return undefined;
  const special = specialProducts[element.name];
  return special?.inner === element.type.kind ? special.kind : undefined;
}

/** Which of the special types this is: told by structure alone. */
export function specialKind(type: AlgebraicType): SpecialKind | undefined {
  if (type.kind === "Sum") return isSumOf(type, "Interval", "Time") && isScheduleAt(type) ? "ScheduleAt" : undefined;
  return specialProduct(type);
}

function isScheduleAt(type: SumType): boolean {
  const [interval, time] = type.variants;
  return (
    interval !== undefined &&
    time !== undefined &&
    specialProduct(interval.type) === "TimeDuration" &&
    specialProduct(time.type) === "Timestamp"
  );
}

function isSumOf(type: AlgebraicType, first: string, second: string): boolean {
  return (
    type.kind === "Sum" &&
    type.variants.length === 2 &&
    type.variants[0]?.name === first &&
    type.variants[1]?.name === second
  );
}

export function isUnit(type: AlgebraicType): boolean {
  return type.kind === "Product" && type.elements.length === 0;
}

export function isBytes(type: AlgebraicType): boolean {
  return type.kind === "Array" && type.element.kind === "U8";
}

export function isOption(type: AlgebraicType): boolean {
  if (type.kind !== "Sum" || !isSumOf(type, "some", "none")) return false;
  const none = type.variants[1];
  return none !== undefined && isUnit(none.type);
}

export function isResult(type: AlgebraicType): boolean {
  return isSumOf(type, "ok", "err");
}

/** Whether every variant carries nothing; so of `never` too. */
export function isSimpleEnum(type: AlgebraicType): boolean {
  return type.kind === "Sum" && type.variants.every((variant) => isUnit(variant.type));
}

/** Whether no element is unnamed and no name stands twice, so that values can be objects. */
export function hasElementNames(type: ProductType): boolean {
  const names = new Set<string>();
  for (const { name } of type.elements) {
    if (name === undefined || names.has(name)) return false;
    names.add(name);
  }
  return true;
}

/** The same structure, names included. `Ref`s are equal when their numbers are. */
export function typesEqual(a: AlgebraicType, b: AlgebraicType): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  if (a.kind === "Ref" && b.kind === "Ref") return a.index === b.index;
  if (a.kind === "Array" && b.kind === "Array") return typesEqual(a.element, b.element);
  if (a.kind === "Product" && b.kind === "Product") return membersEqual(a.elements, b.elements);
  if (a.kind === "Sum" && b.kind === "Sum") return membersEqual(a.variants, b.variants);
  return true;
}

function membersEqual(a: readonly Member[], b: readonly Member[]): boolean {
  return (
    a.length === b.length &&
    a.every((member, index) => {
      const other = b[index];
      return other !== undefined && member.name === other.name && typesEqual(member.type, other.type);
    })
  );
}
