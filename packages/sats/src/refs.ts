/** `Ref`s: following them, and unfolding a type until none is left. */
import { LightconeError } from "@lightcone/base";
import type { AlgebraicType, Member, Typespace } from "./algebraic-type.ts";
import { typeDepthMax, typeNodesMax } from "./limits.ts";

/** The type that a chain of `Ref`s ends at; any other type as it is. */
export function followRef(type: AlgebraicType, typespace: Typespace): AlgebraicType {
  let target = type;
  for (let steps = 0; target.kind === "Ref"; steps += 1) {
    if (steps > typespace.length) throw malformed(`Ref ${target.index} points at itself`);
    const next: AlgebraicType | undefined = typespace[target.index];
    if (next === undefined) throw malformed(`Ref ${target.index} points past the ${typespace.length} types there are`);
    target = next;
  }
  return target;
}

/** The same type for a typespace with `by` entries more in front. */
export function shiftRefs(type: AlgebraicType, by: number): AlgebraicType {
  const members = (of: readonly Member[]): readonly Member[] =>
    of.map((member) => ({ name: member.name, type: shiftRefs(member.type, by) }));
  switch (type.kind) {
    case "Ref":
      return { kind: "Ref", index: type.index + by };
    case "Array":
      return { kind: "Array", element: shiftRefs(type.element, by) };
    case "Product":
      return { kind: "Product", elements: members(type.elements) };
    case "Sum":
      return { kind: "Sum", variants: members(type.variants) };
    default:
      return type;
  }
}

function malformed(reason: string): LightconeError<"Malformed"> {
  return new LightconeError("Malformed", { what: "type", reason });
}

interface Unfolding {
  readonly typespace: Typespace;
  /** Entries done, so that one used twice is one object. */
  readonly done: Map<AlgebraicType, AlgebraicType>;
  /** For each finished type: the types within, itself included, and the levels. */
  readonly extents: Map<AlgebraicType, { nodes: number; levels: number }>;
  readonly open: Set<AlgebraicType>;
}

/**
 * The same type with every `Ref` replaced by what it points at. Parts reached twice are shared.
 *
 * @throws {LightconeError} `Malformed` on a dangling `Ref` or a recursive type, or one that unfolds to over
 *   `typeNodesMax` types; `TooDeep` over `typeDepthMax` levels
 */
export function resolveRefs(type: AlgebraicType, typespace: Typespace): AlgebraicType {
  return unfold(type, { typespace, done: new Map(), extents: new Map(), open: new Set() }, 0);
}

function unfold(type: AlgebraicType, work: Unfolding, depth: number): AlgebraicType {
  if (depth >= typeDepthMax) throw new LightconeError("TooDeep", { what: "type", depthMax: typeDepthMax });
  const target = followRef(type, work.typespace);
  if (target.kind !== "Sum" && target.kind !== "Product" && target.kind !== "Array") return target;
  const before = work.done.get(target);
  if (before !== undefined) return before;
  if (work.open.has(target)) throw malformed("it contains itself");
  work.open.add(target);
  let nodes = 1;
  let levels = 0;
  const part = (inner: AlgebraicType): AlgebraicType => {
    const unfolded = unfold(inner, work, depth + 1);
    const extent = work.extents.get(unfolded);
    nodes += extent?.nodes ?? 1;
    levels = Math.max(levels, extent?.levels ?? 1);
    if (nodes > typeNodesMax) throw malformed(`it unfolds to more than ${typeNodesMax} types`);
    return unfolded;
  };
  const parts = (members: readonly Member[]): Member[] =>
    members.map((member) => ({ name: member.name, type: part(member.type) }));
  const unfolded: AlgebraicType =
    target.kind === "Array"
      ? { kind: "Array", element: part(target.element) }
      : target.kind === "Product"
        ? { kind: "Product", elements: parts(target.elements) }
        : { kind: "Sum", variants: parts(target.variants) };
  work.open.delete(target);
  // A shared part may be used deeper than where it was first met, so its own levels are added to those above it.
  if (levels >= typeDepthMax) throw new LightconeError("TooDeep", { what: "type", depthMax: typeDepthMax });
  work.extents.set(unfolded, { nodes, levels: levels + 1 });
  work.done.set(target, unfolded);
  return unfolded;
}
