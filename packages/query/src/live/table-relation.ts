/** A table as a relation. Lookups by its declared indexes need no further memory. */
import type { RowRef, TableId } from "@lightcone/base";
import type { Arrangement, Index, IndexCursor, RowSource, Table, TableCursor } from "@lightcone/engine";
import type { AlgebraicType } from "@lightcone/sats";
import type { Keyed, KeyedAccess, Relation } from "./relation.ts";

export class TableRelation implements Relation {
  readonly id: TableId;
  readonly types: readonly AlgebraicType[];
  readonly isEvent: boolean;
  private readonly store: RowSource;
  private readonly table: Table;
  private readonly version: number;

  constructor(store: RowSource, table: Table) {
    this.id = table.id;
    this.types = table.def.columns.map(({ type }) => type);
    this.isEvent = table.def.isEvent;
    this.store = store;
    this.table = table;
    this.version = table.version;
  }

  get isCurrent(): boolean {
    return this.store.table(this.id) === this.table && this.table.version === this.version;
  }

  get rowCount(): number {
    return this.table.rowCount;
  }

  access(columns: readonly number[]): KeyedAccess | undefined {
    let best: TableAccess | undefined;
    for (const index of this.table.indexes) {
      const access = TableAccess.by(index, columns);
      if (access !== undefined && (best === undefined || isBetter(access, best))) best = access;
    }
    return best;
  }

  scan(): KeyedAccess {
    return { columns: [], isUnique: false, open: () => new Scan(this.table.openCursor()) };
  }

  arrange(columns: readonly number[], inSlices: boolean): Arrangement {
    return this.table.openArrangement(columns, inSlices);
  }
}

/** A unique index is better than any other; then one with more columns. */
export function isBetter(a: KeyedAccess, b: KeyedAccess): boolean {
  return a.isUnique === b.isUnique ? a.columns.length > b.columns.length : a.isUnique;
}

class TableAccess implements KeyedAccess {
  readonly columns: readonly number[];
  readonly isUnique: boolean;
  private readonly index: Index;

  private constructor(index: Index, columns: readonly number[]) {
    this.index = index;
    this.columns = columns;
    this.isUnique = index.unique && this.isWhole;
  }

  /** Uses as many leading columns of the index as are among `columns`; undefined if the index needs more. */
  static by(index: Index, columns: readonly number[]): TableAccess | undefined {
    const { columns: key } = index.def;
    const missing = key.findIndex((column) => !columns.includes(column));
    if (missing === 0 || (missing > 0 && !index.ranged)) return undefined;
    return new TableAccess(index, missing < 0 ? key : key.slice(0, missing));
  }

  private get isWhole(): boolean {
    return this.columns.length === this.index.def.columns.length;
  }

  open(): Keyed {
    const cursor = this.index.openCursor();
    return this.isWhole ? new PointLookup(cursor) : new PrefixLookup(cursor, this.columns.length);
  }
}

class PointLookup implements Keyed {
  private readonly cursor: IndexCursor;

  constructor(cursor: IndexCursor) {
    this.cursor = cursor;
  }

  seek(view: DataView, at: number, length: number): void {
    this.cursor.seekPoint(view, at, length);
  }

  next(): RowRef | -1 {
    return this.cursor.next();
  }
}

class Scan implements Keyed {
  private readonly cursor: TableCursor;

  constructor(cursor: TableCursor) {
    this.cursor = cursor;
  }

  seek(): void {
    this.cursor.seek();
  }

  next(): RowRef | -1 {
    return this.cursor.next();
  }
}

const unbounded = { kind: "unbounded" } as const;

class PrefixLookup implements Keyed {
  private readonly cursor: IndexCursor;
  private readonly columnCount: number;

  constructor(cursor: IndexCursor, columnCount: number) {
    this.cursor = cursor;
    this.columnCount = columnCount;
  }

  seek(view: DataView, at: number, length: number): void {
    const prefix = new Uint8Array(view.buffer, view.byteOffset + at, length);
    this.cursor.seekRange(prefix, this.columnCount, unbounded, unbounded);
  }

  next(): RowRef | -1 {
    return this.cursor.next();
  }
}
