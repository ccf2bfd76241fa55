/**
 * A module's description after decoding, naming and checking: what everything downstream may rely on.
 *
 * Types here hold no `Ref`: they are resolved when the description is checked. Lists keep the
 * description's order, which is what a module's dispatch ids count by.
 */
import type { AlgebraicType, ProductType, Typespace } from "@lightcone/sats";
import type { IndexId, TableId } from "@lightcone/base";

export type Access = "public" | "private";
export type IndexAlgorithm = "btree" | "hash" | "direct";
export type Lifecycle = "init" | "connect" | "disconnect";

export interface ColumnDef {
  /** As in system tables, SQL and on the wire. */
  readonly name: string;
  /** As in the module's code; the same as `name` in V9. */
  readonly accessor: string;
  readonly type: AlgebraicType;
  /** BSATN of the value that existing rows get when the column is added. */
  readonly defaultValue: Uint8Array | undefined;
  /** What it was called before, if the module says so. */
  readonly was?: string | undefined;
}

export interface IndexDef {
  readonly name: string;
  /** What the module asks for: always `{table}_{columns}_idx_{algorithm}` from the module's own names. */
  readonly sourceName: string;
  /** How clients' bindings call it, if the module said so. */
  readonly accessor: string | undefined;
  readonly algorithm: IndexAlgorithm;
  /** Column positions, in index order. */
  readonly columns: readonly number[];
  /** Whether a unique constraint covers the same set of columns. */
  readonly unique: boolean;
}

export interface UniqueDef {
  readonly name: string;
  readonly columns: readonly number[];
}

export interface SequenceDef {
  readonly name: string;
  readonly column: number;
  readonly start: bigint;
  readonly min: bigint;
  readonly max: bigint;
  readonly increment: bigint;
}

export interface ScheduleDef {
  readonly name: string;
  /** Position of the ScheduleAt column. */
  readonly atColumn: number;
  /** Position of the u64 primary key. */
  readonly idColumn: number;
  readonly functionName: string;
}

export interface TableDef {
  readonly name: string;
  readonly accessor: string;
  /** What it was called before, if the module says so. */
  readonly was?: string | undefined;
  /** Whether it is there for rows of a version before alone: they go when `migrate` has run. */
  readonly isOld?: boolean | undefined;
  readonly columns: readonly ColumnDef[];
  /** The row as a product of `columns`, under their canonical names. */
  readonly rowType: ProductType;
  /**
   * Of a view, whose rows are each caller's own: the column behind those of `rowType` that says whose. Nobody can name it;
   * a query has only the rows of whoever asks it.
   */
  readonly callerColumn?: number | undefined;
  readonly isView?: true | undefined;
  /** Position of the row's type in `ModuleDef.typespace`, for bindings; undefined for system tables. */
  readonly typeRef: number | undefined;
  readonly primaryKey: number | undefined;
  readonly indexes: readonly IndexDef[];
  readonly constraints: readonly UniqueDef[];
  readonly sequences: readonly SequenceDef[];
  readonly schedule: ScheduleDef | undefined;
  readonly access: Access;
  readonly kind: "system" | "user";
  readonly isEvent: boolean;
}

/** A table that exists: its definition with the ids that the database gave it. */
export interface TableSchema {
  readonly id: TableId;
  readonly def: TableDef;
  /** By position as in `def.indexes`. */
  readonly indexIds: readonly IndexId[];
}

export interface ReducerDef {
  /** The position in the description: what a module is called by. */
  readonly id: number;
  readonly name: string;
  /** As in the module's code; the same as `name` in V9. */
  readonly accessor: string;
  readonly params: ProductType;
  /** `params` as declared, with `Ref`s into the typespace: for bindings. */
  readonly paramsByRef: ProductType;
  readonly lifecycle: Lifecycle | undefined;
  /** What it gives when it succeeds; undefined for nothing. */
  readonly returns: AlgebraicType | undefined;
  readonly returnsByRef: AlgebraicType | undefined;
  /** Whether clients may call it. Lifecycle reducers never; V10 scheduled ones neither. */
  readonly visibility: "client" | "private";
}

export interface ProcedureDef {
  readonly id: number;
  readonly name: string;
  readonly accessor: string;
  readonly params: ProductType;
  readonly paramsByRef: ProductType;
  readonly returns: AlgebraicType;
  readonly returnsByRef: AlgebraicType;
  readonly visibility: "client" | "private";
}

export interface ViewDef {
  readonly name: string;
  readonly accessor: string;
  readonly index: number;
  readonly isPublic: boolean;
  readonly isAnonymous: boolean;
  readonly params: ProductType;
  readonly paramsByRef: ProductType;
  /** How rows come back: at most one, a list, or a query for the database to run. */
  readonly shape: "option" | "array" | "query";
  /** Position of the row's type in `ModuleDef.typespace`. */
  readonly rowTypeRef: number;
  readonly rowType: ProductType;
  readonly columns: readonly ColumnDef[];
  readonly primaryKey: number | undefined;
}

export interface NamedType {
  readonly scope: readonly string[];
  readonly name: string;
  /** Position in the typespace. */
  readonly ref: number;
  readonly customOrdering: boolean;
}

/** In the order of their tags on the wire. */
export const httpMethods = ["Get", "Head", "Post", "Put", "Delete", "Connect", "Options", "Trace", "Patch"] as const;

/** Any method, one of the standard ones, or one of the module's own. */
export type HttpMethod =
  | { readonly kind: "any" }
  | { readonly kind: "standard"; readonly name: (typeof httpMethods)[number] }
  | { readonly kind: "extension"; readonly name: string };

export interface HttpHandlerDef {
  readonly name: string;
  readonly accessor: string;
}

export interface HttpRouteDef {
  /** The handler's canonical name. */
  readonly handler: string;
  readonly method: HttpMethod;
  readonly path: string;
}

/** A module within a module. */
export interface SubmoduleDef {
  readonly namespace: string;
  /** With what its own submodules bring, under names and ids that are its own. */
  readonly module: ModuleDef;
}

/** A row-level rule. */
export interface RuleDef {
  readonly sql: string;
  /** Of the submodule whose rule it is, and whose tables it may call by their own names; empty for none. */
  readonly namespace: string;
}

/**
 * What submodules bring stands behind what is the module's own, depth first: `chat.line` is table `line` of submodule `chat`.
 * Ids count through.
 */
export interface ModuleDef {
  readonly version: 9 | 10;
  /** Under canonical names; entries may hold `Ref`s. */
  readonly typespace: Typespace;
  /** The same under the names of the module's code; `Ref`s point at the same positions. */
  readonly sourceTypespace: Typespace;
  readonly types: readonly NamedType[];
  readonly tables: readonly TableDef[];
  readonly reducers: readonly ReducerDef[];
  readonly procedures: readonly ProcedureDef[];
  readonly views: readonly ViewDef[];
  readonly rowLevelRules: readonly RuleDef[];
  readonly httpHandlers: readonly HttpHandlerDef[];
  readonly httpRoutes: readonly HttpRouteDef[];
  /** The same once more, each by itself: for bindings. */
  readonly submodules: readonly SubmoduleDef[];
  /** The reducer that carries rows of a version before over. */
  readonly migrate?: string | undefined;
}
