/**
 * A module as Rust bindings see it: which files there are, and how everything is called.
 *
 * Identifiers come from the names of the module's code, literals from those on the wire. Of two names that fold together the later
 * gets `_`. What would meet a name of `mod.rs` is not handed on by it, and is reached by its file.
 */
import type { AlgebraicType } from "@lightcone/sats";
import type { ColumnDef, ModuleDef, ProcedureDef, ReducerDef, TableDef } from "@lightcone/schema";
import { byName, choose, isView, rowRef, scopedName, type BindingOptions } from "../bindings.ts";
import { NameRegistry } from "../names.ts";
import { pascalName, rustIdentifier, snakeName } from "./rust-names.ts";

export interface RustOptions extends BindingOptions {
  /** The major version of the crate `spacetimedb-sdk`; 1 stands for the 1.12 line. */
  readonly sdk: 1 | 2;
}

export interface RustField {
  readonly identifier: string;
  /** As the schema has it. */
  readonly name: string;
  readonly type: AlgebraicType;
}

export interface RustType {
  readonly file: string;
  readonly name: string;
  readonly ref: number;
  /** How `mod.rs` hands it on; undefined where it does not. */
  readonly exported: string | undefined;
}

export interface RustTable {
  readonly file: string;
  /** The method that gives it, and its field in `DbUpdate`. */
  readonly method: string;
  /** What the names of its types begin with. */
  readonly stem: string;
  /** The trait and the method of the query builder. */
  readonly query: { readonly trait: string; readonly method: string };
  /** As on the wire. */
  readonly name: string;
  readonly row: RustType;
  readonly columns: readonly (RustField & { readonly def: ColumnDef })[];
  readonly primaryKey: number | undefined;
  readonly isEvent: boolean;
  /** Undefined for a view. */
  readonly table: TableDef | undefined;
}

export interface RustFunction {
  readonly file: string;
  /** The trait and its method, without what makes a keyword raw. */
  readonly stem: string;
  readonly pascal: string;
  /** As on the wire. */
  readonly name: string;
  readonly params: readonly RustField[];
  readonly isExported: boolean;
}

export interface RustProcedure extends RustFunction {
  readonly returns: AlgebraicType;
}

export interface RustBindings {
  readonly sdk: 1 | 2;
  readonly module: ModuleDef;
  readonly tables: readonly RustTable[];
  readonly reducers: readonly RustFunction[];
  readonly procedures: readonly RustProcedure[];
  readonly types: readonly RustType[];
  readonly typeByRef: ReadonlyMap<number, RustType>;
}

/** What `mod.rs` declares whatever the module is. */
const glueNames: readonly string[] = [
  "AppliedDiff",
  "DbConnection",
  "DbUpdate",
  "ErrorContext",
  "EventContext",
  "ProcedureEventContext",
  "Reducer",
  "ReducerEventContext",
  "RemoteDbContext",
  "RemoteModule",
  "RemoteProcedures",
  "RemoteReducers",
  "RemoteTables",
  "SetReducerFlags",
  "SubscriptionEventContext",
  "SubscriptionHandle",
];
/** The crate's derives write these without a path: they are declared under another name, and handed on under their own. */
const unqualifiedNames: ReadonlySet<string> = new Set(["Result", "Option", "Iterator"]);

export function bindRust(module: ModuleDef, options: RustOptions): RustBindings {
  const chosen = choose(module, options);
  const files = new NameRegistry(["mod", "__never"]);
  const atRoot = new NameRegistry(["__Never", "__sdk", "__lib", "__sats", "__ws", ...glueNames]);

  const typeNames = new NameRegistry();
  const types = chosen.types
    .map((each) => ({ name: scopedName(each), ref: each.ref }))
    .toSorted(byName)
    .map(({ name, ref }): RustType => {
      const isUnqualified = unqualifiedNames.has(name);
      const own = typeNames.claim(isUnqualified ? `${name}_` : rustIdentifier(name));
      return {
        file: files.claim(`${snakeName(name)}_type`),
        name: own,
        ref,
        exported: atRoot.take(isUnqualified ? name : own),
      };
    });
  const typeByRef = new Map(types.map((type) => [type.ref, type]));

  const methods = new NameRegistry(["imp"]);
  const stems = new NameRegistry();
  const tables = chosen.tables.map((each): RustTable => {
    const row = typeByRef.get(endOf(module, rowRef(each)));
    if (row === undefined) throw new TypeError(`table ${each.name} of a checked module has a row without a name`);
    const stem = stems.claim(pascalName(each.accessor));
    const snake = snakeName(each.accessor);
    const method = methods.claim(rustIdentifier(snake));
    const inQueries = options.sdk === 1 ? each.name.replaceAll(".", "_") : snake;
    const identifiers = fieldNames(each.columns.map(({ accessor }) => accessor));
    const declared = module.typespace[row.ref];
    const columns = each.columns.map((def, at) => ({
      identifier: identifiers[at] ?? "",
      name: def.name,
      type: (declared?.kind === "Product" ? declared.elements[at]?.type : undefined) ?? def.type,
      def,
    }));
    return {
      file: files.claim(`${snake}_table`),
      method,
      stem,
      query: { trait: `${inQueries}QueryTableAccess`, method: rustIdentifier(inQueries) },
      name: each.name,
      row,
      columns,
      primaryKey: each.primaryKey,
      isEvent: options.sdk === 2 && !isView(each) && each.isEvent,
      table: isView(each) ? undefined : each,
    };
  });

  const functionNames = new NameRegistry();
  const variants = new NameRegistry();
  const bindFunction = (def: ReducerDef | ProcedureDef, kind: "reducer" | "procedure"): RustFunction => {
    const stem = functionNames.claim(snakeName(def.accessor));
    const identifiers = fieldNames(def.paramsByRef.elements.map((element, at) => element.name ?? `arg_${at}`));
    return {
      file: files.claim(`${stem}_${kind}`),
      stem,
      pascal: variants.claim(rustIdentifier(pascalName(def.accessor))),
      name: def.name,
      params: def.paramsByRef.elements.map((element, at) => ({
        identifier: identifiers[at] ?? "",
        name: element.name ?? "",
        type: element.type,
      })),
      isExported: true,
    };
  };
  const reducers = chosen.reducers.map((each) => bindFunction(each, "reducer"));
  const procedures = chosen.procedures.map((each): RustProcedure => {
    return { ...bindFunction(each, "procedure"), returns: each.returnsByRef };
  });

  // Files and traits stand in one name space with types.
  for (const { file } of [...types, ...tables, ...reducers, ...procedures]) atRoot.take(file);
  const handedOn = <T extends RustFunction>(each: T): T => ({
    ...each,
    isExported: atRoot.take(rustIdentifier(each.stem)) !== undefined,
  });
  return {
    sdk: options.sdk,
    module,
    tables,
    reducers: reducers.map(handedOn),
    procedures: procedures.map(handedOn),
    types,
    typeByRef,
  };
}

/** snake_case names for fields or parameters, in order. */
export function fieldNames(names: readonly string[]): readonly string[] {
  const taken = new NameRegistry();
  return names.map((name) => taken.claim(rustIdentifier(snakeName(name))));
}

/** Where a chain of references ends. */
export function endOf(module: ModuleDef, ref: number): number {
  let at = ref;
  for (let type = module.typespace[at]; type?.kind === "Ref"; type = module.typespace[at]) at = type.index;
  return at;
}
