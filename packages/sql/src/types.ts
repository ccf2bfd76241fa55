/** What SQL needs to know of types: which can be compared, and which have literals of a form of their own. */
import { isBytes, specialProduct, type AlgebraicType, type SpecialProduct } from "@lightcone/sats";

/** The literal form of a type that has one of its own; undefined for the rest. */
export function literalForm(type: AlgebraicType): SpecialProduct | "bytes" | undefined {
  return isBytes(type) ? "bytes" : specialProduct(type);
}

/** Whether the six comparison operators take the type. */
export function isComparable(type: AlgebraicType): boolean {
  if (isBytes(type)) return true;
  const special = specialProduct(type);
  if (special !== undefined) return special !== "TimeDuration";
  return !["Ref", "Array", "Product", "Sum"].includes(type.kind);
}
