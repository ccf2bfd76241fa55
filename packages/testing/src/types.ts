/** Types of a test's world, all of them inferred from the exports of the module's entry file. */
import type {
  Fields,
  HttpHandlerExport,
  InferTypeOfRow,
  LifecycleExport,
  MigrateExport,
  AnyType,
  ProcedureExport,
  Query,
  ReadOnlyDb,
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

type ReducerNames<M> = {
  [K in keyof M]: M[K] extends
    | LifecycleExport<any>
    | MigrateExport<any>
    | ProcedureExport<any, any, any>
    | HttpHandlerExport
    ? never
    : M[K] extends ReducerExport<any, any, any>
      ? K
      : never;
}[keyof M];
type ProcedureNames<M> = {
  [K in keyof M]: M[K] extends ProcedureExport<any, any, any> ? K : never;
}[keyof M];

/** A call from outside: resolves to what the function gives, when all who are subscribed have heard of it. */
type Call<A, R> = [keyof A] extends [never]
  ? () => Promise<R>
  : Partial<A> extends A
    ? (args?: Simplify<A>) => Promise<R>
    : (args: Simplify<A>) => Promise<R>;

type ReducerCall<T> = T extends (ctx: never, args: infer A) => infer R ? Call<A, R> : never;
type ProcedureCall<T> = T extends (ctx: never, args: infer A) => Promise<infer R> ? Call<A, R> : never;

type ReducersWithin<M extends ModuleExports> = OfAll<
  { [K in SubmoduleKeys<TablesOf<M>>]: Prefixed<K, Reducers<Within<M, K>>> }[SubmoduleKeys<TablesOf<M>>]
>;
type ProceduresWithin<M extends ModuleExports> = OfAll<
  { [K in SubmoduleKeys<TablesOf<M>>]: Prefixed<K, Procedures<Within<M, K>>> }[SubmoduleKeys<TablesOf<M>>]
>;

/**
 * The module's reducers that a client may call, by the names that it exports them under. Those of a submodule have its key in
 * front: `ann["chat.send"]({ … })`.
 */
export type Reducers<M extends ModuleExports> = {
  readonly [K in ReducerNames<Exported<M>>]: ReducerCall<Exported<M>[K]>;
} & ReducersWithin<M>;
/** Its procedures. */
export type Procedures<M extends ModuleExports> = {
  readonly [K in ProcedureNames<Exported<M>>]: ProcedureCall<Exported<M>[K]>;
} & ProceduresWithin<M>;
/** Both. */
export type Calls<M extends ModuleExports> = Reducers<M> & Procedures<M>;

/** A row of a table: `RowOf<typeof arena, "player">`. */
export type RowOf<M extends ModuleExports, K extends keyof TablesOf<M>> =
  TablesOf<M>[K] extends Table<infer F, any> ? InferTypeOfRow<F> : never;

/** Every table, private ones too, to read. */
export type WorldDb<M extends ModuleExports> = ReadOnlyDb<TablesOf<M>>;

type ColumnsOf<Row> = { readonly [K in keyof Row & string]-?: AnyType<Row[K]> };

/** The module's tables, by their keys in its schema, and its views, by the names that it exports them under. */
export type TestFrom<M extends ModuleExports> = {
  readonly [K in keyof TablesOf<M>]: TablesOf<M>[K] extends ModuleExports
    ? TestFrom<Within<M, K>>
    : TablesOf<M>[K] extends Table<infer F, any>
      ? Query<F>
      : never;
} & { readonly [K in ViewNames<Exported<M>>]: Query<ColumnsOf<ViewRow<Exported<M>[K]>>> };

/** A query made of the module's tables and views: `(from) => from.player.where((row) => row.score.gt(10))`. */
export type TestQuery<M extends ModuleExports, F extends Fields> = (from: TestFrom<M>) => Query<F>;
