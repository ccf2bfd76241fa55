/**
 * Definitions: which tables there are, kept as rows of the system tables.
 *
 * Live, a change of definition writes its rows and changes the tables beside them, inside the open
 * transaction; a rollback undoes both. In a replay the rows come first, and `syncTables` makes the tables what
 * the rows say. Either way the tables are a function of the rows.
 */
import {
  asIndexId,
  asTableId,
  assert,
  defined,
  type IndexId,
  LightconeError,
  type TableId,
  userIdMin,
} from "@lightcone/base";
import {
  type Access,
  type IndexDef,
  systemTables,
  type TableDef,
  type TableSchema,
  type ViewDef,
} from "@lightcone/schema";
import type { Catalog, TableChange } from "../api.ts";
import type { SequenceMove } from "../commit.ts";
import type { HashSeed } from "../indexes/key-code.ts";
import { Sequence } from "../table/sequence.ts";
import { type StoredIndex, StoredTable } from "../table/stored-table.ts";
import { TableIndex } from "../table/table-index.ts";
import type { TableDirectory } from "../table/table-directory.ts";
import { TransactionState } from "../transaction/transaction-state.ts";
import type { StoreSystemRows } from "../transaction/system-rows.ts";
import type { StoreTransaction } from "../transaction/transaction.ts";
import { Alterations, type IdCounters, refuseRows, setSequences } from "./alterations.ts";
import { firstFree } from "./altered-parts.ts";
import {
  accessorRows,
  indexAccessorRow,
  indexRow,
  ordered,
  rowsOf,
  schemasOf,
  type StoredSchema,
  tableRow,
} from "./catalog-rows.ts";
import { definitionProblems } from "./definition-check.ts";
import { DefinitionRows } from "./definition-rows.ts";
import { ViewRows } from "./view-rows.ts";

export class StoreCatalog implements Catalog {
  private readonly tables: TableDirectory;
  private readonly tx: StoreTransaction;
  readonly rows: DefinitionRows;
  private readonly seed: HashSeed;
  readonly counters: IdCounters = {
    table: userIdMin,
    index: userIdMin,
    constraint: userIdMin,
    sequence: userIdMin,
    schedule: userIdMin,
  };
  /** Tables that the open transaction dropped. */
  private dropped: StoredTable[] = [];
  private readonly views: ViewRows;
  /** Changes of tables that stay. */
  readonly alterations: Alterations;

  constructor(tables: TableDirectory, tx: StoreTransaction, system: StoreSystemRows, seed: HashSeed) {
    this.tables = tables;
    this.tx = tx;
    this.rows = new DefinitionRows(tables, tx, system);
    this.seed = seed;
    this.views = new ViewRows(tables, tx, system);
    this.alterations = new Alterations(tables, tx, this.rows, this.counters, seed);
    tx.storeReservation = (sequence) => this.rows.storeReservation(sequence);
  }

  /** Makes the system tables that are not there yet and, with `rows`, the rows that define them. */
  createSystemTables(withRows: boolean): void {
    const missing = systemTables.filter((schema) => this.tables.byId[schema.id] === undefined);
    for (const schema of missing) this.tables.add(this.makeTable(schema));
    let constraintId = 1;
    let sequenceId = 1;
    for (const schema of systemTables) {
      const constraints = schema.def.constraints.map(() => constraintId++);
      const sequences = schema.def.sequences.map(() => sequenceId++);
      const table = this.tables.existing(schema.id);
      table.sequences = schema.def.sequences.map(
        (def, position) => new Sequence(sequences[position] as number, def, table.columnTypes, def.start),
      );
      if (!withRows || !missing.includes(schema)) continue;
      const ids = { table: schema.id, indexes: schema.indexIds, constraints, sequences, schedule: 0 };
      this.rows.insertSystemTable(schema, () => rowsOf(schema.def, ids, (sequence) => sequence.start));
    }
  }

  createTable(given: TableDef, id?: TableId): StoredTable {
    this.requireOpen();
    const def = ordered(given);
    const before = { ...this.counters };
    const schema: TableSchema = {
      id: id ?? this.nextTableId(),
      def,
      indexIds: def.indexes.map(() => asIndexId(this.counters.index++)),
    };
    const ids = {
      table: schema.id,
      indexes: schema.indexIds,
      constraints: def.constraints.map(() => this.counters.constraint++),
      sequences: def.sequences.map(() => this.counters.sequence++),
      schedule: def.schedule === undefined ? 0 : this.counters.schedule++,
    };
    const table = this.makeTable(schema);
    table.sequences = def.sequences.map(
      (each, position) => new Sequence(ids.sequences[position] as number, each, table.columnTypes, each.start),
    );
    this.tables.add(table);
    this.tx.changes.logUndo(() => {
      this.tables.remove(table);
      table.dispose();
      Object.assign(this.counters, before);
    });
    this.rows.insertRows(rowsOf(def, ids, (sequence) => sequence.start));
    return table;
  }

  /** Views have ids of tables as well. */
  private nextTableId(): TableId {
    const { counters } = this;
    for (const { table_id } of this.views.stored()) counters.table = Math.max(counters.table, (table_id ?? 0) + 1);
    return asTableId(counters.table++);
  }

  setViews(views: readonly ViewDef[]): void {
    this.requireOpen();
    const before = { ...this.counters };
    this.tx.changes.logUndo(() => Object.assign(this.counters, before));
    this.views.set(views, () => this.nextTableId());
  }

  viewTables(): ReadonlyMap<string, TableId> {
    return new Map(this.views.stored().map(({ view_name, table_id }) => [view_name, asTableId(table_id ?? 0)]));
  }

  dropTable(id: TableId): void {
    this.requireOpen();
    const table = this.tables.existing(id);
    this.tx.clear(id);
    this.rows.deleteDefinition(table);
    this.tables.remove(table);
    this.dropped.push(table);
    this.tx.changes.logUndo(() => {
      this.dropped.pop();
      this.tables.add(table);
    });
  }

  createIndex(id: TableId, def: IndexDef): StoredIndex {
    this.requireOpen();
    const table = this.tables.existing(id);
    const indexId = asIndexId(this.counters.index);
    const index = new TableIndex(table, indexId, { ...def, unique: this.isUnique(table.def, def) });
    const duplicate = index.unique ? index.findDuplicate() : undefined;
    if (duplicate !== undefined) {
      index.dispose();
      const columns = def.columns.map((column) => table.def.columns[column]?.name ?? "");
      throw new LightconeError("UniqueViolation", {
        constraint: def.name,
        table: table.name,
        columns,
        value: "held by two rows",
      });
    }
    index.load(table.allRefs());
    this.counters.index += 1;
    const indexes = [...table.indexes, index].sort((a, b) => (a.def.name < b.def.name ? -1 : 1));
    this.changeIndexes(table, indexes, () => {
      index.dispose();
      this.counters.index -= 1;
    });
    this.rows.insertRow("st_index", indexRow(def, indexId, id));
    for (const row of indexAccessorRow(def)) this.rows.insertRow("st_index_accessor", row);
    return index;
  }

  dropIndex(id: IndexId): void {
    this.requireOpen();
    const index = defined(this.tables.indexById[id], `index ${id}`);
    this.changeIndexes(
      index.table,
      index.table.indexes.filter((each) => each !== index),
      () => {},
    );
    this.rows.deleteRows("st_index", (row) => row.index_id === id);
    this.rows.deleteRows("st_index_accessor", (row) => row.index_name === index.def.name);
  }

  setAccess(id: TableId, access: Access): void {
    this.requireOpen();
    const table = this.tables.existing(id);
    this.changeSchema(table, { ...table.schema, def: { ...table.def, access } });
    this.rows.deleteRows("st_table", (row) => row.table_id === id);
    this.rows.insertRow("st_table", tableRow(table.def, id));
  }

  setAccessors(id: TableId, given: TableDef): void {
    this.requireOpen();
    const table = this.tables.existing(id);
    const names = new Map(given.indexes.map((index) => [index.name, index]));
    const def: TableDef = {
      ...table.def,
      accessor: given.accessor,
      columns: table.def.columns.map((column, position) => ({
        ...column,
        accessor: given.columns[position]?.accessor ?? column.accessor,
      })),
      indexes: table.def.indexes.map((index) => ({
        ...index,
        sourceName: names.get(index.name)?.sourceName ?? index.sourceName,
        accessor: names.get(index.name)?.accessor ?? index.accessor,
      })),
    };
    this.rows.deleteAccessors(table.def);
    this.changeSchema(table, { ...table.schema, def });
    const rows = accessorRows(def);
    for (const row of rows.st_table_accessor) this.rows.insertRow("st_table_accessor", row);
    for (const row of rows.st_index_accessor) this.rows.insertRow("st_index_accessor", row);
    for (const row of rows.st_column_accessor) this.rows.insertRow("st_column_accessor", row);
  }

  openRemake(change: TableChange): void {
    this.alterations.open(change);
  }

  stepRemakes(rowCountMax: number): boolean {
    return this.alterations.step(rowCountMax);
  }

  abandonRemakes(): void {
    this.alterations.abandon();
  }

  get isRemaking(): boolean {
    return this.alterations.isRemaking;
  }

  alterTables(changes: readonly TableChange[]): void {
    this.requireOpen();
    this.alterations.alter(changes);
  }

  returnReservations(): void {
    this.requireOpen();
    for (const table of this.tables.all()) {
      for (const sequence of table.sequences) {
        if (sequence.stored === sequence.next) continue;
        sequence.allocated = sequence.next;
        this.rows.storeReservation(sequence);
      }
    }
  }

  passSequences(id: TableId, old?: TableId): void {
    this.requireOpen();
    const table = this.tables.existing(id);
    const before = old === undefined ? undefined : this.tables.existing(old);
    for (const sequence of table.sequences) {
      const { column, increment } = sequence.def;
      const name = table.def.columns[column]?.name;
      const given = before?.sequences.find(({ def }) => before.def.columns[def.column]?.name === name);
      const further = (a: bigint, b: bigint): bigint => (increment > 0n === a > b ? a : b);
      let free = firstFree(table, sequence.def, column);
      if (given !== undefined && given.def.increment > 0n === increment > 0n) free = further(free, given.next);
      if (free < sequence.def.min || free > sequence.def.max) continue;
      sequence.next = further(sequence.next, free);
      sequence.allocated = further(sequence.allocated, free);
      if (sequence.stored !== sequence.allocated) this.rows.storeReservation(sequence);
    }
  }

  /**
   * Brings the user tables in line with the rows. Those to drop are kept for `finishDrops`, until their rows are gone.
   *
   * @throws {LightconeError} `Malformed` when the rows say what no change of a definition can have left
   */
  syncTables(): void {
    const schemas = schemasOf(this.rows.readAll());
    for (const table of this.tables.all()) {
      if (table.id >= userIdMin && !schemas.has(table.id)) this.dropped.push(table);
    }
    for (const stored of schemas.values()) {
      const table = this.tables.byId[stored.schema.id];
      if (table === undefined) this.tables.add(this.makeStored(stored));
      else this.alterations.follow(table, stored);
    }
    this.countIds();
  }

  /** Rows of a table go before it does. @throws {LightconeError} `Malformed` when they did not */
  checkDropped(): void {
    for (const { name, rowCount } of this.dropped)
      if (rowCount > 0) refuseRows(`table '${name}' is nowhere defined and has ${rowCount} rows`);
  }

  /** Frees the tables that the transaction dropped, once it is final. */
  finishDrops(): void {
    if (this.dropped.length === 0) return;
    for (const table of this.dropped) {
      if (this.tables.byId[table.id] === table) this.tables.remove(table);
      table.dispose();
    }
    this.dropped = [];
  }

  /** Makes a table that the rows define, empty. */
  makeStored(stored: StoredSchema): StoredTable {
    const table = this.makeTable(stored.schema);
    setSequences(table, stored);
    return table;
  }

  /** Sets sequences to the ends of reservations in their rows. */
  syncSequences(): void {
    const allocated = new Map(this.rows.read("st_sequence").map(({ row }) => [row.sequence_id, row.allocated]));
    for (const table of this.tables.all()) {
      for (const sequence of table.sequences) {
        const stored = allocated.get(sequence.id);
        if (stored === undefined) continue;
        sequence.next = stored;
        sequence.allocated = stored;
        sequence.stored = stored;
      }
    }
  }

  /** Has sequences stand where a transaction found them. */
  moveSequences(moves: readonly SequenceMove[]): void {
    if (moves.length === 0) return;
    const before = new Map(moves.map((move) => [move.id, move.before]));
    for (const table of this.tables.all())
      for (const sequence of table.sequences) sequence.next = before.get(sequence.id) ?? sequence.next;
  }

  /** Where tables and rows differ: such a state could not be read back. */
  problems(): string[] {
    return definitionProblems(this.rows.readAll(), this.tables.all());
  }

  /** A state that could not be read back is never written. */
  checkReadable(): void {
    const problems = this.problems();
    assert(problems.length === 0, problems.join("; "));
  }

  private makeTable(schema: TableSchema): StoredTable {
    return new StoredTable(this.tx.changes.memory, schema, this.seed);
  }

  private requireOpen(): void {
    if (this.tx.changes.state !== TransactionState.open && this.tx.changes.refuse(-1) < 0) {
      throw new LightconeError("DatabaseStopped", { reason: "definitions change inside transactions only" });
    }
  }

  private isUnique(table: TableDef, index: IndexDef): boolean {
    return table.constraints.some(
      (each) =>
        each.columns.length === index.columns.length && each.columns.every((column) => index.columns.includes(column)),
    );
  }

  private changeSchema(table: StoredTable, schema: TableSchema): void {
    const before = table.schema;
    const use = (each: TableSchema): void => {
      table.schema = each;
      for (const [position, index] of table.indexes.entries()) index.def = each.def.indexes[position] as IndexDef;
      table.version += 1;
      this.tables.changed();
    };
    use(schema);
    this.tx.changes.logUndo(() => use(before));
  }

  private changeIndexes(table: StoredTable, indexes: StoredIndex[], undo: () => void): void {
    const { indexes: before, schema: schemaBefore } = table;
    table.schema = {
      ...schemaBefore,
      def: { ...schemaBefore.def, indexes: indexes.map((index) => index.def) },
      indexIds: indexes.map((index) => index.id),
    };
    this.tables.setIndexes(table, indexes);
    this.tx.changes.logUndo(() => {
      table.schema = schemaBefore;
      this.tables.setIndexes(table, before);
      undo();
    });
  }

  private countIds(): void {
    const { counters } = this;
    const past = (next: number, ids: readonly number[]): number => ids.reduce((max, id) => Math.max(max, id + 1), next);
    counters.table = past(
      counters.table,
      this.rows.read("st_table").map(({ row }) => row.table_id),
    );
    counters.index = past(
      counters.index,
      this.rows.read("st_index").map(({ row }) => row.index_id),
    );
    counters.constraint = past(
      counters.constraint,
      this.rows.read("st_constraint").map(({ row }) => row.constraint_id),
    );
    counters.sequence = past(
      counters.sequence,
      this.rows.read("st_sequence").map(({ row }) => row.sequence_id),
    );
    counters.schedule = past(
      counters.schedule,
      this.rows.read("st_scheduled").map(({ row }) => row.schedule_id),
    );
  }
}
