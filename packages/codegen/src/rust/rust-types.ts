/** A type as Rust writes it: by absolute paths, since a module's types may have any name. */
import {
  integerKinds,
  isOption,
  isResult,
  isSimpleEnum,
  isUnit,
  specialKind,
  type AlgebraicType,
} from "@lightcone/sats";
import type { ModuleDef } from "@lightcone/schema";
import type { RustBindings } from "./rust-bindings.ts";

const plain: Readonly<Partial<Record<AlgebraicType["kind"], string>>> = {
  Bool: "bool",
  String: "::std::string::String",
  I256: "__sats::i256",
  U256: "__sats::u256",
};

export interface TypePlace {
  /** What leads to the bindings' own files: `super::` or nothing. */
  readonly root: "super::" | "";
  /** The type whose fields or variants these are: what would hold itself is boxed. */
  readonly within?: number;
}

/** Writes types, and remembers whether one of them was an empty sum, which has a file of its own. */
export class RustTypes {
  private readonly bindings: RustBindings;
  hasNever = false;

  constructor(bindings: RustBindings) {
    this.bindings = bindings;
  }

  write(type: AlgebraicType, place: TypePlace): string {
    const special = specialKind(type);
    if (special !== undefined) return `__sdk::${special}`;
    switch (type.kind) {
      case "Ref":
        return this.writeRef(type.index, place);
      case "Array":
        return `::std::vec::Vec<${this.write(type.element, { root: place.root })}>`;
      case "Product":
        if (isUnit(type)) return "()";
        break;
      case "Sum": {
        const [first, second] = type.variants;
        if (first === undefined) {
          this.hasNever = true;
          return `${place.root}__never::__Never`;
        }
        if (isOption(type)) return `::core::option::Option<${this.write(first.type, place)}>`;
        if (second !== undefined && isResult(type))
          return `::core::result::Result<${this.write(first.type, place)}, ${this.write(second.type, place)}>`;
        break;
      }
      default:
        return plain[type.kind] ?? type.kind.toLowerCase();
    }
    throw new TypeError("a product or sum without a name in a checked module");
  }

  private writeRef(ref: number, place: TypePlace): string {
    const { module, typeByRef } = this.bindings;
    const named = typeByRef.get(ref);
    if (named === undefined) {
      const target = module.typespace[ref];
      if (target === undefined) throw new TypeError(`type ${ref} is not there in a checked module`);
      return this.write(target, place);
    }
    const path = `${place.root}${named.file}::${named.name}`;
    return place.within !== undefined && holds(module, ref, place.within) ? `::std::boxed::Box<${path}>` : path;
  }
}

/** Whether a value of the type at `ref` has one of `wanted` in itself, which a list does not. */
function holds(module: ModuleDef, ref: number, wanted: number): boolean {
  const seen = new Set<number>();
  const open = [ref];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === wanted) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    const type = module.typespace[at];
    if (type !== undefined) open.push(...heldBy(type));
  }
  return false;
}

function heldBy(type: AlgebraicType): readonly number[] {
  switch (type.kind) {
    case "Ref":
      return [type.index];
    case "Product":
      return type.elements.flatMap((element) => heldBy(element.type));
    case "Sum":
      return type.variants.flatMap((variant) => heldBy(variant.type));
    default:
      return [];
  }
}

/** Whether the crate's cache finds rows by values of this type. */
export function isFilterKey(module: ModuleDef, type: AlgebraicType): boolean {
  const target = resolved(module, type);
  const special = specialKind(target);
  if (special !== undefined) return special !== "ScheduleAt" && special !== "TimeDuration";
  return target.kind === "Bool" || target.kind === "String" || integerKinds.has(target.kind) || isSimpleEnum(target);
}

/** Whether values of this type are `Eq` and `Hash`, as those of a primary key must be. */
export function isHashable(module: ModuleDef, type: AlgebraicType): boolean {
  const target = resolved(module, type);
  if (isFilterKey(module, target) || specialKind(target) === "TimeDuration") return true;
  if (target.kind === "Array") return isHashable(module, target.element);
  if (target.kind === "Sum" && isOption(target)) return target.variants.every((each) => isHashable(module, each.type));
  return target.kind === "Product" && isUnit(target) && type.kind === "Product";
}

function resolved(module: ModuleDef, type: AlgebraicType): AlgebraicType {
  return type.kind === "Ref" ? resolved(module, module.typespace[type.index] ?? type) : type;
}
