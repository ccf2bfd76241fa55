/**
 * A module and the modules within it, depth first: the order in which the database numbers what they have.
 *
 * Each is described by itself, under its own names; the database knows a part's things by the part's name, a dot and their own.
 */
import { indexesOf, type TableIndex } from "./describe.ts";
import type { ModuleShape } from "./shapes.ts";

export interface Part {
  /** Empty for the module itself, `chat.audit` for `audit` within `chat`. */
  readonly name: string;
  readonly shape: ModuleShape;
  readonly indexes: readonly (readonly TableIndex[])[];
  readonly within: readonly Part[];
  /** What the module around it calls it. */
  readonly alias: string;
}

export function partOf(shape: ModuleShape, around = "", alias = ""): Part {
  const name = around === "" ? alias : `${around}.${alias}`;
  const within = shape.submodules.map((each) => partOf(each.shape, name, each.namespace));
  return { name, shape, indexes: indexesOf(shape.tables), within, alias };
}

/** A part and all below it, in the order of their numbers. */
export function withAllBelow(part: Part): readonly Part[] {
  return [part, ...part.within.flatMap(withAllBelow)];
}

/** What everybody else calls something of a part. */
export const fullName = (part: Part, own: string): string => (part.name === "" ? own : `${part.name}.${own}`);

/** Something for each module right within a part, under its alias. */
export function byAlias<T>(part: Part, of: (within: Part, alias: string) => T): Record<string, T> {
  return Object.fromEntries(part.within.map((each) => [each.alias, of(each, each.alias)]));
}
