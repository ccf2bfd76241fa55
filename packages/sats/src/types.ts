/** Makes types, and tells them apart: constructors, constants, predicates, equality. */
import type {
  AlgebraicType,
  ArrayType,
  Member,
  PrimitiveKind,
  PrimitiveType,
  ProductType,
  RefType,
  SumType,
} from "./algebraic-type.ts";

const primitive = (kind: PrimitiveKind): PrimitiveType => Object.freeze({ kind });

/** The types without parts. */
export const t = Object.freeze({
  string: primitive("String"),
  bool: primitive("Bool"),
  i8: primitive("I8"),
  u8: primitive("U8"),
  i16: primitive("I16"),
  u16: primitive("U16"),
  i32: primitive("I32"),
  u32: primitive("U32"),
  i64: primitive("I64"),
  u64: primitive("U64"),
  i128: primitive("I128"),
  u128: primitive("U128"),
  i256: primitive("I256"),
  u256: primitive("U256"),
  f32: primitive("F32"),
  f64: primitive("F64"),
});

/** A member list: by name, or unnamed in order. */
type Members = Readonly<Record<string, AlgebraicType>> | readonly AlgebraicType[];

function membersOf(members: Members): Member[] {
  if (Array.isArray(members)) return members.map((type: AlgebraicType) => ({ name: undefined, type }));
  return Object.entries(members).map(([name, type]) => ({ name, type }));
}

/** A product of elements named by key, or unnamed from a list. */
export const product = (elements: Members): ProductType => ({ kind: "Product", elements: membersOf(elements) });
/** A sum of variants named by key, or unnamed from a list. */
export const sum = (variants: Members): SumType => ({ kind: "Sum", variants: membersOf(variants) });
export const array = (element: AlgebraicType): ArrayType => ({ kind: "Array", element });
export const ref = (index: number): RefType => ({ kind: "Ref", index });

// A bundler may leave out what a page does not use of these.

/** The product without elements. */
export const unit: ProductType = /* @__PURE__ */ product([]);
/** The sum without variants: it has no values. */
export const never: SumType = /* @__PURE__ */ sum([]);
export const bytes: ArrayType = /* @__PURE__ */ array(t.u8);
export const option = (some: AlgebraicType): SumType => sum({ some, none: unit });
export const result = (ok: AlgebraicType, err: AlgebraicType): SumType => sum({ ok, err });

export const identity: ProductType = /* @__PURE__ */ product({ __identity__: t.u256 });
export const connectionId: ProductType = /* @__PURE__ */ product({ __connection_id__: t.u128 });
export const timestamp: ProductType = /* @__PURE__ */ product({ __timestamp_micros_since_unix_epoch__: t.i64 });
export const timeDuration: ProductType = /* @__PURE__ */ product({ __time_duration_micros__: t.i64 });
export const uuid: ProductType = /* @__PURE__ */ product({ __uuid__: t.u128 });
export const scheduleAt: SumType = /* @__PURE__ */ sum({ Interval: timeDuration, Time: timestamp });

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
