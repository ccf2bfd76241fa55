/**
 * Takes the `Ref`s out of types, within bounds.
 *
 * A few lines of description can name a type of any depth and of exponential size, and a type that holds
 * itself has no finite form at all. Nothing downstream checks these again, so they are refused here.
 */
import { typeDepthMax, typeNodesMax, type AlgebraicType, type Member, type Typespace } from "@lightcone/sats";

/** How many nodes all types in use may have together. */
export const moduleTypeNodesMax = 1_000_000;

interface Resolved {
  readonly type: AlgebraicType;
  readonly nodeCount: number;
  readonly depth: number;
}

class Unresolvable extends Error {}

export type Resolution =
  | { readonly kind: "ok"; readonly type: AlgebraicType }
  | { readonly kind: "failed"; readonly reason: string };

export class TypeResolver {
  private readonly typespace: Typespace;
  private readonly done: (Resolved | "open" | undefined)[];
  private readonly budget: { typeNodesLeft: number };

  /** @param budget what is left of `moduleTypeNodesMax` */
  constructor(typespace: Typespace, budget: { typeNodesLeft: number }) {
    this.typespace = typespace;
    this.budget = budget;
    this.done = Array.from({ length: typespace.length });
  }

  /** The type without `Ref`s, or why there is none. Shares what it resolved before. */
  resolve(type: AlgebraicType): Resolution {
    try {
      const resolved = this.resolveAt(type, 1);
      this.budget.typeNodesLeft -= resolved.nodeCount;
      if (this.budget.typeNodesLeft < 0)
        throw new Unresolvable(`the module's types have more than ${moduleTypeNodesMax} parts`);
      return { kind: "ok", type: resolved.type };
    } catch (error) {
      if (!(error instanceof Unresolvable)) throw error;
      return { kind: "failed", reason: error.message };
    }
  }

  private resolveAt(type: AlgebraicType, level: number): Resolved {
    if (level > typeDepthMax) throw new Unresolvable(`the type nests deeper than ${typeDepthMax} levels`);
    switch (type.kind) {
      case "Ref":
        return this.resolveRef(type.index, level);
      case "Array": {
        const element = this.resolveAt(type.element, level + 1);
        return grown({ kind: "Array", element: element.type }, [element]);
      }
      case "Product": {
        const members = type.elements.map((member) => this.resolveAt(member.type, level + 1));
        return grown({ kind: "Product", elements: withTypes(type.elements, members) }, members);
      }
      case "Sum": {
        const members = type.variants.map((member) => this.resolveAt(member.type, level + 1));
        return grown({ kind: "Sum", variants: withTypes(type.variants, members) }, members);
      }
      default:
        return { type, nodeCount: 1, depth: 1 };
    }
  }

  private resolveRef(index: number, level: number): Resolved {
    const known = this.done[index];
    if (known === "open") throw new Unresolvable("the type contains itself");
    if (known !== undefined) {
      if (level + known.depth - 1 > typeDepthMax)
        throw new Unresolvable(`the type nests deeper than ${typeDepthMax} levels`);
      return known;
    }
    const target = this.typespace[index];
    if (target === undefined) throw new Unresolvable(`there is no type ${index}`);
    this.done[index] = "open";
    try {
      const resolved = this.resolveAt(target, level + (target.kind === "Ref" ? 1 : 0));
      this.done[index] = resolved;
      return resolved;
    } finally {
      if (this.done[index] === "open") this.done[index] = undefined;
    }
  }
}

function withTypes(members: readonly Member[], resolved: readonly Resolved[]): readonly Member[] {
  return members.map((member, i) => ({ name: member.name, type: resolved[i]?.type ?? member.type }));
}

function grown(type: AlgebraicType, parts: readonly Resolved[]): Resolved {
  let nodeCount = 1;
  let depth = 0;
  for (const part of parts) {
    nodeCount += part.nodeCount;
    depth = Math.max(depth, part.depth);
  }
  if (nodeCount > typeNodesMax) throw new Unresolvable(`the type has more than ${typeNodesMax} parts`);
  return { type, nodeCount, depth: depth + 1 };
}
