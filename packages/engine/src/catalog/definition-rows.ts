/** The rows of system tables that say what the tables are: read, written and deleted with the open transaction. */
import { asRowRef, asTableId, defined } from "@lightcone/base";
import { ByteReader, ByteWriter } from "@lightcone/sats";
import { SystemTable, type TableDef, type TableSchema } from "@lightcone/schema";
import { SlotCursor } from "../storage/row-space.ts";
import { slabShift } from "../storage/memory.ts";
import type { Sequence } from "../table/sequence.ts";
import type { StoredTable } from "../table/stored-table.ts";
import type { TableDirectory } from "../table/table-directory.ts";
import type { StoreSystemRows } from "../transaction/system-rows.ts";
import type { StoreTransaction } from "../transaction/transaction.ts";
import {
  type AllRows,
  type CatalogRows,
  type CatalogTable,
  catalogTables,
  codecOf,
  sequenceRow,
} from "./catalog-rows.ts";

const sequenceIdColumn = 0;
/** Tables whose rows say what a table is, by its id. */
const definitionTables = [
  "st_table",
  "st_column",
  "st_sequence",
  "st_index",
  "st_constraint",
  "st_scheduled",
  "st_event_table",
] as const;

/** By the system table that they define. */
const systemRows = new Map<TableSchema, readonly (readonly [CatalogTable, Uint8Array])[]>();

export class DefinitionRows {
  private readonly tables: TableDirectory;
  private readonly tx: StoreTransaction;
  private readonly system: StoreSystemRows;
  private readonly out = new ByteWriter();

  constructor(tables: TableDirectory, tx: StoreTransaction, system: StoreSystemRows) {
    this.tables = tables;
    this.tx = tx;
    this.system = system;
  }

  readAll(): AllRows {
    const rows = {} as Record<CatalogTable, unknown[]>;
    for (const name of catalogTables) rows[name] = this.read(name).map(({ row }) => row);
    return rows as unknown as AllRows; // each name was read by its own codec
  }

  private encode<T extends CatalogTable>(name: T, row: CatalogRows[T]): Uint8Array {
    this.out.reset();
    codecOf(name).write(this.out, row);
    return this.out.toBytes();
  }

  insertRows(rows: AllRows): void {
    for (const name of catalogTables) for (const row of rows[name]) this.insertRow(name, row);
  }

  /** Inserts the rows that define a system table: the same in every store. */
  insertSystemTable(schema: TableSchema, make: () => AllRows): void {
    let rows = systemRows.get(schema);
    if (rows === undefined) {
      const all = make();
      rows = catalogTables.flatMap((name) => all[name].map((row) => [name, this.encode(name, row)] as const));
      systemRows.set(schema, rows);
    }
    for (const [name, bytes] of rows) this.system.insert(asTableId(SystemTable[name]), bytes, bytes.length);
  }

  insertRow<T extends CatalogTable>(name: T, row: CatalogRows[T]): void {
    const bytes = this.encode(name, row);
    this.system.insert(asTableId(SystemTable[name]), bytes, bytes.length);
  }

  read<T extends CatalogTable>(name: T): { ref: number; row: CatalogRows[T] }[] {
    const { space } = this.tables.existing(asTableId(SystemTable[name]));
    const codec = codecOf(name);
    const walk = new SlotCursor(space);
    const rows: { ref: number; row: CatalogRows[T] }[] = [];
    for (let ref = walk.next(); ref >= 0; ref = walk.next()) {
      const slab = defined(space.memory.slabs[ref >>> slabShift], "a row's slab");
      const reader = new ByteReader(slab.bytes, name);
      reader.set(slab.bytes, slab.view, space.rowAt(ref), space.rowAt(ref) + space.rowBytes(ref));
      rows.push({ ref, row: codec.read(reader) });
    }
    return rows;
  }

  deleteRows<T extends CatalogTable>(name: T, isMeant: (row: CatalogRows[T]) => boolean): void {
    const id = asTableId(SystemTable[name]);
    for (const { ref, row } of this.read(name)) if (isMeant(row)) this.system.deleteRow(id, asRowRef(ref));
  }

  deleteAccessors(def: TableDef): void {
    const indexes = new Set(def.indexes.map((index) => index.name));
    this.deleteRows("st_table_accessor", (row) => row.table_name === def.name);
    this.deleteRows("st_index_accessor", (row) => indexes.has(row.index_name));
    this.deleteRows("st_column_accessor", (row) => row.table_name === def.name);
  }

  /** Deletes all that says what a table is. */
  deleteDefinition(table: StoredTable): void {
    for (const name of definitionTables)
      this.deleteRows(name, (row: { table_id: number }) => row.table_id === table.id);
    this.deleteAccessors(table.def);
  }

  /** Writes how far a sequence has reserved numbers. */
  storeReservation(sequence: Sequence): void {
    const before = sequence.stored;
    const table = defined(this.tables.byId[SystemTable.st_sequence], "st_sequence");
    const owner = defined(
      this.tables.all().find((each) => each.sequences.includes(sequence)),
      "a sequence's table",
    );
    const row = sequenceRow(sequence.def, sequence.id, owner.id, sequence.allocated);
    const index = defined(
      table.indexes.find((each) => each.def.columns[0] === sequenceIdColumn),
      "the key of st_sequence",
    );
    const bytes = this.encode("st_sequence", row);
    this.system.update(index, bytes, bytes.length);
    sequence.stored = sequence.allocated;
    this.tx.changes.logUndo(() => {
      sequence.stored = before;
    });
  }
}
