/** What was read of a bundle's exports: plain data, of its tables and its functions. */
import type { FunctionKind } from "@lightcone/host";
import type { AlgebraicType } from "@lightcone/sats";
import type { IndexAlgorithm, Lifecycle } from "@lightcone/schema";

/** A type as its author named it: products and sums may have a name of their own. */
export type NamedShape = AlgebraicType & { readonly typeName?: string | undefined };

export interface ColumnShape {
  readonly name: string;
  readonly type: NamedShape;
  readonly primaryKey: boolean;
  readonly unique: boolean;
  readonly autoInc: boolean;
  readonly index: IndexAlgorithm | undefined;
  readonly defaultValue: { readonly value: unknown } | undefined;
  /** What it was called before. */
  readonly was: string | undefined;
}

export interface IndexShape {
  readonly accessor: string;
  readonly name: string | undefined;
  readonly algorithm: IndexAlgorithm;
  readonly columns: readonly number[];
}

export interface TableShape {
  readonly key: string;
  readonly name: string | undefined;
  /** What its row type is registered as. */
  readonly typeName: string;
  readonly isPublic: boolean;
  readonly isEvent: boolean;
  /** What it was called before. */
  readonly was: string | undefined;
  /** Whether it is there for old rows alone. */
  readonly isOld: boolean;
  readonly columns: readonly ColumnShape[];
  readonly indexes: readonly IndexShape[];
  /** Sets of columns that are unique together. */
  readonly constraints: readonly { readonly name: string | undefined; readonly columns: readonly number[] }[];
  /** The function that its rows schedule: by name, or the export itself. */
  readonly scheduled: unknown;
  /** The row type's object, by which parameters are recognised. */
  readonly identity: object;
}

export interface FunctionShape {
  readonly kind: FunctionKind;
  readonly exportName: string;
  readonly name: string | undefined;
  readonly lifecycle: Lifecycle | undefined;
  /** Whether it carries rows of a version before over. */
  readonly migrates: boolean;
  readonly params: readonly { readonly name: string; readonly type: NamedShape }[];
  /** The table whose rows call it. */
  readonly onSchedule: object | undefined;
  readonly exported: object;
  /** What it gives: every procedure says, a reducer only if it gives something. */
  readonly returns: NamedShape | undefined;
  readonly body: (ctx: unknown, args: unknown) => unknown;
}

export interface ViewShape {
  readonly exportName: string;
  readonly name: string | undefined;
  readonly exported: object;
  readonly isAnonymous: boolean;
  /** Whether it gives one row, or none. */
  readonly isOne: boolean;
  /** A list of rows, or an option. */
  readonly returns: NamedShape;
  readonly primaryKey: string | undefined;
  /** What its context has to begin queries with: the bundle's own, by the name of the part that it is in. */
  readonly fromWithin: (part: string) => unknown;
  /** Tells the bundle the view's whole name, which queries of others name it by. */
  readonly called: (name: string) => unknown;
  readonly body: (ctx: unknown) => unknown;
  /** The text of a query that it gave; undefined for rows. */
  readonly queryOf: (given: unknown) => unknown;
}

/** An HTTP handler. What it takes and gives is made by the bundle's own classes. */
export interface HandlerShape {
  readonly exportName: string;
  readonly name: string | undefined;
  readonly exported: object;
  readonly body: (ctx: unknown, request: unknown) => unknown;
  /** A plain request as the handler takes it. */
  readonly requestOf: (plain: unknown) => unknown;
  /** What the handler gave as a plain response. */
  readonly plainResponse: (given: unknown) => unknown;
}

export interface RouteShape {
  /** The handler's export. */
  readonly handler: string;
  /** `ANY` for all. */
  readonly method: string;
  readonly path: string;
}

export interface ModuleShape {
  readonly policy: "none" | "snakeCase";
  readonly tables: readonly TableShape[];
  /** Both sorted by export name: the order that they are numbered in. */
  readonly reducers: readonly FunctionShape[];
  readonly procedures: readonly FunctionShape[];
  /** Sorted as those are; the ones of a caller are numbered apart from anonymous ones. */
  readonly views: readonly ViewShape[];
  readonly handlers: readonly HandlerShape[];
  readonly routes: readonly RouteShape[];
  /** Row-level rules, as SQL. */
  readonly rules: readonly string[];
  readonly submodules: readonly { readonly namespace: string; readonly shape: ModuleShape }[];
  /** The stacks under which functions were made that are not exported, those of submodules included. */
  readonly unexported: readonly string[];
}
