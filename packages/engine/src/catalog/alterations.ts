/**
 * Changes of tables that stay: other parts over the same rows, or rows that are made anew.
 *
 * Live, rows are made anew in steps before the transaction that puts them in place (`open`, `step`, `alter`). In
 * a replay a record says which rows to make anew (`remakeFrom`), then the definition follows (`follow`).
 */
import { asIndexId, assert, type IndexId, LightconeError, type TableId } from "@lightcone/base";
import type { IndexDef, TableDef, TableSchema } from "@lightcone/schema";
import type { TableChange } from "../api.ts";
import type { HashSeed } from "../indexes/key-code.ts";
import type { RemakeRecord } from "../log/remake-record.ts";
import { type Slab, slabShift } from "../storage/memory.ts";
import type { RowSpace } from "../storage/row-space.ts";
import { Sequence } from "../table/sequence.ts";
import { type StoredIndex, StoredTable } from "../table/stored-table.ts";
import { TableIndex } from "../table/table-index.ts";
import type { TableDirectory } from "../table/table-directory.ts";
import { uniqueViolation } from "../table/violation.ts";
import { TransactionState } from "../transaction/transaction-state.ts";
import type { StoreTransaction } from "../transaction/transaction.ts";
import { type AlteredParts, alteredParts, haveSameBytes, haveSameTypes } from "./altered-parts.ts";
import { rowsOf, type StoredSchema } from "./catalog-rows.ts";
import type { DefinitionRows } from "./definition-rows.ts";
import { type RemadeRows, remakeRows, retireTable, TableRemake } from "./table-remake.ts";

/** The next id of each kind. */
export interface IdCounters {
  table: number;
  index: number;
  constraint: number;
  sequence: number;
  schedule: number;
}

const noRemakes: readonly RemakeRecord[] = [];

/** Of rows that were read back. */
export function refuseRows(reason: string): never {
  throw new LightconeError("Malformed", { what: "what the system tables say", reason });
}

/** Gives a table the sequences that its rows say; one that is as it was stays. */
export function setSequences(table: StoredTable, stored: StoredSchema): void {
  table.sequences = stored.sequences.map(
    (each) =>
      table.sequences.find((sequence) => sequence.id === each.id && sequence.isFor(each.def, table.columnTypes)) ??
      new Sequence(each.id, each.def, table.columnTypes, each.allocated),
  );
}

export class Alterations {
  private readonly tables: TableDirectory;
  private readonly tx: StoreTransaction;
  private readonly rows: DefinitionRows;
  private readonly counters: IdCounters;
  private readonly seed: HashSeed;
  /** Tables that are made anew for the transaction to come, or the open one. */
  private remakes: { readonly remake: TableRemake; readonly parts: AlteredParts; readonly counters: IdCounters }[] = [];
  /** Rows that a replayed record remade, by table; until its definition says which table they are of. */
  private readonly remade = new Map<number, RemadeRows>();
  /** What becomes of tables and indexes that others took the place of, once that is final. */
  private readonly retired: { readonly id: TableId; readonly run: () => void }[] = [];

  constructor(
    tables: TableDirectory,
    tx: StoreTransaction,
    rows: DefinitionRows,
    counters: IdCounters,
    seed: HashSeed,
  ) {
    this.tables = tables;
    this.tx = tx;
    this.rows = rows;
    this.counters = counters;
    this.seed = seed;
  }

  /** Begins to make the rows of a table anew. */
  open(change: TableChange): void {
    const table = this.tables.existing(change.id);
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

  /** Makes up to `rowCountMax` rows; whether all are made. A failure abandons every remake. */
  step(rowCountMax: number): boolean {
    try {
      let left = rowCountMax;
      // A remake takes its pages before the next begins, as in a replay.
      for (const { remake } of this.remakes) left = remake.step(left);
      return this.remakes.every(({ remake }) => remake.isDone);
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Gives the remakes up, and what they had taken. */
  abandon(): void {
    for (let last = this.remakes.pop(); last !== undefined; last = this.remakes.pop()) {
      last.remake.abandon();
      Object.assign(this.counters, last.counters);
    }
  }

  get isRemaking(): boolean {
    return this.remakes.length > 0;
  }

  /** The transaction that has begun is the one that remakes were made for: if it comes to nothing, so do they. */
  begin(): void {
    if (this.remakes.length > 0) this.tx.changes.logUndo(() => this.abandon());
  }

  /** What the log is to say of the remakes. */
  records(): readonly RemakeRecord[] {
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
  check(): void {
    for (const id of this.remade.keys()) refuseRows(`table ${id} was remade and is defined as before`);
  }

  /** Forgets the remakes of the transaction, once it is final. */
  finish(): void {
    if (this.remakes.length > 0) this.remakes = [];
    if (this.retired.length === 0) return;
    // Pages are freed in one order, live and in a replay.
    for (const { run } of this.retired.splice(0).sort((a, b) => a.id - b.id)) run();
  }

  /** Puts changed tables, and those that were made anew, in the place of the old ones. */
  alter(changes: readonly TableChange[]): void {
    const altered = changes.map((change) => {
      const table = this.tables.existing(change.id);
      const made = this.remakes.find(({ remake }) => remake.old === table);
      assert(made !== undefined || haveSameTypes(table.def, change.def), "rows of other types are made anew first");
      return { table, made, parts: made?.parts ?? this.partsOf(table, change) };
    });
    for (const { table } of altered) this.rows.deleteDefinition(table);
    for (const { parts } of altered)
      this.rows.insertRows(rowsOf(parts.schema.def, parts.ids, (sequence) => parts.allocatedOf(sequence)));
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
        constraints: this.rows.read("st_constraint").flatMap(({ row }) => (row.table_id === table.id ? [row] : [])),
        schedule: this.rows.read("st_scheduled").find(({ row }) => row.table_id === table.id)?.row.schedule_id,
      },
    );
  }

  /** Brings a table in line with what its rows say, in a replay. */
  follow(table: StoredTable, stored: StoredSchema): void {
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
    setSequences(table, stored);
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
    setSequences(table, stored);
    table.space.allocatedPages = false;
    this.tables.remove(old);
    this.tables.add(table);
    this.retired.push({ id: old.id, run: () => retireTable(old, table) });
  }
}
