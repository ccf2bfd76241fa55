/**
 * A module by the types of its entry file's exports, `import type * as arena from "./module/src/index.ts"`: what clients and tests infer theirs
 * from. Types alone.
 */
import type { ExportGroup, Schema, ViewExport } from "./schema.ts";

/* oxlint-disable no-explicit-any -- `infer` needs any schema, of which the parts are then exact */

/** The exports of a module's entry file. */
export interface ModuleExports {
  readonly default: Schema<any>;
}

export type Simplify<T> = { [K in keyof T]: T[K] } & {};
export type TablesOf<M extends ModuleExports> = M["default"]["tables"];

type GroupsOf<M> = { [K in keyof M]: M[K] extends ExportGroup<infer G> ? G : never }[keyof M];
type Together<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;
/** What a module exports, with what its groups hold. */
export type Exported<M> = [GroupsOf<M>] extends [never] ? M : M & Together<GroupsOf<M>>;

export type ViewNames<M> = { [K in keyof M]: M[K] extends ViewExport<any> ? K : never }[keyof M];
export type ViewRow<V> =
  V extends ViewExport<infer Rows> ? (Rows extends readonly (infer Row)[] ? Row : Exclude<Rows, undefined>) : never;

/** The keys of submodules in a module's schema. */
export type SubmoduleKeys<S> = { [K in keyof S & string]: S[K] extends ModuleExports ? K : never }[keyof S & string];
export type Within<M extends ModuleExports, K> = K extends keyof TablesOf<M>
  ? TablesOf<M>[K] extends infer Sub extends ModuleExports
    ? Sub
    : never
  : never;
/** What a submodule has, behind its key and a dot. */
export type Prefixed<K extends string, All> = { readonly [Name in keyof All & string as `${K}.${Name}`]: All[Name] };
export type OfAll<Each> = [Each] extends [never] ? unknown : Together<Each>;
