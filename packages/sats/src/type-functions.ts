/**
 * What all code generators here share: one function for each compound type within a type, all compiled together.
 *
 * An emitter writes the body for one compound type and asks `call` for the name of the function of a part,
 * which queues that part. Types are compared as objects, after following `Ref`s, so a recursive type becomes a
 * recursive function. Only recursive types pay for counting depth.
 */
import { LightconeError } from "@lightcone/base";
import type { AlgebraicType, ArrayType, ProductType, SumType, Typespace } from "./algebraic-type.ts";
import { type Compile, compileWith } from "./compile.ts";
import { typeDepthMax, typeNodesMax, valueDepthMax } from "./limits.ts";
import { Measure } from "./measure.ts";
import { followRef } from "./refs.ts";

export type CompoundType = ArrayType | ProductType | SumType;

/** What an emitter may ask while it writes a function. */
export interface Emission {
  /** The type behind a `Ref`, or the type itself. */
  follow(type: AlgebraicType): AlgebraicType;
  /** The name of a compound part's function. */
  nameOf(type: CompoundType): string;
  fixedSize(type: AlgebraicType): number | undefined;
  minSize(type: AlgebraicType): number;
  /** `, depth + 1` where the type recurses, else empty: what every call of a part ends with. */
  readonly deeper: string;
}

export interface Generator {
  /** What the functions do with a value of the type: a word or two. */
  readonly title: string;
  /** What generated code may name, besides its parameters. */
  readonly helpers: Readonly<Record<string, unknown>>;
  /** The functions' parameters, as source. */
  readonly parameters: string;
  /** The statements of the function for `type`. */
  emit(type: CompoundType, emission: Emission): string;
}

/**
 * Compiles the functions for `root`, and returns the one for `root` itself; `root` must be compound after its `Ref`s.
 *
 * @param compile compiles them elsewhere than in this realm
 */
export function compileTypeFunctions<T>(
  root: CompoundType,
  typespace: Typespace,
  generator: Generator,
  compile?: Compile,
): T {
  const recursive = checkExtent(root, typespace);
  const measure = new Measure(typespace);
  const names = new Map<CompoundType, string>();
  const queue: CompoundType[] = [];
  const emission: Emission = {
    follow: (type) => followRef(type, typespace),
    nameOf: (type) => {
      let name = names.get(type);
      if (name === undefined) {
        name = `f${names.size}`;
        names.set(type, name);
        queue.push(type);
      }
      return name;
    },
    fixedSize: (type) => measure.fixedSize(type),
    minSize: (type) => measure.minSize(type),
    deeper: recursive ? ", depth + 1" : "",
  };
  const rootName = emission.nameOf(root);
  const sources: string[] = [];
  const parameters = recursive ? `${generator.parameters}, depth = 0` : generator.parameters;
  const guard = recursive ? `if (depth >= ${valueDepthMax}) tooDeep();\n` : "";
  for (let index = 0; index < queue.length; index += 1) {
    const type = queue[index] as CompoundType; // in range
    sources.push(`function ${emission.nameOf(type)}(${parameters}) {\n${guard}${generator.emit(type, emission)}\n}`);
  }
  return compileWith<T>(
    { ...generator.helpers, tooDeep },
    `${sources.join("\n")}\nreturn ${rootName};`,
    generator.title,
    compile,
  );
}

function tooDeep(): never {
  throw new LightconeError("TooDeep", { what: "value", depthMax: valueDepthMax });
}

/** Whether the type contains itself. Throws when it is too large or too deep to generate code for. */
function checkExtent(root: AlgebraicType, typespace: Typespace): boolean {
  const extents = new Map<AlgebraicType, { nodes: number; levels: number }>();
  const open = new Set<AlgebraicType>();
  let recursive = false;
  const visit = (type: AlgebraicType, depth: number): { nodes: number; levels: number } => {
    if (depth >= typeDepthMax) throw new LightconeError("TooDeep", { what: "type", depthMax: typeDepthMax });
    const target = followRef(type, typespace);
    const before = extents.get(target);
    if (before !== undefined) return before;
    if (open.has(target)) {
      recursive = true;
      return { nodes: 1, levels: 1 };
    }
    open.add(target);
    let nodes = 1;
    let levels = 0;
    for (const part of partsOf(target)) {
      const inner = visit(part, depth + 1);
      nodes += inner.nodes;
      levels = Math.max(levels, inner.levels);
      if (nodes > typeNodesMax) {
        throw new LightconeError("Malformed", { what: "type", reason: `it holds more than ${typeNodesMax} types` });
      }
    }
    if (levels >= typeDepthMax) throw new LightconeError("TooDeep", { what: "type", depthMax: typeDepthMax });
    open.delete(target);
    const extent = { nodes, levels: levels + 1 };
    extents.set(target, extent);
    return extent;
  };
  visit(root, 0);
  return recursive;
}

/** The types directly within a type. */
export function partsOf(type: AlgebraicType): readonly AlgebraicType[] {
  switch (type.kind) {
    case "Array":
      return [type.element];
    case "Product":
      return type.elements.map((element) => element.type);
    case "Sum":
      return type.variants.map((variant) => variant.type);
    default:
      return [];
  }
}

export function isCompound(type: AlgebraicType): type is CompoundType {
  return type.kind === "Array" || type.kind === "Product" || type.kind === "Sum";
}

/** A key of an object literal. `__proto__` as a plain key would set the prototype. */
export const literalKey = (name: string): string => (name === "__proto__" ? `["__proto__"]` : JSON.stringify(name));

/** Access to a property. */
export const property = (object: string, name: string): string => `${object}[${JSON.stringify(name)}]`;
