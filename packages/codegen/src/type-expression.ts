/**
 * A type as an expression of the client library's builders: `__t.option(__t.u32())`, `Hull`.
 *
 * A named type is written as its name, and remembered, since its file has to be imported.
 */
import {
  isBytes,
  isOption,
  isResult,
  isUnit,
  specialKind,
  type AlgebraicType,
  type SpecialKind,
} from "@lightcone/sats";
import type { Bindings, BoundType } from "./bindings.ts";

const specialBuilders: Readonly<Record<SpecialKind, string>> = {
  Identity: "__t.identity()",
  ConnectionId: "__t.connectionId()",
  Timestamp: "__t.timestamp()",
  TimeDuration: "__t.timeDuration()",
  Uuid: "__t.uuid()",
  ScheduleAt: "__t.scheduleAt()",
};

/** `Ref`s to `Ref`s end here; the schema's own check refuses longer chains. */
const chainMax = 64;

export class TypeExpressions {
  private readonly bindings: Bindings;
  private readonly imported = new Map<string, BoundType>();

  constructor(bindings: Bindings) {
    this.bindings = bindings;
  }

  /** The named types written so far, by name. */
  imports(): readonly BoundType[] {
    return [...this.imported.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  write(type: AlgebraicType, chain = 0): string {
    const special = specialKind(type);
    if (special !== undefined) return specialBuilders[special];
    switch (type.kind) {
      case "Ref":
        return this.writeRef(type.index, chain);
      case "Array":
        return isBytes(type) ? "__t.byteArray()" : `__t.array(${this.write(type.element)})`;
      case "Product":
        if (isUnit(type)) return "__t.unit()";
        break;
      case "Sum": {
        const [first, second] = type.variants;
        if (first === undefined) return '__t.enum("Never", [])';
        if (isOption(type)) return `__t.option(${this.write(first.type)})`;
        if (second !== undefined && isResult(type))
          return `__t.result(${this.write(first.type)}, ${this.write(second.type)})`;
        break;
      }
      default:
        return `__t.${type.kind.toLowerCase()}()`;
    }
    throw new TypeError("a product or sum without a name in a checked module");
  }

  private writeRef(ref: number, chain: number): string {
    const named = this.bindings.typeByRef.get(ref);
    if (named !== undefined) {
      this.imported.set(named.name, named);
      return named.name;
    }
    const target = this.bindings.module.typespace[ref];
    if (target === undefined || chain > chainMax) throw new TypeError(`type ${ref} has no end in a checked module`);
    return this.write(target, chain + 1);
  }
}
