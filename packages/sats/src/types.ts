/** Makes types: constructors and constants. `type-predicates.ts` tells them apart. */
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
