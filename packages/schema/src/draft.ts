/**
 * A description that has its canonical names but has not been checked: the meeting point of V9 and V10.
 *
 * `sourceName` is what the module's code says, `name` what everybody else does; V9 has one for both.
 * Names that are generated stay undefined until the columns that they are made of are known.
 */
import type { AlgebraicType, Member, Typespace } from "@lightcone/sats";
import type { Access, HttpHandlerDef, HttpMethod, Lifecycle } from "./module-def.ts";
import type { RawIndexAlgorithm, RawSequenceDef, RawSubmodule, RawTypeDef, Visibility } from "./raw-module-def.ts";

export interface IndexDraft {
  readonly name: string | undefined;
  readonly sourceName: string | undefined;
  readonly accessor: string | undefined;
  readonly algorithm: RawIndexAlgorithm;
}

export interface ScheduleDraft {
  readonly name: string | undefined;
  readonly atColumn: number;
  /** As the module calls it. */
  readonly functionName: string;
}

export interface DefaultDraft {
  readonly column: number;
  readonly value: Uint8Array;
}

export interface TableDraft {
  readonly name: string;
  readonly sourceName: string;
  readonly typeRef: number;
  readonly primaryKey: readonly number[];
  readonly indexes: readonly IndexDraft[];
  readonly constraints: readonly { readonly name: string | undefined; readonly columns: readonly number[] }[];
  readonly sequences: readonly RawSequenceDef[];
  readonly schedules: readonly ScheduleDraft[];
  readonly defaults: readonly DefaultDraft[];
  readonly kind: "system" | "user";
  readonly access: Access;
  readonly isEvent: boolean;
}

export interface FunctionDraft {
  readonly name: string;
  readonly sourceName: string;
  readonly params: readonly Member[];
  readonly visibility: Visibility;
}

export interface ReducerDraft extends FunctionDraft {
  readonly lifecycles: readonly Lifecycle[];
  /** Undefined for nothing. */
  readonly returns: AlgebraicType | undefined;
}

export interface ProcedureDraft extends FunctionDraft {
  readonly returns: AlgebraicType;
}

export interface ViewDraft {
  readonly name: string;
  readonly sourceName: string;
  readonly index: number;
  readonly isPublic: boolean;
  readonly isAnonymous: boolean;
  readonly params: readonly Member[];
  readonly returns: AlgebraicType;
  /** Source names of columns, one list per entry that named this view. */
  readonly primaryKeys: readonly (readonly string[])[];
}

export interface HttpRouteDraft {
  /** As the module calls it. */
  readonly handler: string;
  readonly method: HttpMethod;
  readonly path: string;
}

export interface ModuleDraft {
  readonly version: 9 | 10;
  readonly typespace: Typespace;
  /** The typespace under the names of the module's code. */
  readonly sourceTypespace: Typespace;
  readonly types: readonly RawTypeDef[];
  readonly tables: readonly TableDraft[];
  readonly reducers: readonly ReducerDraft[];
  readonly procedures: readonly ProcedureDraft[];
  readonly views: readonly ViewDraft[];
  readonly rowLevelRules: readonly string[];
  readonly httpHandlers: readonly HttpHandlerDef[];
  readonly httpRoutes: readonly HttpRouteDraft[];
  readonly submodules: readonly RawSubmodule[];
}
