/**
 * What a run of a view has read, and whom a changed row concerns.
 *
 *   run ─▶ ReadSet: tables · points of indexes · ranges of indexes        Readers: row ─▶ who read where it is, or was
 *
 * A read is kept by where a row would have had to be to be read: a point counts whether it found a row or not. What is
 * kept may be coarser than what was read (a hash for a key): then a reader runs once more, and finds nothing new.
 */
import type { IndexId, TableId } from "@lightcone/base";
import {
  makeKeyHash,
  type Commit,
  type HashSeed,
  type Index,
  type KeyHash,
  type RowSource,
  type Table,
} from "@lightcone/engine";
import type { ScanBound } from "@lightcone/host";
import { makeCompare, makeSkip, type Compare } from "@lightcone/sats";
import { intervalOf, IntervalTree, type Interval } from "./interval-tree.ts";

/** A range: leading columns of an index by their hash, and bounds on the next. */
interface RangeRead {
  readonly prefixColumns: number;
  readonly prefixHash: number;
  readonly interval: Interval;
}

interface IndexReads {
  readonly index: Index;
  readonly points: Set<number>;
  readonly ranges: RangeRead[];
}

export class ReadSet {
  readonly tables = new Map<TableId, Table>();
  readonly indexes = new Map<IndexId, IndexReads>();
  private readonly keys: IndexKeys;
  private readonly entriesMax: number;
  private entryCount = 0;
  /** Scans of ranges that may not have come to their end. */
  private scans: { close(): void }[] = [];

  /** @param entriesMax over so many, tables that were read by indexes count as read whole */
  constructor(keys: IndexKeys, entriesMax: number) {
    this.keys = keys;
    this.entriesMax = entriesMax;
  }

  get isEmpty(): boolean {
    return this.tables.size + this.indexes.size === 0;
  }

  table(table: Table): void {
    if (this.tables.has(table.id)) return;
    this.tables.set(table.id, table);
    for (const [id, { index }] of this.indexes) if (index.table === table) this.indexes.delete(id);
  }

  point(index: Index, view: DataView, at: number): void {
    if (this.tables.has(index.table.id)) return;
    const { points } = this.of(index);
    const hash = this.keys.of(index).hash(index.def.columns.length).hashKey(view, at);
    if (points.has(hash)) return;
    points.add(hash);
    this.count();
  }

  range(index: Index, prefix: Uint8Array, prefixColumns: number, from: ScanBound, to: ScanBound): void {
    if (this.tables.has(index.table.id)) return;
    const keys = this.keys.of(index);
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
    const prefixHash = prefixColumns === 0 ? 0 : keys.hash(prefixColumns).hashKey(view, 0);
    this.of(index).ranges.push({ prefixColumns, prefixHash, interval: intervalOf(from, to) });
    this.count();
  }

  /** Whether another run has read the same. Ranges are not looked at: with any it counts as other. */
  isSame({ tables, indexes }: ReadSet): boolean {
    if (tables.size !== this.tables.size || indexes.size !== this.indexes.size) return false;
    for (const id of tables.keys()) if (!this.tables.has(id)) return false;
    for (const [id, { index, points, ranges }] of indexes) {
      const own = this.indexes.get(id);
      if (own?.index !== index || own.points.size !== points.size || own.ranges.length + ranges.length > 0)
        return false;
      for (const point of points) if (!own.points.has(point)) return false;
    }
    return true;
  }

  open(scan: { close(): void }): void {
    this.scans.push(scan);
  }

  /** The run is over: scans that it left open were read as far as they were read. */
  finish(): void {
    for (const scan of this.scans) scan.close();
    this.scans = [];
  }

  private of(index: Index): IndexReads {
    let reads = this.indexes.get(index.id);
    if (reads === undefined) this.indexes.set(index.id, (reads = { index, points: new Set(), ranges: [] }));
    return reads;
  }

  placeOf(index: Index, column: number, view: DataView, at: number): { readonly start: number; readonly end: number } {
    return this.keys.of(index).placeOf(column, view, at);
  }

  private count(): void {
    this.entryCount += 1;
    if (this.entryCount <= this.entriesMax) return;
    for (const { index } of this.indexes.values()) this.table(index.table);
    this.entryCount = 0;
  }
}

/** How keys of an index are hashed and compared. Made once for each. */
class OneIndexKeys {
  private readonly index: Index;
  private readonly seed: HashSeed;
  private readonly hashes: KeyHash[] = [];
  private readonly orders: Compare[] = [];
  private skips: readonly ((view: DataView, at: number) => number)[] | undefined;

  constructor(index: Index, seed: HashSeed) {
    this.index = index;
    this.seed = seed;
  }

  /** Of so many leading columns. */
  hash(columnCount: number): KeyHash {
    const { def, table } = this.index;
    return (this.hashes[columnCount] ??= makeKeyHash(
      table.def.columns.map(({ type }) => type),
      def.columns.slice(0, columnCount),
      this.seed,
    ));
  }

  /** Where a column of the index is in a row. */
  placeOf(column: number, view: DataView, at: number): { readonly start: number; readonly end: number } {
    this.skips ??= this.index.table.def.columns.map(({ type }) => makeSkip(type));
    let start = at;
    for (let before = 0; before < column; before += 1) start = this.skips[before]?.(view, start) ?? start;
    return { start, end: this.skips[column]?.(view, start) ?? start };
  }

  /** How values of the column behind a prefix are compared: as the index orders them. */
  order(prefixColumns: number): Compare {
    const { def, table } = this.index;
    const column = table.def.columns[def.columns[prefixColumns] ?? -1];
    // Of a range that has no such column there are no bounds.
    return (this.orders[prefixColumns] ??= column === undefined ? () => 0 : makeCompare(column.type));
  }

  /** Where that column begins in a row. */
  startOf(prefixColumns: number, view: DataView, at: number): number {
    const column = this.index.def.columns[prefixColumns];
    return column === undefined ? at : this.placeOf(column, view, at).start;
  }
}

export class IndexKeys {
  private readonly seed: HashSeed;
  private readonly byIndex = new Map<Index, OneIndexKeys>();

  constructor(seed: HashSeed) {
    this.seed = seed;
  }

  of(index: Index): OneIndexKeys {
    let keys = this.byIndex.get(index);
    if (keys === undefined) this.byIndex.set(index, (keys = new OneIndexKeys(index, this.seed)));
    return keys;
  }

  /** Definitions have changed. */
  clear(): void {
    this.byIndex.clear();
  }
}

/** The ranges of one number of leading columns, by the hash of those. */
class RangeReaders<R> {
  readonly hash: KeyHash | undefined;
  readonly byPrefix = new Map<number, IntervalTree<R>>();

  constructor(hash: KeyHash | undefined) {
    this.hash = hash;
  }
}

class IndexReaders<R> {
  readonly keys: OneIndexKeys;
  readonly key: KeyHash;
  readonly points = new Map<number, Set<R>>();
  /** By the number of leading columns. */
  readonly ranges: (RangeReaders<R> | undefined)[] = [];

  constructor(keys: OneIndexKeys, columnCount: number) {
    this.keys = keys;
    this.key = keys.hash(columnCount);
  }

  get isEmpty(): boolean {
    return this.points.size === 0 && this.ranges.every((each) => each === undefined || each.byPrefix.size === 0);
  }
}

interface TableReaders<R> {
  readonly whole: Set<R>;
  readonly byIndex: Map<IndexId, IndexReaders<R>>;
}

/** Who read what. A changed row is looked up once in each index by which anybody read, however many they are. */
export class Readers<R> {
  private readonly keys: IndexKeys;
  private readonly byTable = new Map<TableId, TableReaders<R>>();

  constructor(keys: IndexKeys) {
    this.keys = keys;
  }

  add(reader: R, reads: ReadSet): void {
    for (const id of reads.tables.keys()) this.of(id).whole.add(reader);
    for (const [id, { index, points, ranges }] of reads.indexes) {
      const keys = this.keys.of(index);
      const { byIndex } = this.of(index.table.id);
      let readers = byIndex.get(id);
      if (readers === undefined) byIndex.set(id, (readers = new IndexReaders(keys, index.def.columns.length)));
      for (const hash of points) {
        const there = readers.points.get(hash);
        if (there === undefined) readers.points.set(hash, new Set([reader]));
        else there.add(reader);
      }
      for (const range of ranges) {
        const { prefixColumns, prefixHash, interval } = range;
        const hash = prefixColumns === 0 ? undefined : keys.hash(prefixColumns);
        const { byPrefix } = (readers.ranges[prefixColumns] ??= new RangeReaders<R>(hash));
        let there = byPrefix.get(prefixHash);
        if (there === undefined) byPrefix.set(prefixHash, (there = new IntervalTree(keys.order(prefixColumns))));
        there.add(interval, reader);
      }
    }
  }

  remove(reader: R, reads: ReadSet): void {
    for (const id of reads.tables.keys()) {
      this.byTable.get(id)?.whole.delete(reader);
      this.tidy(id);
    }
    for (const [id, { index, points, ranges }] of reads.indexes) {
      const byIndex = this.byTable.get(index.table.id)?.byIndex;
      const readers = byIndex?.get(id);
      if (byIndex === undefined || readers === undefined) continue;
      for (const hash of points) {
        const there = readers.points.get(hash);
        there?.delete(reader);
        if (there?.size === 0) readers.points.delete(hash);
      }
      for (const range of ranges) {
        const byPrefix = readers.ranges[range.prefixColumns]?.byPrefix;
        const there = byPrefix?.get(range.prefixHash);
        there?.remove(range.interval, reader);
        if (there?.isEmpty === true) byPrefix?.delete(range.prefixHash);
      }
      if (readers.isEmpty) byIndex.delete(id);
      this.tidy(index.table.id);
    }
  }

  /** Gives everyone who read where a row of the commit is or was; some more than once. */
  concerned({ deltas }: Pick<Commit, "deltas">, rows: RowSource, give: (reader: R) => void): void {
    if (this.byTable.size === 0) return;
    for (const { table, deletes, inserts } of deltas) {
      const readers = this.byTable.get(table.id);
      if (readers === undefined) continue;
      for (const reader of readers.whole) give(reader);
      if (readers.byIndex.size === 0) continue;
      for (const list of [deletes, inserts]) {
        for (let at = 0; at < list.count; at += 1) {
          rows.resolve((list.refs[at] ?? 0) as Parameters<RowSource["resolve"]>[0]); // below the count
          this.concernedByRow(readers, rows.row.view, rows.row.at, give);
        }
      }
    }
  }

  private concernedByRow({ byIndex }: TableReaders<R>, view: DataView, at: number, give: (reader: R) => void): void {
    for (const { keys, key, points, ranges } of byIndex.values()) {
      const there = points.size === 0 ? undefined : points.get(key.hashRow(view, at));
      if (there !== undefined) for (const reader of there) give(reader);
      for (let prefixColumns = 0; prefixColumns < ranges.length; prefixColumns += 1) {
        const each = ranges[prefixColumns];
        if (each === undefined || each.byPrefix.size === 0) continue;
        const of = each.byPrefix.get(each.hash === undefined ? 0 : each.hash.hashRow(view, at));
        of?.found(view, keys.startOf(prefixColumns, view, at), give);
      }
    }
  }

  private of(id: TableId): TableReaders<R> {
    let readers = this.byTable.get(id);
    if (readers === undefined) this.byTable.set(id, (readers = { whole: new Set(), byIndex: new Map() }));
    return readers;
  }

  private tidy(id: TableId): void {
    const readers = this.byTable.get(id);
    if (readers !== undefined && readers.whole.size === 0 && readers.byIndex.size === 0) this.byTable.delete(id);
  }
}
