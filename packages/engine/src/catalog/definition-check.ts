/**
 * Whether the tables are what the rows of the system tables say: only then can the state be read back, since a snapshot
 * and a log have the rows alone.
 */
import type { TableSchema } from "@lightcone/schema";
import { userIdMin } from "@lightcone/base";
import { type AllRows, schemasOf } from "./catalog-rows.ts";
import type { StoredTable } from "../table/stored-table.ts";

/** What does not agree, in words; empty when all does. */
export function definitionProblems(rows: AllRows, tables: readonly StoredTable[]): string[] {
  const problems: string[] = [];
  const schemas = schemasOf(rows);
  const found = new Set<number>();
  for (const table of tables) {
    if (table.id < userIdMin) continue;
    found.add(table.id);
    const stored = schemas.get(table.id);
    if (stored === undefined) problems.push(`${table.name}: no row of st_table says it`);
    else if (textOf(stored.schema) !== textOf(table.schema)) problems.push(`${table.name}: the rows say another table`);
    else if (stored.sequences.map(({ id }) => id).join() !== table.sequences.map(({ id }) => id).join())
      problems.push(`${table.name}: its sequences are not those that rows say`);
  }
  for (const [id, { schema }] of schemas)
    if (!found.has(id)) problems.push(`${schema.def.name}: rows say it, and it is not there`);
  return problems;
}

/** What rows can say of a table. */
function textOf({ id, indexIds, def }: TableSchema): string {
  const { name, accessor, primaryKey, constraints, sequences, schedule, access, kind, isEvent } = def;
  const columns = def.columns.map((column) => [column.name, column.accessor, column.type]);
  const indexes = def.indexes.map((index) => [
    index.name,
    index.sourceName,
    index.algorithm,
    index.columns,
    index.unique,
  ]);
  const said = [
    [id, indexIds, name, accessor, access, kind, isEvent, primaryKey],
    columns,
    indexes,
    constraints.map((each) => [each.name, each.columns]),
    sequences.map((each) => [each.name, each.column, each.start, each.min, each.max, each.increment]),
    schedule === undefined ? undefined : [schedule.name, schedule.atColumn, schedule.functionName],
  ];
  return JSON.stringify(said, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}
