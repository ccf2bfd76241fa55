/** A type as messages show it: `(id: U32, name: String)`, `(some: U8 | none: ())`, `Array<T>`, `&0`. */
import type { AlgebraicType } from "./algebraic-type.ts";

export function formatType(type: AlgebraicType): string {
  switch (type.kind) {
    case "Ref":
      return `&${type.index}`;
    case "Array":
      return `Array<${formatType(type.element)}>`;
    case "Product":
      return `(${type.elements.map(({ name, type: inner }, index) => `${name ?? index}: ${formatType(inner)}`).join(", ")})`;
    case "Sum": {
      if (type.variants.length === 0) return "(|)";
      const variants = type.variants.map(({ name, type: inner }) =>
        name === undefined ? formatType(inner) : `${name}: ${formatType(inner)}`,
      );
      return `(${variants.join(" | ")})`;
    }
    default:
      return type.kind;
  }
}
