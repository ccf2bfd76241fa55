import { isBytes, isOption, isUnit, specialKind, type AlgebraicType } from "@lightcone/sats";

/** A type as an author of modules would say it. */
export function wordOf(type: AlgebraicType): string {
  const special = specialKind(type);
  if (special !== undefined) return special;
  if (isBytes(type)) return "bytes";
  switch (type.kind) {
    case "Array":
      return `array of ${wordOf(type.element)}`;
    case "Sum": {
      const [some] = type.variants;
      if (isOption(type) && some !== undefined) return `option of ${wordOf(some.type)}`;
      return `enum of ${type.variants.map(({ name }) => name).join(", ")}`;
    }
    case "Product":
      return isUnit(type) ? "unit" : `object of ${type.elements.map(({ name }) => name).join(", ")}`;
    case "Ref":
      return "another type";
    default:
      return type.kind.toLowerCase();
  }
}
