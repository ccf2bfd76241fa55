/** What a migration is made of: the steps that are told, what becomes of each table, and how the two are gathered. */
import type { FieldsConversion } from "@lightcone/sats";
import type { ClientBreak } from "./client-breaks.ts";
import type { Access, ColumnDef, IndexDef, SequenceDef, TableDef, UniqueDef, ViewDef } from "./module-def.ts";

export type MigrationStep =
  | { readonly kind: "removeIndex"; readonly table: string; readonly index: string }
  | { readonly kind: "removeConstraint"; readonly table: string; readonly constraint: string }
  | { readonly kind: "removeSequence"; readonly table: string; readonly sequence: string }
  | { readonly kind: "removeSchedule"; readonly table: string; readonly schedule: string }
  | { readonly kind: "removeView"; readonly view: string }
  | { readonly kind: "removeTable"; readonly table: string; readonly rowCount: number }
  | { readonly kind: "renameTable"; readonly table: string; readonly was: string }
  | { readonly kind: "renameColumn"; readonly table: string; readonly column: string; readonly was: string }
  | { readonly kind: "removeColumn"; readonly table: string; readonly column: string; readonly rowCount: number }
  | { readonly kind: "changeColumn"; readonly table: string; readonly was: ColumnDef; readonly column: ColumnDef }
  | { readonly kind: "reorderColumns"; readonly table: string; readonly columns: readonly string[] }
  | { readonly kind: "setEvent"; readonly table: string; readonly isEvent: boolean }
  | { readonly kind: "addColumns"; readonly table: string; readonly columns: readonly AddedColumn[] }
  | { readonly kind: "setAccessors"; readonly table: TableDef }
  | { readonly kind: "addTable"; readonly table: TableDef }
  | { readonly kind: "addIndex"; readonly table: string; readonly index: IndexDef }
  | { readonly kind: "addConstraint"; readonly table: TableDef; readonly constraint: UniqueDef }
  | { readonly kind: "addSequence"; readonly table: string; readonly sequence: SequenceDef }
  | { readonly kind: "addSchedule"; readonly table: string; readonly schedule: string; readonly functionName: string }
  | { readonly kind: "addView"; readonly view: ViewDef }
  | { readonly kind: "setRowLevelRules"; readonly rules: readonly string[] }
  | { readonly kind: "setAccess"; readonly table: string; readonly access: Access }
  | { readonly kind: "setPrimaryKey"; readonly table: string; readonly column: string | undefined };

/** A column that is new, with the value that rows get which are there. */
export interface AddedColumn {
  readonly column: ColumnDef;
  readonly value: Uint8Array | undefined;
}

/** What becomes of a table. Those that stay as they are are not listed. */
export type TableMigration =
  | { readonly kind: "drop"; readonly table: string }
  | AlteredTable
  | { readonly kind: "create"; readonly def: TableDef };

export interface AlteredTable {
  readonly kind: "alter";
  /** As it is called before. */
  readonly table: string;
  readonly def: TableDef;
  /** For each column the old one's position; -1 for a new one. */
  readonly from: readonly number[];
  /** How rows are converted; undefined where their bytes stay the same. */
  readonly conversion: FieldsConversion | undefined;
  /** Whether its indexes are made anew, over rows of other types. */
  readonly isRemade: boolean;
}

export interface AutoMigration {
  readonly kind: "auto";
  /** An empty list replaces the program alone. */
  readonly steps: readonly MigrationStep[];
  readonly tables: readonly TableMigration[];
  /** With any the publisher is asked first. */
  readonly breaks: readonly ClientBreak[];
  /** What is lost of what tables hold, in words. */
  readonly losses: readonly string[];
  /** The reducer that is run over tables with old rows. */
  readonly migrate: string | undefined;
}

export interface MigrationFacts {
  /** How many rows a table of the old module has. */
  rowCount(table: string): number;
  /** Whether the publisher agrees that data goes with tables and columns that are gone. */
  readonly dropsData: boolean;
}

/** What a plan gathers. */
export interface Planning {
  readonly facts: MigrationFacts;
  readonly steps: MigrationStep[];
  readonly tables: TableMigration[];
  readonly losses: string[];
  /** A change that cannot be carried out. */
  refuse(change: string): void;
  /** A change that rows are lost by: carried out if the publisher agrees. */
  lose(change: string, what: string): void;
}

/** A count of rows, in words. */
export function rows(count: number): string {
  return count === 1 ? "1 row" : `${count} rows`;
}
