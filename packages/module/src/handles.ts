/** The types of `ctx.db`: what a reducer can do with a table and its indexes. The host makes the objects. */
import type { Range } from "./host-types.ts";
import type { IndexOptions, Table, TableOptions } from "./table.ts";
import type { GivenRow, TableMethods } from "./table-methods.ts";
import type { Fields, FieldsValue, Modifier, ModifiersOf, ValueOf, Wrong } from "./type-builder.ts";

/** By a unique column, or a set of columns that is unique together. */
export interface UniqueIndex<F extends Fields, Key> {
  find(key: Key): FieldsValue<F> | null;
  delete(key: Key): boolean;
  /**
   * Replaces the row that has the same key.
   * @throws `errors.NoSuchRow` when there is none
   */
  update(row: GivenRow<F>): FieldsValue<F>;
}

/** By an ordered index: a value, a range, or values of the leading columns with a range at the end. */
export interface RangeIndex<F extends Fields, Bounds> {
  filter(bounds: Bounds): IteratorObject<FieldsValue<F>, undefined>;
  delete(bounds: Bounds): number;
}

/** By an index without order: all of its columns. */
export interface PointIndex<F extends Fields, Key> {
  filter(key: Key): IteratorObject<FieldsValue<F>, undefined>;
  delete(key: Key): number;
}

type ColumnHandle<F extends Fields, V, M extends Modifier> = [Extract<M, "unique" | "primaryKey">] extends [never]
  ? [Extract<M, "index:btree" | "index:direct">] extends [never]
    ? PointIndex<F, V>
    : RangeIndex<F, V | Range<V>>
  : UniqueIndex<F, V>;
type IndexedColumns<F extends Fields> = {
  [K in keyof F]: Extract<ModifiersOf<F[K]>, "unique" | "primaryKey" | `index:${string}`> extends never ? never : K;
}[keyof F];
type ColumnHandles<F extends Fields> = {
  readonly [K in IndexedColumns<F>]: ColumnHandle<F, ValueOf<F[K]>, ModifiersOf<F[K]>>;
};

type Values<F extends Fields, Columns extends readonly unknown[]> = {
  -readonly [I in keyof Columns]: Columns[I] extends keyof F ? ValueOf<F[Columns[I]]> : never;
};
/** Leading values of a tuple, the last of which may be a range. */
type Prefixes<T extends readonly unknown[], Before extends readonly unknown[] = []> = T extends readonly [
  infer V,
  ...infer Rest,
]
  ? readonly [...Before, V | Range<V>] | Prefixes<Rest, [...Before, V]>
  : never;
type BoundsOf<T extends readonly unknown[]> = T extends readonly [infer V, ...unknown[]]
  ? V | Range<V> | Prefixes<T>
  : never;
type KeyOf<T extends readonly unknown[]> = T extends readonly [infer V] ? V : Readonly<T>;

type SameSet<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type UniqueSets<O extends TableOptions> = O["constraints"] extends readonly {
  readonly columns: infer C extends readonly string[];
}[]
  ? C
  : never;
type IsUnique<Columns extends readonly string[], Sets> = Sets extends readonly string[]
  ? SameSet<Columns[number], Sets[number]>
  : never;

/** A direct index is over one column, which may be named by itself. */
type ColumnsOf<I> = I extends { readonly columns: infer C extends readonly string[] }
  ? C
  : I extends { readonly column: infer C extends string }
    ? readonly [C]
    : never;
type IndexHandle<F extends Fields, I extends IndexOptions, O extends TableOptions> =
  true extends IsUnique<ColumnsOf<I>, UniqueSets<O>>
    ? UniqueIndex<F, KeyOf<Values<F, ColumnsOf<I>>>>
    : I["algorithm"] extends "hash"
      ? PointIndex<F, KeyOf<Values<F, ColumnsOf<I>>>>
      : RangeIndex<F, BoundsOf<Values<F, ColumnsOf<I>>>>;
type IndexHandles<F extends Fields, O extends TableOptions> = O["indexes"] extends readonly (infer I extends
  IndexOptions)[]
  ? { readonly [One in I as One["accessor"]]: IndexHandle<F, One, O> }
  : unknown;

/** What one may look for on a table, and where it is; a column or an index may have such a name. */
interface Elsewhere {
  readonly find: Wrong<"rows are found by a column: ctx.db.TABLE.COLUMN.find(value), where it is unique, or filter(value)">;
  readonly filter: Wrong<"rows are found by a column: ctx.db.TABLE.COLUMN.filter(value), where it has an index; or iter().filter(test)">;
  readonly update: Wrong<"rows are changed by a unique column: ctx.db.TABLE.KEY.update(row)">;
}
type Accessors<O extends TableOptions> = O["indexes"] extends readonly {
  readonly accessor: infer A extends string;
}[]
  ? A
  : never;

/** One table: its methods, and an accessor for each unique or indexed column and each index. */
export type TableHandle<T> =
  T extends Table<infer F, infer O>
    ? TableMethods<F> & ColumnHandles<F> & IndexHandles<F, O> & Omit<Elsewhere, keyof F | Accessors<O>>
    : never;

/** A module within a module: its file, imported whole with `import * as`. */
export interface Submodule {
  readonly default: { readonly tables: Tables };
}

/** What a schema is made of: tables, and modules within it. */
export type Tables = { readonly [key: string]: Table | Submodule };

/** The tables of a submodule. */
export type TablesWithin<M> = M extends Submodule ? M["default"]["tables"] : never;

/** What only reads of a table and of its indexes. */
type ReadOnly<Handle> = {
  readonly [K in Exclude<keyof Handle, "insert" | "delete" | "clear" | keyof Elsewhere>]: Handle[K] extends {
    readonly find: infer Find;
    readonly update: unknown;
  }
    ? { readonly find: Find }
    : Handle[K] extends { readonly filter: infer Filter; readonly delete: unknown }
      ? { readonly filter: Filter }
      : Handle[K];
};

/** Every table, as views have it. */
export type ReadOnlyDb<S extends Tables> = {
  readonly [K in keyof S]: S[K] extends Submodule ? ReadOnlyDb<TablesWithin<S[K]>> : ReadOnly<TableHandle<S[K]>>;
};

/** Every table, under its key in the schema; those of a submodule under the submodule's. */
export type DbView<S extends Tables> = {
  readonly [K in keyof S]: S[K] extends Submodule ? DbView<TablesWithin<S[K]>> : TableHandle<S[K]>;
};
