/**
 * What a module says of the versions before it: what tables and columns were called, which tables hold old rows, and the
 * reducer that carries those over. Names are those of its code.
 *
 * A module in Rust says it in the custom section `lightcone`, one a line; `lightcone/module` says the same with `was` and
 * `migrate`:
 *
 *   person was people · person.name was full_name · old_gauge is old gauge · migrate by carry_over
 */
import { LightconeError } from "@lightcone/base";
import type { ColumnDef, ModuleDef, ReducerDef, TableDef } from "./module-def.ts";

export interface Renaming {
  readonly table: string;
  /** Of this column, or of the table itself. */
  readonly column?: string | undefined;
  readonly was: string;
  /** Whether the table is there for its old rows alone: they go when `migrate` has run. */
  readonly isOld?: boolean | undefined;
}

export interface ModuleHistory {
  readonly renamings: readonly Renaming[];
  /** The reducer that carries old rows over. */
  readonly migrate?: string | undefined;
}

const line = /^\s*(?:(\w+)(?:\.(\w+))?\s+was\s+(\w+)|(\w+)\s+is\s+old\s+(\w+)|migrate\s+by\s+(\w+))\s*$/;

/** Reads the lines of a section. @throws {LightconeError} `ModuleInvalid` */
export function readHistory(text: string): ModuleHistory {
  const renamings: Renaming[] = [];
  let migrate: string | undefined;
  for (const each of text.split("\n")) {
    if (each.trim() === "") continue;
    const [, table, column, was = "", old, of = "", reducer] = line.exec(each) ?? [];
    if (table !== undefined) renamings.push({ table, column, was });
    else if (old !== undefined) renamings.push({ table: old, was: of, isOld: true });
    else if (reducer !== undefined && migrate === undefined) migrate = reducer;
    else
      throw new LightconeError("ModuleInvalid", {
        reason: `its section \`lightcone\` says \`${each.trim()}\`, which is none of: TABLE was NAME, TABLE.COLUMN was NAME, TABLE is old NAME, migrate by REDUCER`,
      });
  }
  return { renamings, migrate };
}

/** The description with what the module says of its history. @throws {LightconeError} `SchemaInvalid` for names that it lacks */
export function withHistory(def: ModuleDef, history: ModuleHistory | undefined): ModuleDef {
  if (history === undefined) return def;
  const problems: string[] = [];
  const isOf = (name: string) => (one: { readonly name: string; readonly accessor: string }) =>
    one.name === name || one.accessor === name;
  const tables = [...def.tables];
  for (const { table: name, column, was, isOld } of history.renamings) {
    const at = tables.findIndex(isOf(name));
    const table = tables[at];
    if (table === undefined) problems.push(`it says what table \`${name}\` was, and has no such table`);
    else if (column === undefined) tables[at] = { ...table, was, isOld };
    else if (table.columns.some(isOf(column))) tables[at] = withColumn(table, table.columns.find(isOf(column)), was);
    else problems.push(`it says what column \`${column}\` of table \`${name}\` was, and has no such column`);
  }
  const { migrate } = history;
  const reducer = def.reducers.find(isOf(migrate ?? ""));
  if (migrate !== undefined) {
    if (reducer === undefined) problems.push(`it is migrated by \`${migrate}\`, and has no such reducer`);
    else if (reducer.params.elements.length > 0 || reducer.lifecycle !== undefined)
      problems.push(`reducer \`${migrate}\` migrates it: it takes nothing, and is none of a life cycle`);
  }
  if (problems.length > 0) throw new LightconeError("SchemaInvalid", { problems });
  const reducers = def.reducers.map((one): ReducerDef => (one === reducer ? { ...one, visibility: "private" } : one));
  return { ...def, tables, reducers, migrate: reducer?.name };
}

function withColumn(table: TableDef, column: ColumnDef | undefined, was: string): TableDef {
  return { ...table, columns: table.columns.map((each) => (each === column ? { ...each, was } : each)) };
}
