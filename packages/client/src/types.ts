/** Types of a client, all of them inferred from the exports of the module's entry file. */
import type {
  AnyType,
  Arguments,
  InferTypeOfRow,
  LifecycleExport,
  ProcedureExport,
  ReducerExport,
  Table,
} from "@lightcone/module";
import type {
  Exported,
  ModuleExports,
  OfAll,
  Prefixed,
  Simplify,
  SubmoduleKeys,
  TablesOf,
  ViewNames,
  ViewRow,
  Within,
} from "@lightcone/module/exports";

export type { ModuleExports };

/* oxlint-disable no-explicit-any -- `infer` needs any table or function, of which the parts are then exact */

declare const untyped: unique symbol;

/** A module whose types are not at hand: any name stands for a table or a reducer, and each row is an object. */
export interface UntypedModule extends ModuleExports {
  readonly [untyped]: true;
}

type UntypedRow = Readonly<Record<string, unknown>>;

/** The columns that are the primary key: one, or none. */
type KeyColumn<F> = {
  [K in keyof F]: F[K] extends AnyType<unknown, infer Modifiers> ? ("primaryKey" extends Modifiers ? K : never) : never;
}[keyof F];

/** What a column is compared with, in any of these ways. */
export interface Comparison<Value> {
  readonly eq?: Value;
  readonly ne?: Value;
  readonly lt?: Value;
  readonly lte?: Value;
  readonly gt?: Value;
  readonly gte?: Value;
  /** Any of them. */
  readonly in?: readonly Value[];
}

/**
 * What the columns of a row must be: a value, or what `Comparison` says. A column that is left out may be anything; one that is
 * `undefined` is refused (by the compiler with `exactOptionalPropertyTypes`), lest a value that is missing ask for every row.
 */
export type Where<Row> = {
  readonly [K in keyof Row]?: Exclude<Row[K], undefined> | Comparison<Exclude<Row[K], undefined>>;
};

/** Some rows of a table, in an order: for `subscribe`, for `query`, and to be read from the rows that are here. */
export interface TableQuery<Row> {
  /** The table's key in the module's schema. */
  readonly accessor: string;
  /** How many of its rows are here. */
  readonly size: number;
  /** Those of its rows that are here. The same array until something changes; not to be written to. */
  rows(): readonly Row[];
  /** Runs once for a message that changed anything in them. Returns what ends that. */
  onChange(run: () => void): () => void;
  /** Only rows that are so; several of these must all hold. */
  where(wanted: Where<Row>): TableQuery<Row>;
  /** In the order of a column; of rows that are equal in it, in that of the next, and of the primary key. */
  orderBy(column: keyof Row & string, direction?: "asc" | "desc"): TableQuery<Row>;
  /** No more rows than that. */
  limit(count: number): TableQuery<Row>;
}

/** What `where`, `orderBy` or `limit` give. */
export interface BuiltQuery<Row> extends TableQuery<Row> {
  /** What it asks, as a text: queries of one key are the same. */
  readonly key: string;
  where(wanted: Where<Row>): BuiltQuery<Row>;
  orderBy(column: keyof Row & string, direction?: "asc" | "desc"): BuiltQuery<Row>;
  limit(count: number): BuiltQuery<Row>;
  /** The page behind a row, in the order that is asked for: the row that the page before ended with; none for the first. */
  after(last: Row | undefined): BuiltQuery<Row>;
}

/** A table of which a client holds the rows that it subscribed to, in no particular order. */
export interface ClientTable<Row> extends TableQuery<Row> {
  where(wanted: Where<Row>): BuiltQuery<Row>;
  orderBy(column: keyof Row & string, direction?: "asc" | "desc"): BuiltQuery<Row>;
  limit(count: number): BuiltQuery<Row>;
  /** Each of these runs when the whole message that brought the change is applied. They return what ends them. */
  onInsert(run: (row: Row) => void): () => void;
  onDelete(run: (row: Row) => void): () => void;
}

/** What a table has besides when its rows have a primary key. */
export interface KeyedTable<Row, Key> {
  /** The row with this primary key. */
  get(key: Key): Row | undefined;
  /** Runs when a row took the place of one with the same primary key. */
  onUpdate(run: (before: Row, after: Row) => void): () => void;
}

type TableOf<T> =
  T extends Table<infer F, any>
    ? ClientTable<InferTypeOfRow<F>> &
        ([KeyColumn<F>] extends [never] ? unknown : KeyedTable<InferTypeOfRow<F>, InferTypeOfRow<F>[KeyColumn<F>]>)
    : never;

type PublicTables<S> = {
  [K in keyof S]: S[K] extends Table<any, infer O> ? (O["public"] extends true ? K : never) : never;
}[keyof S];

type TablesWithin<M extends ModuleExports> = OfAll<
  { [K in SubmoduleKeys<TablesOf<M>>]: Prefixed<K, ClientTables<Within<M, K>>> }[SubmoduleKeys<TablesOf<M>>]
>;
type ReducersWithin<M extends ModuleExports> = OfAll<
  { [K in SubmoduleKeys<TablesOf<M>>]: Prefixed<K, ClientReducers<Within<M, K>>> }[SubmoduleKeys<TablesOf<M>>]
>;
type ProceduresWithin<M extends ModuleExports> = OfAll<
  { [K in SubmoduleKeys<TablesOf<M>>]: Prefixed<K, ClientProcedures<Within<M, K>>> }[SubmoduleKeys<TablesOf<M>>]
>;

/** The rows of a module's views, by the names that it exports them under. */
export type ViewRows<M extends ModuleExports> = {
  readonly [K in ViewNames<Exported<M>>]: ViewRow<Exported<M>[K]>;
};

/**
 * The module's public tables, by their keys in its schema, and its views, by the names that it exports them under. Those of a
 * submodule have its key in front: `db.tables["chat.line"]`.
 */
export type ClientTables<M extends ModuleExports> = M extends UntypedModule
  ? Readonly<Record<string, ClientTable<UntypedRow> & KeyedTable<UntypedRow, unknown>>>
  : { readonly [K in PublicTables<TablesOf<M>>]: TableOf<TablesOf<M>[K]> } & {
      readonly [K in ViewNames<Exported<M>>]: ClientTable<ViewRow<Exported<M>[K]>>;
    } & TablesWithin<M>;

type CallableNames<M> = {
  [K in keyof M]: M[K] extends LifecycleExport<any> | ProcedureExport<any, any, any>
    ? never
    : M[K] extends ReducerExport<any, any, any>
      ? K
      : never;
}[keyof M];

type ReducerCall<E> = E extends (ctx: never, args: infer A) => infer R
  ? [keyof A] extends [never]
    ? () => Promise<R>
    : Partial<A> extends A
      ? (args?: Simplify<A>) => Promise<R>
      : (args: Simplify<A>) => Promise<R>
  : never;

/** The module's reducers, by the names that it exports them under. */
export type ClientReducers<M extends ModuleExports> = M extends UntypedModule
  ? Readonly<Record<string, (args?: object) => Promise<unknown>>>
  : { readonly [K in CallableNames<Exported<M>>]: ReducerCall<Exported<M>[K]> } & ReducersWithin<M>;

type ProcedureCall<P> =
  P extends ProcedureExport<any, infer F, infer R>
    ? [keyof Arguments<F>] extends [never]
      ? () => Promise<R>
      : Partial<Arguments<F>> extends Arguments<F>
        ? (args?: Simplify<Arguments<F>>) => Promise<R>
        : (args: Simplify<Arguments<F>>) => Promise<R>
    : never;

/** The module's procedures that clients may call, by the names that it exports them under. */
export type ClientProcedures<M extends ModuleExports> = M extends UntypedModule
  ? Readonly<Record<string, (args?: object) => Promise<unknown>>>
  : { readonly [K in ProcedureNames<Exported<M>>]: ProcedureCall<Exported<M>[K]> } & ProceduresWithin<M>;

type ProcedureNames<M> = {
  [K in keyof M]: M[K] extends ProcedureExport<any, any, any> ? K : never;
}[keyof M];

/** A row of a table: `RowOf<typeof chat, "message">`. */
export type RowOf<M extends ModuleExports, K extends keyof TablesOf<M>> =
  TablesOf<M>[K] extends Table<infer F, any> ? InferTypeOfRow<F> : never;
