/**
 * A module's description as it arrives: decoded, but neither named nor checked.
 *
 * Field order is the order on the wire. Types may hold `Ref`s into the description's own typespace.
 */
import type { AlgebraicType, Member, Typespace } from "@lightcone/sats";
import type { Access, HttpMethod, Lifecycle } from "./module-def.ts";

export type RawIndexAlgorithm =
  | { readonly kind: "btree"; readonly columns: readonly number[] }
  | { readonly kind: "hash"; readonly columns: readonly number[] }
  | { readonly kind: "direct"; readonly column: number };

export interface RawTypeDef {
  readonly scope: readonly string[];
  readonly name: string;
  readonly ref: number;
  readonly customOrdering: boolean;
}

/** `name` is V9's `name` and V10's `source_name`; the layout is the same. */
export interface RawIndexDef {
  readonly name: string | undefined;
  readonly accessor: string | undefined;
  readonly algorithm: RawIndexAlgorithm;
}

/** A unique constraint; there is no other kind. */
export interface RawConstraintDef {
  readonly name: string | undefined;
  readonly columns: readonly number[];
}

export interface RawSequenceDef {
  readonly name: string | undefined;
  readonly column: number;
  readonly start: bigint | undefined;
  readonly min: bigint | undefined;
  readonly max: bigint | undefined;
  readonly increment: bigint;
}

/** What V9 and V10 tables have in common. */
export interface RawTableBase {
  readonly name: string;
  readonly typeRef: number;
  readonly primaryKey: readonly number[];
  readonly indexes: readonly RawIndexDef[];
  readonly constraints: readonly RawConstraintDef[];
  readonly sequences: readonly RawSequenceDef[];
  readonly kind: "system" | "user";
  readonly access: Access;
}

export interface RawViewDef {
  readonly name: string;
  readonly index: number;
  readonly isPublic: boolean;
  readonly isAnonymous: boolean;
  readonly params: readonly Member[];
  readonly returns: AlgebraicType;
}

// --- V9

export interface RawScheduleV9 {
  readonly name: string | undefined;
  readonly functionName: string;
  readonly atColumn: number;
}

export interface RawTableV9 extends RawTableBase {
  readonly schedule: RawScheduleV9 | undefined;
}

export interface RawReducerV9 {
  readonly name: string;
  readonly params: readonly Member[];
  readonly lifecycle: Lifecycle | undefined;
}

export type RawMiscExport =
  | { readonly kind: "columnDefault"; readonly table: string; readonly column: number; readonly value: Uint8Array }
  | {
      readonly kind: "procedure";
      readonly name: string;
      readonly params: readonly Member[];
      readonly returns: AlgebraicType;
    }
  | ({ readonly kind: "view" } & RawViewDef);

export interface RawModuleDefV9 {
  readonly version: 9;
  readonly typespace: Typespace;
  readonly tables: readonly RawTableV9[];
  readonly reducers: readonly RawReducerV9[];
  readonly types: readonly RawTypeDef[];
  readonly miscExports: readonly RawMiscExport[];
  readonly rowLevelRules: readonly string[];
}

// --- V10

export type Visibility = "private" | "client";
export type CasePolicy = "none" | "snakeCase";

export interface RawTableV10 extends RawTableBase {
  readonly defaults: readonly { readonly column: number; readonly value: Uint8Array }[];
  readonly isEvent: boolean;
}

export interface RawReducerV10 {
  readonly name: string;
  readonly params: readonly Member[];
  readonly visibility: Visibility;
  readonly ok: AlgebraicType;
  readonly err: AlgebraicType;
}

export interface RawProcedureV10 {
  readonly name: string;
  readonly params: readonly Member[];
  readonly returns: AlgebraicType;
  readonly visibility: Visibility;
}

export interface RawScheduleV10 {
  readonly name: string | undefined;
  readonly table: string;
  readonly atColumn: number;
  readonly functionName: string;
}

export interface RawLifecycleV10 {
  readonly lifecycle: Lifecycle;
  readonly functionName: string;
}

export interface RawExplicitName {
  readonly kind: "table" | "function" | "index";
  readonly sourceName: string;
  readonly canonicalName: string;
}

export interface RawHttpRoute {
  readonly handler: string;
  readonly method: HttpMethod;
  readonly path: string;
}

export interface RawViewPrimaryKey {
  readonly view: string;
  readonly columns: readonly string[];
}

export interface RawSubmodule {
  readonly namespace: string;
  readonly module: RawModuleDefV10;
}

/** All sections, an absent one as its empty value. */
export interface RawModuleDefV10 {
  readonly version: 10;
  readonly typespace: Typespace;
  readonly types: readonly RawTypeDef[];
  readonly tables: readonly RawTableV10[];
  readonly reducers: readonly RawReducerV10[];
  readonly procedures: readonly RawProcedureV10[];
  readonly views: readonly RawViewDef[];
  readonly schedules: readonly RawScheduleV10[];
  readonly lifecycles: readonly RawLifecycleV10[];
  readonly rowLevelRules: readonly string[];
  readonly casePolicy: CasePolicy;
  readonly explicitNames: readonly RawExplicitName[];
  readonly httpHandlers: readonly string[];
  readonly httpRoutes: readonly RawHttpRoute[];
  readonly viewPrimaryKeys: readonly RawViewPrimaryKey[];
  readonly submodules: readonly RawSubmodule[];
}

export type RawModuleDef = RawModuleDefV9 | RawModuleDefV10;
