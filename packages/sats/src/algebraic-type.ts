/**
 * The algebraic types: what a value can be.
 *
 * A type is a plain frozen tree; `Ref` points into a `Typespace` and is the only way to recurse.
 * Two types are equal when their structure is, names included.
 */

export type PrimitiveKind =
  | "String"
  | "Bool"
  | "I8"
  | "U8"
  | "I16"
  | "U16"
  | "I32"
  | "U32"
  | "I64"
  | "U64"
  | "I128"
  | "U128"
  | "I256"
  | "U256"
  | "F32"
  | "F64";

/** A product's element or a sum's variant. */
export interface Member {
  readonly name: string | undefined;
  readonly type: AlgebraicType;
}

export interface PrimitiveType {
  readonly kind: PrimitiveKind;
}
export interface RefType {
  readonly kind: "Ref";
  readonly index: number;
}
export interface ArrayType {
  readonly kind: "Array";
  readonly element: AlgebraicType;
}
export interface ProductType {
  readonly kind: "Product";
  readonly elements: readonly Member[];
}
export interface SumType {
  readonly kind: "Sum";
  readonly variants: readonly Member[];
}

export type AlgebraicType = PrimitiveType | RefType | ArrayType | ProductType | SumType;

/** The types that `Ref`s point at, by position. */
export type Typespace = readonly AlgebraicType[];
