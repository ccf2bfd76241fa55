/** Definitions as rows of the system tables, and back. */
import { asIndexId, asTableId, defined, type IndexId, type TableId, userIdMin } from "@lightcone/base";
import { ByteReader, ByteWriter, decodeType, encodeType, type ValueCodec, valueCodec } from "@lightcone/sats";
import type { Access, ColumnDef, IndexDef, SequenceDef, TableDef, TableSchema, UniqueDef } from "@lightcone/schema";
import { SystemTable, systemTables, type SystemTableName } from "@lightcone/schema";

export interface TableRow {
  readonly table_id: number;
  readonly table_name: string;
  readonly table_type: string;
  readonly table_access: string;
  readonly table_primary_key: readonly number[] | undefined;
}
export interface ColumnRow {
  readonly table_id: number;
  readonly col_pos: number;
  readonly col_name: string;
  readonly col_type: Uint8Array;
}
export interface SequenceRow {
  readonly sequence_id: number;
  readonly sequence_name: string;
  readonly table_id: number;
  readonly col_pos: number;
  readonly increment: bigint;
  readonly start: bigint;
  readonly min_value: bigint;
  readonly max_value: bigint;
  readonly allocated: bigint;
}
type Algorithm =
  | { readonly tag: "BTree" | "Hash"; readonly value: readonly number[] }
  | { readonly tag: "Direct"; readonly value: number };
export interface IndexRow {
  readonly index_id: number;
  readonly table_id: number;
  readonly index_name: string;
  readonly index_algorithm: Algorithm;
}
export interface ConstraintRow {
  readonly constraint_id: number;
  readonly constraint_name: string;
  readonly table_id: number;
  readonly constraint_data: { readonly tag: "Unique"; readonly value: readonly number[] };
}
export interface ScheduledRow {
  readonly schedule_id: number;
  readonly table_id: number;
  readonly reducer_name: string;
  readonly schedule_name: string;
  readonly at_column: number;
}
export interface TableAccessorRow {
  readonly table_name: string;
  readonly accessor_name: string;
}
export interface IndexAccessorRow {
  readonly index_name: string;
  readonly accessor_name: string;
}
export interface ColumnAccessorRow {
  readonly table_name: string;
  readonly col_name: string;
  readonly accessor_name: string;
}

/** The system tables that hold definitions, and the types of their rows. */
export interface CatalogRows {
  st_table: TableRow;
  st_column: ColumnRow;
  st_sequence: SequenceRow;
  st_index: IndexRow;
  st_constraint: ConstraintRow;
  st_scheduled: ScheduledRow;
  st_event_table: { readonly table_id: number };
  st_table_accessor: TableAccessorRow;
  st_index_accessor: IndexAccessorRow;
  st_column_accessor: ColumnAccessorRow;
}
export type CatalogTable = keyof CatalogRows & SystemTableName;

export const catalogTables: readonly CatalogTable[] = [
  "st_table",
  "st_column",
  "st_sequence",
  "st_index",
  "st_constraint",
  "st_scheduled",
  "st_event_table",
  "st_table_accessor",
  "st_index_accessor",
  "st_column_accessor",
];
const catalogIds = new Set<number>(catalogTables.map((name) => SystemTable[name]));

/** Whether rows of this table define tables. */
export function isCatalogTable(id: number): boolean {
  return catalogIds.has(id);
}

const codecs = new Map<CatalogTable, ValueCodec<never>>();

export function codecOf<T extends CatalogTable>(name: T): ValueCodec<CatalogRows[T]> {
  let codec = codecs.get(name);
  if (codec === undefined) {
    const schema = defined(
      systemTables.find((table) => table.def.name === name),
      name,
    );
    codec = valueCodec<never>(schema.def.rowType);
    codecs.set(name, codec);
  }
  return codec;
}

export type AllRows = { [T in CatalogTable]: CatalogRows[T][] };

/** The ids that a new table's parts get, by position. */
export interface PartIds {
  readonly table: TableId;
  readonly indexes: readonly IndexId[];
  readonly constraints: readonly number[];
  readonly sequences: readonly number[];
  readonly schedule: number;
}

/** A definition with its lists in the order in which rows will give them back. */
export function ordered(def: TableDef): TableDef {
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  return {
    ...def,
    indexes: [...def.indexes].sort(byName),
    constraints: [...def.constraints].sort(byName),
    sequences: [...def.sequences].sort((a, b) => a.column - b.column),
  };
}

/** The rows that define a table. `def` must be in order. */
export function rowsOf(def: TableDef, ids: PartIds, allocated: (sequence: SequenceDef) => bigint): AllRows {
  const tableId: number = ids.table;
  return {
    st_table: [tableRow(def, ids.table)],
    st_column: def.columns.map((column, position) => ({
      table_id: tableId,
      col_pos: position,
      col_name: column.name,
      col_type: typeBytes(column),
    })),
    st_sequence: def.sequences.map((sequence, position) =>
      sequenceRow(sequence, defined(ids.sequences[position], "a sequence's id"), tableId, allocated(sequence)),
    ),
    st_index: def.indexes.map((index, position) =>
      indexRow(index, defined(ids.indexes[position], "an index's id"), tableId),
    ),
    st_constraint: def.constraints.map((constraint, position) => ({
      constraint_id: defined(ids.constraints[position], "a constraint's id"),
      constraint_name: constraint.name,
      table_id: tableId,
      constraint_data: { tag: "Unique", value: constraint.columns },
    })),
    st_scheduled:
      def.schedule === undefined
        ? []
        : [
            {
              schedule_id: ids.schedule,
              table_id: tableId,
              reducer_name: def.schedule.functionName,
              schedule_name: def.schedule.name,
              at_column: def.schedule.atColumn,
            },
          ],
    st_event_table: def.isEvent ? [{ table_id: tableId }] : [],
    ...accessorRows(def),
  };
}

/** Accessors that are not simply the names. */
export function accessorRows(
  def: TableDef,
): Pick<AllRows, "st_table_accessor" | "st_index_accessor" | "st_column_accessor"> {
  return {
    st_table_accessor: def.accessor === def.name ? [] : [{ table_name: def.name, accessor_name: def.accessor }],
    st_index_accessor: def.indexes.flatMap((index) => indexAccessorRow(index)),
    st_column_accessor: def.columns.flatMap((column) =>
      column.accessor === column.name
        ? []
        : [{ table_name: def.name, col_name: column.name, accessor_name: column.accessor }],
    ),
  };
}

export function indexAccessorRow(index: IndexDef): IndexAccessorRow[] {
  return index.sourceName === index.name ? [] : [{ index_name: index.name, accessor_name: index.sourceName }];
}

export function tableRow(def: TableDef, id: TableId): TableRow {
  return {
    table_id: id,
    table_name: def.name,
    table_type: def.kind,
    table_access: def.access,
    table_primary_key: def.primaryKey === undefined ? undefined : [def.primaryKey],
  };
}

export function indexRow(index: IndexDef, id: number, tableId: number): IndexRow {
  return { index_id: id, table_id: tableId, index_name: index.name, index_algorithm: algorithmOf(index) };
}

function algorithmOf(index: IndexDef): Algorithm {
  switch (index.algorithm) {
    case "btree":
      return { tag: "BTree", value: index.columns };
    case "hash":
      return { tag: "Hash", value: index.columns };
    case "direct":
      return { tag: "Direct", value: defined(index.columns[0], "a direct index's column") };
  }
}

export function sequenceRow(sequence: SequenceDef, id: number, tableId: number, allocated: bigint): SequenceRow {
  return {
    sequence_id: id,
    sequence_name: sequence.name,
    table_id: tableId,
    col_pos: sequence.column,
    increment: sequence.increment,
    start: sequence.start,
    min_value: sequence.min,
    max_value: sequence.max,
    allocated,
  };
}

function typeBytes(column: ColumnDef): Uint8Array {
  const out = new ByteWriter();
  encodeType(out, column.type);
  return out.toBytes();
}

/** A user table as the rows define it, with the end of each sequence's reservation. */
export interface StoredSchema {
  readonly schema: TableSchema;
  readonly sequences: readonly { readonly id: number; readonly def: SequenceDef; readonly allocated: bigint }[];
}

/** Every user table that the rows define, by id. What rows do not hold (defaults, `typeRef`) is undefined. */
export function schemasOf(rows: AllRows): Map<number, StoredSchema> {
  const columns = groupBy(rows.st_column);
  const indexes = groupBy(rows.st_index);
  const constraints = groupBy(rows.st_constraint);
  const sequences = groupBy(rows.st_sequence);
  const scheduled = groupBy(rows.st_scheduled);
  const events = new Set(rows.st_event_table.map((row) => row.table_id));
  const tableAccessors = new Map(rows.st_table_accessor.map((row) => [row.table_name, row.accessor_name]));
  const indexAccessors = new Map(rows.st_index_accessor.map((row) => [row.index_name, row.accessor_name]));
  const columnAccessors = new Map(
    rows.st_column_accessor.map((row) => [`${row.table_name} ${row.col_name}`, row.accessor_name]),
  );
  const schemas = new Map<number, StoredSchema>();
  for (const row of rows.st_table) {
    if (row.table_id < userIdMin) continue;
    const columnDefs = (columns.get(row.table_id) ?? [])
      .sort((a, b) => a.col_pos - b.col_pos)
      .map((column): ColumnDef => ({
        name: column.col_name,
        accessor: columnAccessors.get(`${row.table_name} ${column.col_name}`) ?? column.col_name,
        type: decodeType(new ByteReader(column.col_type, "a column's type")),
        defaultValue: undefined,
      }));
    const unique = (constraints.get(row.table_id) ?? []).map((constraint): UniqueDef => ({
      name: constraint.constraint_name,
      columns: [...constraint.constraint_data.value],
    }));
    const indexRows = (indexes.get(row.table_id) ?? []).sort((a, b) => (a.index_name < b.index_name ? -1 : 1));
    const sequenceRows = (sequences.get(row.table_id) ?? []).sort((a, b) => a.col_pos - b.col_pos);
    const sequenceDefs = sequenceRows.map((sequence): SequenceDef => ({
      name: sequence.sequence_name,
      column: sequence.col_pos,
      start: sequence.start,
      min: sequence.min_value,
      max: sequence.max_value,
      increment: sequence.increment,
    }));
    const primaryKey = row.table_primary_key?.[0];
    const [schedule] = scheduled.get(row.table_id) ?? [];
    const def: TableDef = ordered({
      name: row.table_name,
      accessor: tableAccessors.get(row.table_name) ?? row.table_name,
      columns: columnDefs,
      rowType: { kind: "Product", elements: columnDefs.map(({ name, type }) => ({ name, type })) },
      typeRef: undefined,
      primaryKey,
      indexes: indexRows.map((index) => indexDefOf(index, unique, indexAccessors)),
      constraints: unique,
      sequences: sequenceDefs,
      schedule:
        schedule === undefined
          ? undefined
          : {
              name: schedule.schedule_name,
              atColumn: schedule.at_column,
              idColumn: primaryKey ?? 0,
              functionName: schedule.reducer_name,
            },
      access: row.table_access as Access,
      kind: "user",
      isEvent: events.has(row.table_id),
    });
    schemas.set(row.table_id, {
      schema: { id: asTableId(row.table_id), def, indexIds: indexRows.map((index) => asIndexId(index.index_id)) },
      sequences: sequenceRows.map((sequence, position) => ({
        id: sequence.sequence_id,
        def: defined(def.sequences[position], "a sequence"),
        allocated: sequence.allocated,
      })),
    });
  }
  return schemas;
}

function indexDefOf(row: IndexRow, unique: readonly UniqueDef[], accessors: ReadonlyMap<string, string>): IndexDef {
  const { tag, value } = row.index_algorithm;
  const columns = tag === "Direct" ? [value] : [...value];
  return {
    name: row.index_name,
    sourceName: accessors.get(row.index_name) ?? row.index_name,
    accessor: undefined,
    algorithm: tag === "BTree" ? "btree" : tag === "Hash" ? "hash" : "direct",
    columns,
    unique: unique.some(
      (each) => each.columns.length === columns.length && each.columns.every((column) => columns.includes(column)),
    ),
  };
}

function groupBy<T extends { readonly table_id: number }>(rows: readonly T[]): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const group = groups.get(row.table_id);
    if (group === undefined) groups.set(row.table_id, [row]);
    else group.push(row);
  }
  return groups;
}
