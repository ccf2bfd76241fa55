/**
 * The store: begin, commit, release, rollback, replay.
 *
 * A commit's net effect is what the tables' lists hold at the end: rows deleted and inserted again came back
 * to life on the way, rows inserted and deleted again drop out here. A replay of the record then has to reach
 * the same bytes in the same slots. It allocates slots table by table; so when the transaction used up slots that the
 * record does not show, or allocated pages for several tables in turns, its inserts are undone and made once more
 * from the record itself. Nearly all transactions do neither; then only the states of rows change.
 */
import {
  assert,
  asTxOffset,
  CriticalSection,
  defined,
  type RowRef,
  type TableId,
  type TxOffset,
  userIdMin,
} from "@lightcone/base";
import { ByteReader } from "@lightcone/sats";
import { SystemTable } from "@lightcone/schema";
import type { Catalog, ReadView, Store, StoreOptions, SystemRows, Transaction } from "./api.ts";
import type { RowView, TableSchema } from "@lightcone/schema";
import type { Table } from "./api-tables.ts";
import { StoreCatalog } from "./catalog/catalog.ts";
import { isCatalogTable } from "./catalog/catalog-rows.ts";
import { TransactionChanges, poisonedError } from "./transaction/transaction-changes.ts";
import { TransactionState } from "./transaction/transaction-state.ts";
import { readHead, readTable, readTableCount, RecordWriter, type TableHead } from "./log/commit-record.ts";
import { type Commit, CommitKind, type CommitMeta, type SequenceMove } from "./commit.ts";
import { ReadViews, type StoreReadView } from "./snapshot/read-view.ts";
import { type HashSeed, makeHashSeed } from "./indexes/key-code.ts";
import { Memory } from "./storage/memory.ts";
import { replayInserts, replayTable } from "./log/replay.ts";
import { RowState } from "./storage/row-space.ts";
import { writeSnapshot } from "./snapshot/snapshot-write.ts";
import type { StoredChanges, StoredTable } from "./table/stored-table.ts";
import { TableDirectory } from "./table/table-directory.ts";
import { QuickPaths } from "./transaction/quick-paths.ts";
import { StoreSystemRows } from "./transaction/system-rows.ts";
import { StoreTransaction } from "./transaction/transaction.ts";

export const defaultBytesMax = 8 * 1024 ** 3;
export const defaultScanRowsMax = 16 * 1024 ** 2;

const noMoves: readonly SequenceMove[] = [];

export class MemoryStore implements Store {
  readonly memory: Memory;
  readonly seed: HashSeed;
  private readonly isDerived: boolean;
  private readonly isReadBack: boolean;
  private readonly directory: TableDirectory = new TableDirectory();
  private readonly changes: TransactionChanges;
  private readonly quickPaths: QuickPaths = new QuickPaths(this.directory);
  private readonly port: StoreTransaction;
  private readonly systemRows: StoreSystemRows;
  readonly definitions: StoreCatalog;
  private readonly readViews: ReadViews;
  private nextOffset = 0;
  private lastTimestamp = 0;
  private unreleased: Commit | undefined;
  private reader = new ByteReader(new Uint8Array(0), "a log record");
  private readonly record: RecordWriter = new RecordWriter();

  constructor(options: StoreOptions) {
    this.isDerived = options.isDerived ?? false;
    this.isReadBack = options.isReadBack ?? true;
    this.memory = new Memory(options.bytesMax ?? defaultBytesMax, this.isDerived);
    this.seed = makeHashSeed(options.seed ?? 0);
    this.changes = new TransactionChanges(this.memory, options.critical ?? new CriticalSection());
    this.port = new StoreTransaction(
      this.changes,
      this.quickPaths,
      this.directory,
      options.scanRowsMax ?? defaultScanRowsMax,
    );
    this.systemRows = new StoreSystemRows(this.port, this.directory);
    this.definitions = new StoreCatalog(this.directory, this.port, this.systemRows, this.seed);
    this.readViews = new ReadViews(this.memory);
  }

  get tx(): Transaction {
    return this.port;
  }
  get catalog(): Catalog {
    return this.definitions;
  }
  get system(): SystemRows {
    return this.systemRows;
  }
  get offset(): TxOffset {
    return asTxOffset(this.nextOffset);
  }
  get timestampMicros(): number {
    return this.lastTimestamp;
  }
  get memoryBytes(): number {
    return this.memory.bytesUsed;
  }
  finishIndexes(): boolean {
    let isAny = false;
    for (const { indexes } of this.tables()) for (const index of indexes) if (index.finish()) isAny = true;
    return isAny;
  }
  discard(): void {
    this.memory.discard();
    this.changes.state = TransactionState.poisoned;
  }
  get isOpen(): boolean {
    return this.changes.state === TransactionState.open;
  }
  get poisoned(): boolean {
    return this.changes.state === TransactionState.poisoned || this.changes.state === TransactionState.writing;
  }

  tables(): readonly StoredTable[] {
    return this.directory.all();
  }
  table(id: TableId): StoredTable | undefined {
    return this.directory.byId[id];
  }
  schema(id: TableId): TableSchema | undefined {
    return this.directory.byId[id]?.schema;
  }
  tableByName(name: string): Table | undefined {
    const table = this.tableByEitherName(name);
    return table?.def.name === name ? table : undefined;
  }
  tableByEitherName(name: string): Table | undefined {
    const id = this.directory.idOf(name);
    return id === 0 ? undefined : this.directory.byId[id];
  }
  addTable(table: StoredTable): void {
    this.directory.add(table);
  }

  resolve(row: RowRef): void {
    this.port.resolve(row);
  }
  get row(): RowView {
    return this.port.row;
  }

  /** Makes the system tables of a store that has none, as part of no commit. */
  bootstrap(): void {
    this.changes.state = TransactionState.open;
    this.definitions.createSystemTables(true);
    this.changes.state = TransactionState.writing;
    for (const each of this.changed()) each.markCommitted();
    for (const each of this.changed()) each.reset();
    this.changes.reset();
    this.changes.state = TransactionState.closed;
  }

  /** Stands at an offset, with nothing open: after a snapshot was loaded. */
  setPosition(offset: number, timestampMicros: number): void {
    this.nextOffset = offset;
    this.lastTimestamp = timestampMicros;
    this.memory.keepAllocations();
    this.changes.state = TransactionState.closed;
  }

  begin(): void {
    if (this.poisoned) throw poisonedError();
    assert(this.changes.state === TransactionState.closed, "a transaction is open already");
    assert(this.unreleased === undefined, "the commit before must be released first");
    this.changes.state = TransactionState.open;
    this.definitions.alterations.begin();
  }

  rollback(): void {
    const { changes } = this;
    if (this.poisoned) {
      changes.state = TransactionState.poisoned;
      throw poisonedError();
    }
    assert(changes.state !== TransactionState.closed, "no transaction is open");
    changes.state = TransactionState.writing;
    this.undoAndClose();
    this.sequenceMoves();
  }

  private undoAndClose(): void {
    this.changes.undo();
    this.definitions.finishDrops();
    this.close();
  }

  commit(
    meta: CommitMeta,
    admit?: (byteCount: number, record: Uint8Array) => void,
    isRecorded = false,
  ): Commit | undefined {
    const { changes } = this;
    if (changes.state !== TransactionState.open) changes.refuse(-1);
    assert(changes.state === TransactionState.open, "no transaction is open");
    if (this.isReadBack && this.changesDefinitions()) this.definitions.checkReadable();
    changes.state = TransactionState.writing;
    const moves = this.sequenceMoves();
    const deltas = this.netChanges();
    if (deltas.length === 0 && !isRecorded && !alwaysRecorded(meta.kind)) {
      // Rows that were inserted and deleted again still have their slots.
      this.undoAndClose();
      return undefined;
    }
    const keepsSlots = this.replayAllocatesSameSlots();
    const bytes = this.record.write(meta, moves, deltas, keepsSlots, this.definitions.alterations.records());
    try {
      admit?.(bytes.length, bytes);
    } catch (error) {
      this.undoAndClose();
      this.record.trim();
      throw error;
    }
    if (keepsSlots)
      for (let index = 0; index < deltas.length; index += 1) (deltas[index] as StoredChanges).markCommitted();
    else this.reinsertFromRecord(bytes);
    return this.finish(meta, moves, deltas, bytes);
  }

  apply(record: Uint8Array): Commit {
    const { changes } = this;
    if (this.poisoned) throw poisonedError();
    assert(
      changes.state === TransactionState.closed && this.unreleased === undefined,
      "a record is applied between transactions",
    );
    changes.state = TransactionState.writing;
    // Whatever goes wrong from here on leaves the state at `writing` with half a commit made: the store is poisoned.
    const input = this.readerOf(record);
    const { version, meta, sequences, remakes } = readHead(input);
    this.definitions.alterations.remakeFrom(remakes);
    const deltas: StoredChanges[] = [];
    let isSynced = true;
    let moved = false;
    for (let left = readTableCount(input); left > 0; left -= 1) {
      const head = readTable(input, version);
      if (!isSynced && head.id >= userIdMin) {
        this.definitions.syncTables();
        isSynced = true;
      }
      const table = this.recordTable(head, input);
      replayTable(changes, this.quickPaths, table, input, head);
      deltas.push(table.changes);
      if (isCatalogTable(head.id)) isSynced = false;
      if (head.id === SystemTable.st_sequence) moved = true;
    }
    input.expectEnd();
    if (!isSynced) this.definitions.syncTables();
    if (moved) this.definitions.syncSequences();
    this.definitions.checkDropped();
    this.definitions.alterations.check();
    return this.finish(meta, sequences, deltas, record);
  }

  standBefore(record: Uint8Array): CommitMeta {
    assert(this.changes.state === TransactionState.closed, "a record is looked at between transactions");
    const { meta, sequences } = readHead(this.readerOf(record));
    this.definitions.moveSequences(sequences);
    return meta;
  }

  /** Records come many to a buffer; the reader of the last one's buffer serves the next. */
  private readerOf(record: Uint8Array): ByteReader {
    const from = record.byteOffset;
    if (this.reader.bytes.buffer !== record.buffer)
      this.reader = new ByteReader(new Uint8Array(record.buffer), "a log record");
    this.reader.at = from;
    this.reader.end = from + record.length;
    return this.reader;
  }

  release(commit: Commit): void {
    assert(this.unreleased === commit, "only the last commit can be released, and once");
    const { changes } = this;
    changes.state = TransactionState.writing;
    const { deltas } = commit;
    for (let position = 0; position < deltas.length; position += 1) {
      const changes = deltas[position] as StoredChanges; // every delta of ours is a table's changes
      const { deletes, inserts, table } = changes;
      const { space } = table;
      for (let index = 0; index < deletes.count; index += 1) space.free(deletes.refs[index] as number);
      if (table.isEvent)
        for (let index = 0; index < inserts.count; index += 1) space.free(inserts.refs[index] as number);
      if (table.rowCount === 0) space.freeRecent();
      changes.reset();
    }
    this.definitions.finishDrops();
    this.definitions.alterations.finish();
    this.unreleased = undefined;
    this.record.trim();
    changes.state = TransactionState.closed;
  }

  openReadView(): ReadView {
    assert(
      this.changes.state === TransactionState.closed && this.unreleased === undefined,
      "a read view opens between transactions",
    );
    const facts = { offset: this.offset, timestampMicros: this.lastTimestamp, counters: this.definitions.counters };
    return this.readViews.begin(facts, this.directory.all());
  }

  snapshotChunks(readView: ReadView): IterableIterator<Uint8Array> {
    assert(this.changes.state === TransactionState.closed, "a snapshot is begun between transactions");
    this.definitions.checkReadable();
    return writeSnapshot(readView as StoreReadView); // the only kind there is
  }

  /** The tables with a net change, by rising id; their lists now hold exactly that. */
  private netChanges(): StoredChanges[] {
    const { changed, changedCount } = this.changes;
    if (changedCount === 1) {
      const only = changed[0] as StoredChanges;
      return only.keepNet() ? [only] : [];
    }
    return changed
      .slice(0, changedCount)
      .filter((each) => each.keepNet())
      .sort((a, b) => a.table.id - b.table.id);
  }

  /** Whether rows changed that say which tables there are; how far a sequence has come is not among that. */
  private changesDefinitions(): boolean {
    const { changed, changedCount } = this.changes;
    for (let index = 0; index < changedCount; index += 1) {
      const { id } = (changed[index] as StoredChanges).table;
      if (id < userIdMin && id !== SystemTable.st_sequence && isCatalogTable(id)) return true;
    }
    return false;
  }

  /** The tables that the transaction changed. */
  private changed(): StoredChanges[] {
    return this.changes.changed.slice(0, this.changes.changedCount);
  }

  /** Whether a replay would allocate the same slots as the transaction. */
  private replayAllocatesSameSlots(): boolean {
    let allocatingCount = 0;
    const { changed, changedCount } = this.changes;
    for (let index = 0; index < changedCount; index += 1) {
      const each = changed[index] as StoredChanges;
      if (each.ownTombstoneCount > 0) return false;
      if (each.table.space.allocatedPages) allocatingCount += 1;
    }
    // Nothing replays a derived store; whoever fills it keeps the references that it was given.
    return allocatingCount <= 1 || this.isDerived;
  }

  private reinsertFromRecord(bytes: Uint8Array): void {
    this.changes.undoInserts();
    const input = new ByteReader(bytes, "a log record");
    const { version } = readHead(input);
    for (let left = readTableCount(input); left > 0; left -= 1) {
      const head = readTable(input, version);
      replayInserts(this.recordTable(head, input), input, head);
    }
  }

  private recordTable(head: TableHead, input: ByteReader): StoredTable {
    // A table that the transaction dropped is no longer listed, but still has its changes.
    const table = this.directory.byId[head.id] ?? this.changed().find((each) => each.table.id === head.id)?.table;
    if (table === undefined) return input.fail(`there is no table ${head.id}`);
    if (table.space.rowLength !== head.rowLength)
      return input.fail(`rows of table '${table.name}' have another length`);
    return table;
  }

  private finish(
    meta: CommitMeta,
    sequences: readonly SequenceMove[],
    deltas: readonly StoredChanges[],
    bytes: Uint8Array,
  ): Commit {
    for (let index = 0; index < deltas.length; index += 1) {
      const { table } = deltas[index] as StoredChanges;
      if (table.isEvent) this.removeEventRows(table);
    }
    const commit: Commit = { offset: asTxOffset(this.nextOffset), meta, deltas, sequences, bytes };
    // Tables that were touched without net effect have nothing to show until the release.
    if (this.changes.changedCount > deltas.length)
      for (const each of this.changed()) if (!deltas.includes(each)) each.reset();
    this.changes.reset();
    this.nextOffset += 1;
    if (meta.timestampMicros > this.lastTimestamp) this.lastTimestamp = meta.timestampMicros;
    this.unreleased = commit;
    this.changes.state = TransactionState.closed;
    return commit;
  }

  /** Rows of an event table are seen with their commit and never stored. */
  private removeEventRows(table: StoredTable): void {
    const { space } = table;
    const { inserts } = table.changes;
    for (let index = 0; index < inserts.count; index += 1) {
      const ref = inserts.refs[index] as number;
      table.removeFromIndexes(ref);
      space.setState(ref, RowState.tombstone);
    }
  }

  private sequenceMoves(): readonly SequenceMove[] {
    const { drawn } = this.port;
    if (drawn.length === 0) return noMoves;
    const moves = drawn.map((sequence): SequenceMove => {
      const before = defined(sequence.before, "where a sequence stood");
      sequence.before = undefined;
      return { id: sequence.id, before, after: sequence.next };
    });
    drawn.length = 0;
    return moves;
  }

  private close(): void {
    this.changes.state = TransactionState.closed;
  }
}

function alwaysRecorded(kind: CommitKind): boolean {
  return kind === CommitKind.connect || kind === CommitKind.disconnect || kind === CommitKind.publish;
}
