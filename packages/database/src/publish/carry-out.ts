/** What becomes of the tables, carried out: rows made anew beforehand, in slices, and all else in the publish's transaction. */
import { defined } from "@lightcone/base";
import type { Store, TableChange } from "@lightcone/engine";
import type { AlteredTable, AutoMigration, ModuleDef } from "@lightcone/schema";

/** What of a database's tables a plan is made by. */
export function rowCounts(store: Pick<Store, "tableByName">): { rowCount(table: string): number } {
  return { rowCount: (name) => store.tableByName(name)?.rowCount ?? 0 };
}

/** What carrying out a plan costs: the rows that are made anew, or at least looked at, table by table. */
export interface MigrationCost {
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly bytes: number }[];
  readonly rows: number;
  readonly bytes: number;
  /** About how long it takes. */
  readonly milliseconds: number;
}

/** Measured on two cores of 2.5 GHz: a row of some 30 bytes with two indexes. */
const microsPerRow = 1.5;
const microsPerByte = 0.01;

export function costOf(store: Pick<Store, "tableByName">, { tables }: AutoMigration): MigrationCost {
  const remade = tables.flatMap((change) => {
    const table = change.kind === "alter" && change.isRemade ? store.tableByName(change.table) : undefined;
    return table === undefined || table.rowCount === 0
      ? []
      : [{ table: table.name, rows: table.rowCount, bytes: table.rowBytes }];
  });
  const sum = (of: "rows" | "bytes"): number => remade.reduce((total, each) => total + each[of], 0);
  const [rows, bytes] = [sum("rows"), sum("bytes")];
  return { tables: remade, rows, bytes, milliseconds: Math.ceil((rows * microsPerRow + bytes * microsPerByte) / 1000) };
}

/** So many rows are made anew at once; others wait for that long. */
export const rowsAtOnce = 1000;

/** Makes the tables of a first module, in the open transaction. */
export function createTables({ catalog }: Store, { tables }: ModuleDef): void {
  for (const table of [...tables].sort(byName)) catalog.createTable(table);
}

/** Begins to make the rows anew that the plan wants otherwise. Whether there are any. */
export function openRemakes(store: Store, { tables }: AutoMigration): boolean {
  for (const change of tables)
    if (change.kind === "alter" && change.isRemade) store.catalog.openRemake(changeOf(store, change));
  return store.catalog.isRemaking;
}

/** Changes the tables, in the open transaction. What is to be remade has been. */
export function changeTables(store: Store, { tables }: AutoMigration): void {
  const { catalog } = store;
  for (const change of tables) if (change.kind === "drop") catalog.dropTable(tableOf(store, change.table).id);
  const altered = tables.flatMap((change) => (change.kind === "alter" ? [changeOf(store, change)] : []));
  if (altered.length > 0) catalog.alterTables(altered);
  for (const change of tables) if (change.kind === "create") catalog.createTable(change.def);
}

/**
 * Ends what a function did that carried old rows over: the tables that it filled give out no value that rows have, or had, and
 * those that are there for old rows alone are cleared.
 */
export function finishCarrying(store: Store, plan: AutoMigration, { tables }: ModuleDef): void {
  for (const change of plan.tables) {
    if (change.kind !== "create") continue;
    const { name } = change.def;
    const old = tables.find(({ was, isOld }) => isOld === true && was === name);
    store.catalog.passSequences(tableOf(store, name).id, old && tableOf(store, old.name).id);
  }
  for (const { name, isOld } of tables) if (isOld === true) store.tx.clear(tableOf(store, name).id);
}

function changeOf(store: Store, { table, def, from, conversion }: AlteredTable): TableChange {
  return { id: tableOf(store, table).id, def, from, conversion };
}

function tableOf(store: Store, name: string) {
  return defined(store.tableByName(name), `table ${name}, which the plan names`);
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
