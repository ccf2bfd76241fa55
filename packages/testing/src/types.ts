/** Types of a test's world, all of them inferred from the exports of the module's entry file. */
import type {
  ExportGroup,
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
  Schema,
  Table,
  ViewExport,
} from "@lightcone/module";

/* oxlint-disable no-explicit-any -- `infer` needs any schema, of which the parts are then exact */

/** The exports of a module's entry file: `import * as arena from "./module/src/index.ts"`. */
export interface ModuleExports {
  readonly default: Schema<any>;
}

type Simplify<T> = { [K in keyof T]: T[K] } & {};
export type TablesOf<M extends ModuleExports> = M["default"]["tables"];

type GroupsOf<M> = { [K in keyof M]: M[K] extends ExportGroup<infer G> ? G : never }[keyof M];
type Together<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;
/** What a module exports, with what its groups hold. */
type Exported<M> = [GroupsOf<M>] extends [never] ? M : M & Together<GroupsOf<M>>;

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

/** The keys of submodules in a module's schema. */
type SubmoduleKeys<S> = { [K in keyof S & string]: S[K] extends ModuleExports ? K : never }[keyof S & string];
type Within<M extends ModuleExports, K> = K extends keyof TablesOf<M>
  ? TablesOf<M>[K] extends infer Sub extends ModuleExports
    ? Sub
    : never
  : never;
/** What a submodule has, behind its key and a dot. */
type Prefixed<K extends string, All> = { readonly [Name in keyof All & string as `${K}.${Name}`]: All[Name] };
type OfAll<Each> = [Each] extends [never] ? unknown : Together<Each>;
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

type ViewNames<M> = { [K in keyof M]: M[K] extends ViewExport<any> ? K : never }[keyof M];
type ViewRow<V> =
  V extends ViewExport<infer Rows> ? (Rows extends readonly (infer Row)[] ? Row : Exclude<Rows, undefined>) : never;
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
