/**
 * Definitions: which tables there are, kept as rows of the system tables.
 *
 * Live, a change of definition writes its rows and changes the tables beside them, inside the open
 * transaction; a rollback undoes both. In a replay the rows come first, and `syncTables` makes the tables what
 * the rows say. Either way the tables are a function of the rows.
 */
import {
  asIndexId,
  asRowRef,
  asTableId,
  assert,
  defined,
  type IndexId,
  LightconeError,
  type TableId,
  userIdMin,
} from "@lightcone/base";
import { ByteReader, ByteWriter } from "@lightcone/sats";
import {
  type Access,
  type IndexDef,
  SystemTable,
  systemTables,
  type TableDef,
  type TableSchema,
  type ViewDef,
} from "@lightcone/schema";
import type { Catalog, TableChange } from "../api.ts";
import type { SequenceMove } from "../commit.ts";
import { type AlteredParts, alteredParts, firstFree, haveSameBytes, haveSameTypes } from "./altered-parts.ts";
import { type RemadeRows, remakeRows, retireTable, TableRemake } from "./table-remake.ts";
import type { RemakeRecord } from "../log/remake-record.ts";
import { uniqueViolation } from "../table/violation.ts";
import {
  accessorRows,
  type AllRows,
  type CatalogRows,
  type CatalogTable,
  catalogTables,
  codecOf,
  indexAccessorRow,
  indexRow,
  ordered,
  rowsOf,
  schemasOf,
  sequenceRow,
  type StoredSchema,
  tableRow,
} from "./catalog-rows.ts";
import { definitionProblems } from "./definition-check.ts";
import { TransactionState } from "../transaction/transaction-state.ts";
import type { HashSeed } from "../indexes/key-code.ts";
import { type Slab, slabShift } from "../storage/memory.ts";
import { type RowSpace, SlotCursor } from "../storage/row-space.ts";
import { Sequence } from "../table/sequence.ts";
import { type StoredIndex, StoredTable } from "../table/stored-table.ts";
import { TableIndex } from "../table/table-index.ts";
import type { TableDirectory } from "../table/table-directory.ts";
import { ViewRows } from "./view-rows.ts";
import type { StoreSystemRows } from "../transaction/system-rows.ts";
import type { StoreTransaction } from "../transaction/transaction.ts";

/** The next id of each kind. */
export interface IdCounters {
  table: number;
  index: number;
  constraint: number;
  sequence: number;
  schedule: number;
}

const sequenceIdColumn = 0;
const noRemakes: readonly RemakeRecord[] = [];

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

/** Of rows that were read back. */
function refuseRows(reason: string): never {
  throw new LightconeError("Malformed", { what: "what the system tables say", reason });
}

export class StoreCatalog implements Catalog {
  private readonly tables: TableDirectory;
  private readonly tx: StoreTransaction;
  private readonly system: StoreSystemRows;
  private readonly seed: HashSeed;
  counters: IdCounters = {
    table: userIdMin,
    index: userIdMin,
    constraint: userIdMin,
    sequence: userIdMin,
    schedule: userIdMin,
  };
  /** Tables that are made anew for the transaction to come, or the open one. */
  private remakes: { readonly remake: TableRemake; readonly parts: AlteredParts; readonly counters: IdCounters }[] = [];
  /** Rows that a replayed record remade, by table; until its definition says which table they are of. */
  private readonly remade = new Map<number, RemadeRows>();
  /** What becomes of tables and indexes that others took the place of, once that is final. */
  private readonly retired: { readonly id: TableId; readonly run: () => void }[] = [];
  /** Tables that the open transaction dropped. */
  private dropped: StoredTable[] = [];
  private readonly out = new ByteWriter();
  private readonly views: ViewRows;

  constructor(tables: TableDirectory, tx: StoreTransaction, system: StoreSystemRows, seed: HashSeed) {
    this.tables = tables;
    this.tx = tx;
    this.system = system;
    this.seed = seed;
    this.views = new ViewRows(tables, tx, system);
    tx.storeReservation = (sequence) => this.storeReservation(sequence);
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
      const table = this.existing(schema.id);
      table.sequences = schema.def.sequences.map(
        (def, position) => new Sequence(sequences[position] as number, def, table.columnTypes, def.start),
      );
      if (!withRows || !missing.includes(schema)) continue;
      const ids = { table: schema.id, indexes: schema.indexIds, constraints, sequences, schedule: 0 };
      this.insertRows(rowsOf(schema.def, ids, (sequence) => sequence.start));
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
      this.counters = before;
    });
    this.insertRows(rowsOf(def, ids, (sequence) => sequence.start));
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
    this.tx.changes.logUndo(() => (this.counters = before));
    this.views.set(views, () => this.nextTableId());
  }

  viewTables(): ReadonlyMap<string, TableId> {
    return new Map(this.views.stored().map(({ view_name, table_id }) => [view_name, asTableId(table_id ?? 0)]));
  }

  dropTable(id: TableId): void {
    this.requireOpen();
    const table = this.existing(id);
    this.tx.clear(id);
    this.deleteDefinition(table);
    this.tables.remove(table);
    this.dropped.push(table);
    this.tx.changes.logUndo(() => {
      this.dropped.pop();
      this.tables.add(table);
    });
  }

  createIndex(id: TableId, def: IndexDef): StoredIndex {
    this.requireOpen();
    const table = this.existing(id);
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
    this.insertRow("st_index", indexRow(def, indexId, id));
    for (const row of indexAccessorRow(def)) this.insertRow("st_index_accessor", row);
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
    this.deleteRows("st_index", (row) => row.index_id === id);
    this.deleteRows("st_index_accessor", (row) => row.index_name === index.def.name);
  }

  setAccess(id: TableId, access: Access): void {
    this.requireOpen();
    const table = this.existing(id);
    this.changeSchema(table, { ...table.schema, def: { ...table.def, access } });
    this.deleteRows("st_table", (row) => row.table_id === id);
    this.insertRow("st_table", tableRow(table.def, id));
  }

  setAccessors(id: TableId, given: TableDef): void {
    this.requireOpen();
    const table = this.existing(id);
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
    this.deleteAccessors(table.def);
    this.changeSchema(table, { ...table.schema, def });
    const rows = accessorRows(def);
    for (const row of rows.st_table_accessor) this.insertRow("st_table_accessor", row);
    for (const row of rows.st_index_accessor) this.insertRow("st_index_accessor", row);
    for (const row of rows.st_column_accessor) this.insertRow("st_column_accessor", row);
  }

  openRemake(change: TableChange): void {
    const table = this.existing(change.id);
    assert(this.tx.changes.state === TransactionState.closed, "a table is remade between transactions");
    const counters = { ...this.counters };
    const parts = this.partsOf(table, change);
    const { rowType } = parts.schema.def;
    const { conversion } = change;
    const remake = new TableRemake(
      this.tx.changes.memory,
      table,
      conversion && { id: table.id, rowType, conversion },
      (space) => new StoredTable(this.tx.changes.memory, parts.schema, this.seed, space),
      (index) => index.unique && !parts.wasUnique(index.def),
    );
    this.remakes.push({ remake, parts, counters });
  }

  stepRemakes(rowCountMax: number): boolean {
    try {
      let left = rowCountMax;
      // A remake takes its pages before the next begins, as in a replay.
      for (const { remake } of this.remakes) left = remake.step(left);
      return this.remakes.every(({ remake }) => remake.isDone);
    } catch (error) {
      this.abandonRemakes();
      throw error;
    }
  }

  abandonRemakes(): void {
    for (let last = this.remakes.pop(); last !== undefined; last = this.remakes.pop()) {
      last.remake.abandon();
      this.counters = last.counters;
    }
  }

  get isRemaking(): boolean {
    return this.remakes.length > 0;
  }

  /** The transaction that has begun is the one that remakes were made for: if it comes to nothing, so do they. */
  beginWithRemakes(): void {
    if (this.remakes.length > 0) this.tx.changes.logUndo(() => this.abandonRemakes());
  }

  /** What the log is to say of the remakes. */
  remakeRecords(): readonly RemakeRecord[] {
    if (this.remakes.length === 0) return noRemakes;
    return this.remakes.flatMap(({ remake: { record } }) => record ?? []);
  }

  /** Makes rows as a record says, before the rows of system tables say which tables they are of. */
  remakeFrom(records: readonly RemakeRecord[]): void {
    for (const record of records) {
      const table = this.tables.byId[record.id] ?? refuseRows(`there is no table ${record.id} to remake`);
      this.remade.set(record.id, remakeRows(this.tx.changes.memory, table, record));
    }
  }

  /** @throws {LightconeError} `Malformed` when rows were remade of which no definition was */
  checkRemade(): void {
    for (const id of this.remade.keys()) refuseRows(`table ${id} was remade and is defined as before`);
  }

  /** Forgets the remakes of the transaction, once it is final. */
  finishRemakes(): void {
    if (this.remakes.length > 0) this.remakes = [];
    if (this.retired.length === 0) return;
    // Pages are freed in one order, live and in a replay.
    for (const { run } of this.retired.splice(0).sort((a, b) => a.id - b.id)) run();
  }

  alterTables(changes: readonly TableChange[]): void {
    this.requireOpen();
    const altered = changes.map((change) => {
      const table = this.existing(change.id);
      const made = this.remakes.find(({ remake }) => remake.old === table);
      assert(made !== undefined || haveSameTypes(table.def, change.def), "rows of other types are made anew first");
      return { table, made, parts: made?.parts ?? this.partsOf(table, change) };
    });
    for (const { table } of altered) this.deleteDefinition(table);
    for (const { parts } of altered)
      this.insertRows(rowsOf(parts.schema.def, parts.ids, (sequence) => parts.allocatedOf(sequence)));
    for (const { table, made, parts } of altered) {
      if (made === undefined) this.alterInPlace(table, parts);
      else {
        assert(made.remake.isDone, "a remade table has all its rows");
        this.replace(table, made.remake.table, parts);
      }
    }
  }

  /** Gives a table other parts over the same rows, whose types are the same. */
  private alterInPlace(table: StoredTable, parts: AlteredParts): void {
    const { schema } = parts;
    const { schema: schemaBefore, indexes: before, sequences, isEvent } = table;
    const made: StoredIndex[] = [];
    const indexes = schema.def.indexes.map((def, position) => {
      const id = schema.indexIds[position] as IndexId;
      const kept = before.find((index) => index.id === id && index.unique === def.unique);
      if (kept !== undefined) return kept;
      const index = new TableIndex(table, id, def);
      made.push(index);
      return index;
    });
    try {
      for (const index of made) {
        const duplicate = index.unique ? index.findDuplicate() : undefined;
        if (duplicate !== undefined) throw this.violation(table.space, schema.def, index, duplicate);
        index.load(table.allRefs());
      }
    } catch (error) {
      for (const index of made) index.dispose();
      throw error;
    }
    this.use(table, schema, indexes);
    table.sequences = parts.sequencesOf(table);
    table.isEvent = schema.def.isEvent;
    const run = (): void => {
      for (const index of before) if (!indexes.includes(index)) index.dispose();
    };
    this.retired.push({ id: table.id, run });
    this.tx.changes.logUndo(() => {
      this.retired.pop();
      this.use(table, schemaBefore, before);
      table.sequences = sequences;
      table.isEvent = isEvent;
      for (const index of made) index.dispose();
    });
  }

  private use(table: StoredTable, schema: TableSchema, indexes: StoredIndex[]): void {
    table.schema = schema;
    for (const [position, index] of indexes.entries()) index.def = schema.def.indexes[position] as IndexDef;
    this.tables.setIndexes(table, indexes);
  }

  private violation(space: RowSpace, def: TableDef, index: StoredIndex, ref: number): LightconeError {
    const slab = space.memory.slabs[ref >>> slabShift] as Slab;
    const at = space.rowAt(ref);
    return uniqueViolation(def, index.def, slab.bytes, slab.view, at, at + space.rowBytes(ref));
  }

  /** Puts a remade table in the place of the old one. */
  private replace(old: StoredTable, table: StoredTable, parts: AlteredParts): void {
    assert(old.changes.position < 0, "a table is remade before its rows change");
    table.sequences = parts.sequencesOf(table);
    this.tables.remove(old);
    this.tables.add(table);
    this.retired.push({ id: old.id, run: () => retireTable(old, table) });
    this.tx.changes.logUndo(() => {
      this.retired.pop();
      this.tables.remove(table);
      this.tables.add(old);
    });
  }

  private deleteDefinition(table: StoredTable): void {
    for (const name of definitionTables)
      this.deleteRows(name, (row: { table_id: number }) => row.table_id === table.id);
    this.deleteAccessors(table.def);
  }

  /** The parts that a changed table has: those that are the same keep their ids, others get new ones. */
  private partsOf(table: StoredTable, change: TableChange): AlteredParts {
    const { counters } = this;
    return alteredParts(
      table,
      change,
      {
        index: () => asIndexId(counters.index++),
        constraint: () => counters.constraint++,
        sequence: () => counters.sequence++,
        schedule: () => counters.schedule++,
      },
      {
        constraints: this.read("st_constraint").flatMap(({ row }) => (row.table_id === table.id ? [row] : [])),
        schedule: this.read("st_scheduled").find(({ row }) => row.table_id === table.id)?.row.schedule_id,
      },
    );
  }

  returnReservations(): void {
    this.requireOpen();
    for (const table of this.tables.all()) {
      for (const sequence of table.sequences) {
        if (sequence.stored === sequence.next) continue;
        sequence.allocated = sequence.next;
        this.storeReservation(sequence);
      }
    }
  }

  passSequences(id: TableId, old?: TableId): void {
    this.requireOpen();
    const table = this.existing(id);
    const before = old === undefined ? undefined : this.existing(old);
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
      if (sequence.stored !== sequence.allocated) this.storeReservation(sequence);
    }
  }

  /**
   * Brings the user tables in line with the rows. Those to drop are kept for `finishDrops`, until their rows are gone.
   *
   * @throws {LightconeError} `Malformed` when the rows say what no change of a definition can have left
   */
  syncTables(): void {
    const schemas = schemasOf(this.readRows());
    for (const table of this.tables.all()) {
      if (table.id >= userIdMin && !schemas.has(table.id)) this.dropped.push(table);
    }
    for (const stored of schemas.values()) {
      const table = this.tables.byId[stored.schema.id];
      if (table === undefined) this.tables.add(this.makeStored(stored));
      else this.alter(table, stored);
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
    this.setSequences(table, stored);
    return table;
  }

  /** Sets sequences to the ends of reservations in their rows. */
  syncSequences(): void {
    const allocated = new Map(this.read("st_sequence").map(({ row }) => [row.sequence_id, row.allocated]));
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
    return definitionProblems(this.readRows(), this.tables.all());
  }

  /** A state that could not be read back is never written. */
  checkReadable(): void {
    const problems = this.problems();
    assert(problems.length === 0, problems.join("; "));
  }

  readRows(): AllRows {
    const rows = {} as Record<CatalogTable, unknown[]>;
    for (const name of catalogTables) rows[name] = this.read(name).map(({ row }) => row);
    return rows as unknown as AllRows; // each name was read by its own codec
  }

  private alter(table: StoredTable, stored: StoredSchema): void {
    const { schema } = stored;
    if (this.remade.has(table.id) || !haveSameTypes(schema.def, table.def)) return this.alterRows(table, stored);
    const dropped: StoredIndex[] = [];
    const indexes = schema.def.indexes.map((def, position) => {
      const id = schema.indexIds[position] as IndexId;
      const kept = table.indexes.find((index) => index.id === id && index.unique === def.unique);
      if (kept !== undefined) {
        kept.def = def;
        return kept;
      }
      const index = new TableIndex(table, id, def);
      index.load(table.allRefs());
      return index;
    });
    for (const index of table.indexes) if (!indexes.includes(index)) dropped.push(index);
    table.schema = { ...schema, def: { ...schema.def, typeRef: table.def.typeRef } };
    this.tables.setIndexes(table, indexes);
    for (const index of dropped) index.dispose();
    this.setSequences(table, stored);
    table.isEvent = schema.def.isEvent;
  }

  /** Gives a table rows of other types: those that were remade, or the old ones where their bytes are the same. */
  private alterRows(old: StoredTable, stored: StoredSchema): void {
    const { schema } = stored;
    const remade = this.remade.get(old.id);
    this.remade.delete(old.id);
    if (remade === undefined && !haveSameBytes(old.def, schema.def))
      refuseRows(`table '${old.name}' has other columns, and its rows were not remade`);
    const table = new StoredTable(this.tx.changes.memory, schema, this.seed, remade?.space ?? old.space);
    table.loadIndexes(remade?.rowBytes ?? old.rowBytes, remade?.rowCount ?? old.rowCount);
    table.sequences = old.sequences;
    this.setSequences(table, stored);
    table.space.allocatedPages = false;
    this.tables.remove(old);
    this.tables.add(table);
    this.retired.push({ id: old.id, run: () => retireTable(old, table) });
  }

  private setSequences(table: StoredTable, stored: StoredSchema): void {
    table.sequences = stored.sequences.map(
      (each) =>
        table.sequences.find((sequence) => sequence.id === each.id && sequence.isFor(each.def, table.columnTypes)) ??
        new Sequence(each.id, each.def, table.columnTypes, each.allocated),
    );
  }

  private makeTable(schema: TableSchema): StoredTable {
    return new StoredTable(this.tx.changes.memory, schema, this.seed);
  }

  private existing(id: TableId): StoredTable {
    const table = this.tables.byId[id];
    if (table === undefined) throw new LightconeError("NoSuchTable", { table: String(id) });
    return table;
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
      this.read("st_table").map(({ row }) => row.table_id),
    );
    counters.index = past(
      counters.index,
      this.read("st_index").map(({ row }) => row.index_id),
    );
    counters.constraint = past(
      counters.constraint,
      this.read("st_constraint").map(({ row }) => row.constraint_id),
    );
    counters.sequence = past(
      counters.sequence,
      this.read("st_sequence").map(({ row }) => row.sequence_id),
    );
    counters.schedule = past(
      counters.schedule,
      this.read("st_scheduled").map(({ row }) => row.schedule_id),
    );
  }

  private storeReservation(sequence: Sequence): void {
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

  private encode<T extends CatalogTable>(name: T, row: CatalogRows[T]): Uint8Array {
    this.out.reset();
    codecOf(name).write(this.out, row);
    return this.out.toBytes();
  }

  private insertRows(rows: AllRows): void {
    for (const name of catalogTables) for (const row of rows[name]) this.insertRow(name, row);
  }

  private insertRow<T extends CatalogTable>(name: T, row: CatalogRows[T]): void {
    const bytes = this.encode(name, row);
    this.system.insert(asTableId(SystemTable[name]), bytes, bytes.length);
  }

  private read<T extends CatalogTable>(name: T): { ref: number; row: CatalogRows[T] }[] {
    const { space } = this.existing(asTableId(SystemTable[name]));
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

  private deleteRows<T extends CatalogTable>(name: T, isMeant: (row: CatalogRows[T]) => boolean): void {
    const id = asTableId(SystemTable[name]);
    for (const { ref, row } of this.read(name)) if (isMeant(row)) this.system.deleteRow(id, asRowRef(ref));
  }

  private deleteAccessors(def: TableDef): void {
    const indexes = new Set(def.indexes.map((index) => index.name));
    this.deleteRows("st_table_accessor", (row) => row.table_name === def.name);
    this.deleteRows("st_index_accessor", (row) => indexes.has(row.index_name));
    this.deleteRows("st_column_accessor", (row) => row.table_name === def.name);
  }
}
