/**
 * What the rest of Lightcone may ask of a store: the public shape of this package.
 *
 * A `Store` is one database in memory. At any moment it is in one of three states:
 *
 *   idle ── begin ──▶ open ── commit ──▶ committed ── release ──▶ idle
 *                      └──── rollback ─────────────────────────────▶ idle
 *
 * `tx`, the data port, serves while a transaction is open. Tables, their cursors and indexes show what is
 * there now: the committed state while idle or committed, the transaction's own view while it is open.
 * Row references are good until their row is deleted, and a deleted row's until its commit is released.
 */
import type { FieldsConversion } from "@lightcone/sats";
import type { CriticalSection, IndexId, RowRef, TableId, TxOffset } from "@lightcone/base";
import type { Access, DataPort, IndexDef, RowView, TableDef, TableSchema, ViewDef } from "@lightcone/schema";
import type { Index, Table } from "./api-tables.ts";
import type { Commit, CommitMeta } from "./commit.ts";

/** The data port of the open transaction, and what only those inside the database may ask. */
export interface Transaction extends DataPort {
  /** Deletes one visible row of a table by its reference, as SQL and the scheduler do. */
  deleteRow(table: TableId, row: RowRef): void;
}

/**
 * Rows of system tables, as the database writes them about itself inside the open transaction. The data port refuses them
 * to everyone else. What definitions are is `Catalog`'s to write.
 */
export interface SystemRows {
  /** Inserts the row `row[0 … length)`. @throws {LightconeError} `SchemaInvalid` when a constraint refuses it */
  insert(table: TableId, row: Uint8Array, length: number): void;
  /** Deletes the row with these bytes. Whether there was one. */
  delete(table: TableId, row: Uint8Array, length: number): boolean;
  /** Deletes every row. Returns how many. */
  clear(table: TableId): number;
}

/** A table that becomes another one, in name, columns or parts. */
export interface TableChange {
  readonly id: TableId;
  readonly def: TableDef;
  /** For each of its columns the old one's position; -1 for a new one. */
  readonly from: readonly number[];
  /** How rows are converted; undefined where their bytes stay the same. */
  readonly conversion: FieldsConversion | undefined;
}

/** Definition changes. Each writes the system tables' rows inside the open transaction; a rollback undoes it. */
export interface Catalog {
  /** @param id in a derived store, that which the table has beside the tables of the other store */
  createTable(def: TableDef, id?: TableId): Table;
  /**
   * Says which views there are: rows of `st_view` and its like, and nothing else. A view that is there already keeps its
   * ids; a new one gets a table's id, in the order of names.
   */
  setViews(views: readonly ViewDef[]): void;
  /** By name: the table ids of the views that there are. */
  viewTables(): ReadonlyMap<string, TableId>;
  /** Deletes the table's rows, then the table. */
  dropTable(table: TableId): void;
  /**
   * Changes tables, all at once: they may exchange names. Those whose columns have other types must have been remade.
   *
   * @throws {LightconeError} `UniqueViolation` for rows that a new unique constraint does not allow
   */
  alterTables(changes: readonly TableChange[]): void;
  /**
   * Begins to make a table's rows anew, between transactions. The next transaction is the one that they are for, and must
   * alter the table; none may commit before it. If it is rolled back, the remakes are gone.
   */
  openRemake(change: TableChange): void;
  /**
   * Makes some more of the rows of the tables that are remade, one table after the other. Whether that were the last.
   *
   * @throws {LightconeError} `UniqueViolation`, `MigrationRefused`, `OutOfMemory`; the remakes are gone then
   */
  stepRemakes(rowCountMax: number): boolean;
  /** Gives up what was remade. Between transactions. */
  abandonRemakes(): void;
  /** Whether a table is being remade: nothing may commit, and no snapshot may begin. */
  readonly isRemaking: boolean;
  createIndex(table: TableId, def: IndexDef): Index;
  dropIndex(index: IndexId): void;
  setAccess(table: TableId, access: Access): void;
  /** Replaces accessor names (table, columns, indexes) by those of `def`; everything else stays. */
  setAccessors(table: TableId, def: TableDef): void;
  /**
   * Has the sequences of a table go on past the values of its rows, as those of a column that has values do that becomes one.
   *
   * @param old a table whose rows were carried over: what its sequences gave out is not given out again
   */
  passSequences(table: TableId, old?: TableId): void;
  /** Gives back what sequences have reserved and not handed out. For a clean stop: nothing may be drawn after it. */
  returnReservations(): void;
}

/** A fixed-offset view: pages are copied aside at their first write after it opened. */
export interface ReadView {
  readonly offset: TxOffset;
  readonly tables: readonly ReadViewTable[];
  close(): void;
}

export interface ReadViewTable {
  readonly id: TableId;
  readonly name: string;
  readonly rowCount: number;
  readonly rowBytes: number;
  /** Walks the rows in the order a `TableCursor` would have had when the read view opened. Good across commits. */
  openCursor(): ReadViewCursor;
}

export interface ReadViewCursor {
  /** Steps to the next row: `row` says where it is. False at the end. Read `row` before anything else runs. */
  next(): boolean;
  readonly row: RowView;
}

export interface StoreOptions {
  /** Bytes that pages and indexes may take together. Inserts beyond it throw `OutOfMemory`. */
  readonly bytesMax?: number | undefined;
  /** Rows that a scan may have to keep when its transaction writes the table it walks. */
  readonly scanRowsMax?: number | undefined;
  /** Fills hash seeds; 0 by default: pass a random one where clients choose keys. Never observable in results. */
  readonly seed?: number | undefined;
  /**
   * Whether it is a derived store, beside another: its references differ from the other's, it is 1 GiB at most, and its records are
   * not replayed. Of a transaction that deletes no row of its own, rows then stay under the references that inserting them gave.
   */
  readonly isDerived?: boolean | undefined;
  /**
   * Whether each commit that changes definitions compares them with the rows that say them: a state that could not be read back is
   * never written. True by default.
   */
  readonly isReadBack?: boolean | undefined;
  /** What a change of rows is a section of; one of its own by default. */
  readonly critical?: CriticalSection | undefined;
}

/** What SELECTs read: tables by their ids, and rows by their references. A store is one. */
export interface RowSource {
  table(id: TableId): Table | undefined;
  /** The definition that statements go by: a view's table has more columns than its rows. */
  schema(id: TableId): TableSchema | undefined;
  tableByName(name: string): Table | undefined;
  /** Sets `row` to a row's bytes. */
  resolve(row: RowRef): void;
  readonly row: RowView;
  /** Opens a read view of the committed state. Only while idle. */
  openReadView(): ReadView;
}

export interface Store extends RowSource {
  readonly tx: Transaction;
  readonly catalog: Catalog;
  readonly system: SystemRows;

  /** The offset that the next commit will get. */
  readonly offset: TxOffset;
  /** The time of the last commit, in microseconds; 0 before the first. */
  readonly timestampMicros: number;
  /** Bytes that pages, indexes and bookkeeping hold. */
  readonly memoryBytes: number;
  readonly isOpen: boolean;
  /** Whether a mutation was interrupted half-way. Memory is then worthless: discard the store and recover. */
  readonly poisoned: boolean;

  /**
   * Makes the trees of indexes that work had begun to make and was ended in: whoever runs it again finds them. As long as it takes.
   *
   * @returns whether there were any
   */
  finishIndexes(): boolean;
  /** Gives its memory back, for another store of this process: there are no rows in it any more, and it takes none. */
  discard(): void;

  tables(): readonly Table[];
  /** The table of that name, or else of that name in the module's code. */
  tableByEitherName(name: string): Table | undefined;

  /** Opens a transaction. The commit before must have been released. */
  begin(): void;
  /**
   * Ends the transaction and makes its net effect the next commit; undefined when there is none
   * (connects, disconnects and publishes always make one). A failed assertion, with the transaction still open, when what
   * the system tables then say is not what there is: it could not be read back.
   *
   * @param admit told the length of what is to be logged, and shown it, before anything is final; what it throws rolls back
   * @throws {LightconeError} `DatabaseStopped` when the store is poisoned
   */
  commit(
    meta: CommitMeta,
    admit?: (byteCount: number, record: Uint8Array) => void,
    isRecorded?: boolean,
  ): Commit | undefined;
  /** Ends the transaction without a trace. */
  rollback(): void;
  /** Frees what the commit's deltas still showed. Every commit must be released before the next `begin`. */
  release(commit: Commit): void;
  /**
   * Replays a record that `Commit.bytes` had. The result must be released like a live commit.
   *
   * @throws {LightconeError} `Malformed` for one that no commit can have had here; the store is then poisoned
   */
  apply(record: Uint8Array): Commit;
  /**
   * Says what the record is of that is to be applied next, and has sequences stand where its transaction found them: so that
   * what it was made by can be run again before. Called while idle.
   */
  standBefore(record: Uint8Array): CommitMeta;

  /**
   * The whole state at the read view's offset, in slices of at most about 1 MiB. Each is good until the next is asked for.
   * Called while idle; a failed assertion when the state could not be read back.
   */
  snapshotChunks(readView: ReadView): IterableIterator<Uint8Array>;
}
