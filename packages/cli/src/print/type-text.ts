/** A type as a person writes it. */
import { isBytes, isOption, isUnit, specialKind, type AlgebraicType } from "@lightcone/sats";

export function typeText(type: AlgebraicType): string {
  const special = specialKind(type);
  if (special !== undefined) return special;
  if (isBytes(type)) return "Bytes";
  switch (type.kind) {
    case "Array":
      return `Array<${typeText(type.element)}>`;
    case "Sum":
      if (isOption(type)) return `Option<${type.variants[0] === undefined ? "" : typeText(type.variants[0].type)}>`;
      return `(${type.variants.map(({ name, type: inner }, at) => `${name ?? at}${isUnit(inner) ? "" : `: ${typeText(inner)}`}`).join(" | ")})`;
    case "Product":
      return `{ ${type.elements.map(({ name, type: inner }, at) => `${name ?? at}: ${typeText(inner)}`).join(", ")} }`;
    case "Ref":
      return `&${type.index}`;
    default:
      return type.kind;
  }
}
