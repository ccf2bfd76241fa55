/** A type as a person writes it. */
import type { AlgebraicType, Typespace } from "./algebraic-type.ts";
import { isBytes, isOption, isUnit, specialKind } from "./type-predicates.ts";

/** What `Ref`s stand for: names, and the types that have none. */
export interface TypeNames {
  readonly typespace: Typespace;
  readonly typeNames: ReadonlyMap<number, string>;
}

const none: TypeNames = { typespace: [], typeNames: new Map() };

export function typeText(type: AlgebraicType, names: TypeNames = none): string {
  const special = specialKind(type);
  if (special !== undefined) return special;
  if (isBytes(type)) return "Bytes";
  if (isUnit(type)) return "()";
  const inner = (part: AlgebraicType): string => typeText(part, names);
  switch (type.kind) {
    case "Array":
      return `Array<${inner(type.element)}>`;
    case "Sum":
      if (isOption(type)) return `Option<${type.variants[0] === undefined ? "" : inner(type.variants[0].type)}>`;
      return `(${type.variants.map(({ name, type: value }, at) => `${name ?? at}${isUnit(value) ? "" : `: ${inner(value)}`}`).join(" | ")})`;
    case "Product":
      return `{ ${type.elements.map(({ name, type: value }, at) => `${name ?? at}: ${inner(value)}`).join(", ")} }`;
    case "Ref": {
      const target = names.typespace[type.index];
      return names.typeNames.get(type.index) ?? (target === undefined ? `&${type.index}` : inner(target));
    }
    default:
      return type.kind;
  }
}
