/**
 * What bindings are made of, whatever their language: which parts of a module clients see, in which order,
 * and how each is called.
 */
import type { ColumnDef, ModuleDef, NamedType, ProcedureDef, ReducerDef, TableDef, ViewDef } from "@lightcone/schema";
import type { AlgebraicType } from "@lightcone/sats";
import { fileStem, NameRegistry, pascalIdentifier } from "./names.ts";

export interface BindingOptions {
  /** Tables and functions that clients cannot reach or call, and types of theirs alone, are left out unless this is set. */
  readonly includePrivate?: boolean;
}

/** A table, or a view, which clients see as one. */
export interface BoundTable {
  readonly file: string;
  /** The exported name of its row. */
  readonly row: string;
  /** As on the wire. */
  readonly name: string;
  readonly columns: readonly ColumnDef[];
  /** Position in the typespace of the product that the columns come from. */
  readonly typeRef: number;
  readonly primaryKey: number | undefined;
  /** Undefined for a view. */
  readonly table: TableDef | undefined;
}

export interface BoundFunction<T extends ReducerDef | ProcedureDef> {
  readonly file: string;
  readonly exported: string;
  readonly def: T;
}

export interface BoundType {
  readonly file: string;
  /** The name in the type's own file and in those that import it. */
  readonly name: string;
  /** The name under which the index hands it on. */
  readonly exported: string;
  readonly ref: number;
}

export interface Bindings {
  readonly module: ModuleDef;
  readonly tables: readonly BoundTable[];
  /** Of the life cycle's, which nobody can call, at most those of clients that come and go: of `init` no client ever hears. */
  readonly reducers: readonly BoundFunction<ReducerDef>[];
  readonly procedures: readonly BoundFunction<ProcedureDef>[];
  readonly types: readonly BoundType[];
  readonly typeByRef: ReadonlyMap<number, BoundType>;
}

/** What of a module is bound, under the module's names. */
export interface Chosen {
  readonly tables: readonly (TableDef | ViewDef)[];
  readonly reducers: readonly ReducerDef[];
  readonly procedures: readonly ProcedureDef[];
  readonly types: readonly NamedType[];
}

/** Chooses what is bound, tables and functions sorted by name. */
export function choose(module: ModuleDef, options: BindingOptions): Chosen {
  const includePrivate = options.includePrivate ?? false;
  const tables = [...module.tables, ...module.views]
    .filter((each) => includePrivate || (isView(each) ? each.isPublic : each.access === "public"))
    .toSorted(byName);
  const reducers = module.reducers
    .filter((each) => each.lifecycle !== "init")
    .filter((each) => includePrivate || (each.lifecycle === undefined && each.visibility === "client"))
    .toSorted(byName);
  const procedures = module.procedures
    .filter((each) => includePrivate || each.visibility === "client")
    .toSorted(byName);
  const used = includePrivate
    ? undefined
    : reachable(module, [
        ...tables.map((each): AlgebraicType => ({ kind: "Ref", index: rowRef(each) })),
        ...reducers.map((def) => def.paramsByRef),
        ...procedures.flatMap((def) => [def.paramsByRef, def.returnsByRef]),
      ]);
  return { tables, reducers, procedures, types: module.types.filter(({ ref }) => used?.has(ref) ?? true) };
}

/** Chooses and names what is bound. `reserved` are names that the index exports anyway. */
export function bind(module: ModuleDef, options: BindingOptions, reserved: readonly string[]): Bindings {
  const exported = new NameRegistry(reserved);
  const files = new NameRegistry();
  const typeNames = new NameRegistry();
  const chosen = choose(module, options);
  const tables = chosen.tables.map((each): BoundTable => ({
    file: files.claim(`${fileStem(each.name)}_table`),
    row: exported.claim(`${pascalIdentifier(each.name)}Row`),
    name: each.name,
    columns: each.columns,
    typeRef: rowRef(each),
    primaryKey: each.primaryKey,
    table: isView(each) ? undefined : each,
  }));
  const bindFunction = <T extends ReducerDef | ProcedureDef>(
    def: T,
    kind: "Reducer" | "Procedure",
  ): BoundFunction<T> => ({
    file: files.claim(`${fileStem(def.name)}_${kind.toLowerCase()}`),
    exported: exported.claim(`${pascalIdentifier(def.name)}${kind}`),
    def,
  });
  const reducers = chosen.reducers.map((each) => bindFunction(each, "Reducer"));
  const procedures = chosen.procedures.map((each) => bindFunction(each, "Procedure"));
  const types = chosen.types
    .map((each) => ({ name: scopedName(each), ref: each.ref }))
    .toSorted(byName)
    .map((each): BoundType => {
      const name = typeNames.claim(each.name);
      return { file: files.claim(`${fileStem(name)}_type`), name, exported: exported.claim(name), ref: each.ref };
    });
  return { module, tables, reducers, procedures, types, typeByRef: new Map(types.map((type) => [type.ref, type])) };
}

/** A type's scope and name as one. */
export const scopedName = ({ scope, name }: NamedType): string => [...scope, name].map(pascalIdentifier).join("");

export const isView = (each: TableDef | ViewDef): each is ViewDef => "isPublic" in each;

/** The typespace positions that some types lead to, through others or at once. */
function reachable(module: ModuleDef, from: readonly AlgebraicType[]): ReadonlySet<number> {
  const seen = new Set<number>();
  const open = from.flatMap(refsIn);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const type = module.typespace[at];
    if (type !== undefined) open.push(...refsIn(type));
  }
  return seen;
}

/** Whether a type leads back to itself, through others or at once. */
export function isRecursive(bindings: Bindings, ref: number): boolean {
  const seen = new Set<number>();
  const open = [ref];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const type = bindings.module.typespace[at];
    for (const next of type === undefined ? [] : refsIn(type)) {
      if (next === ref) return true;
      if (!seen.has(next)) open.push(next);
      seen.add(next);
    }
  }
  return false;
}

/** The typespace positions that a type names. */
export function refsIn(type: AlgebraicType): readonly number[] {
  switch (type.kind) {
    case "Ref":
      return [type.index];
    case "Array":
      return refsIn(type.element);
    case "Product":
      return type.elements.flatMap((element) => refsIn(element.type));
    case "Sum":
      return type.variants.flatMap((variant) => refsIn(variant.type));
    default:
      return [];
  }
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** The position in the typespace of the product that a table's columns come from. */
export function rowRef(each: TableDef | ViewDef): number {
  return isView(each) ? each.rowTypeRef : (each.typeRef ?? 0);
}
