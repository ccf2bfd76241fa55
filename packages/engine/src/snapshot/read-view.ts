/**
 * A view of the committed state at one offset, good while commits go on.
 *
 * Opening copies the metadata of pages, not the pages. Before a span's bytes are first written afterwards, they
 * are copied aside, once for all read views that need them. While no read view is open a write costs one comparison.
 */
import { assert, type TableId, type TxOffset } from "@lightcone/base";
import type { ReadView, ReadViewCursor, ReadViewTable } from "../api.ts";
import type { RowView } from "@lightcone/schema";
import type { IdCounters } from "../catalog/alterations.ts";
import { type Memory, type PageLists, Meta, metaWords, pageBytes, slabPages } from "../storage/memory.ts";
import type { StoredTable } from "../table/stored-table.ts";

/** Bytes of a span as the read view saw it, from `at` of `bytes`. */
interface SpanBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly at: number;
}

/** What the read view takes from its store besides tables. */
export interface ReadViewFacts {
  readonly offset: TxOffset;
  readonly timestampMicros: number;
  readonly counters: Readonly<IdCounters>;
}

export class StoreReadView implements ReadView {
  readonly offset: TxOffset;
  readonly timestampMicros: number;
  readonly counters: Readonly<IdCounters>;
  /** Which pages and slabs nobody has. */
  readonly pages: PageLists;
  readonly serial: number;
  readonly memory: Memory;
  readonly tables: readonly StoredReadViewTable[];
  /** Each slab's `meta` when the read view opened. */
  readonly metas: readonly Int32Array[];
  private readonly aside = new Map<number, SpanBytes>();
  /** Rises when a span was copied aside. */
  version = 0;
  private readonly onClose: (readView: StoreReadView) => void;

  constructor(
    memory: Memory,
    serial: number,
    facts: ReadViewFacts,
    tables: readonly StoredTable[],
    onClose: (readView: StoreReadView) => void,
  ) {
    this.memory = memory;
    this.serial = serial;
    this.offset = facts.offset;
    this.timestampMicros = facts.timestampMicros;
    this.counters = { ...facts.counters };
    this.pages = memory.pageLists();
    this.metas = memory.slabs.map(({ meta }) => (meta.length === 0 ? meta : meta.slice()));
    this.tables = tables.map((table) => new StoredReadViewTable(this, table));
    this.onClose = onClose;
  }

  /** A word of what was known of a span. */
  metaOf(head: number, word: number): number {
    return (this.metas[head >>> 8] as Int32Array)[(head & 255) * metaWords + word] as number;
  }

  spanBytes(head: number): SpanBytes {
    const aside = this.aside.get(head);
    if (aside !== undefined) return aside;
    const slab = this.memory.slabOf(head);
    return { bytes: slab.bytes, view: slab.view, at: (head & (slabPages - 1)) * pageBytes };
  }

  keep(head: number, copy: SpanBytes): void {
    this.aside.set(head, copy);
    this.version += 1;
  }

  close(): void {
    this.aside.clear();
    this.onClose(this);
  }
}

export class StoredReadViewTable implements ReadViewTable {
  readonly id: TableId;
  readonly name: string;
  readonly rowCount: number;
  readonly rowBytes: number;
  readonly rowLength: number;
  readonly headerBytes: number;
  readonly spans: Int32Array;
  readonly spanWithRoom: Int32Array;
  readonly recent: Uint32Array;
  private readonly readView: StoreReadView;

  constructor(readView: StoreReadView, table: StoredTable) {
    this.readView = readView;
    this.id = table.id;
    this.name = table.name;
    this.rowCount = table.rowCount;
    this.rowBytes = table.rowBytes;
    this.rowLength = table.space.rowLength;
    this.headerBytes = table.space.headerBytes;
    this.spans = table.space.spans.slice(0, table.space.spanCount);
    this.spanWithRoom = table.space.spanWithRoom.slice();
    this.recent = table.space.recent.slice(0, table.space.recentCount);
  }

  openCursor(): ReadViewCursor {
    return new StoredReadViewCursor(this.readView, this);
  }
}

class StoredReadViewCursor implements ReadViewCursor {
  readonly row: RowView;
  private readonly readView: StoreReadView;
  private readonly table: StoredReadViewTable;
  private ordinal = 0;
  private head = -1;
  private version = -1;
  private base = 0;
  private at = 0;
  private end = 0;
  private slotBytes = 0;

  constructor(readView: StoreReadView, table: StoredReadViewTable) {
    this.readView = readView;
    this.table = table;
    this.row = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), at: 0, length: 0 };
  }

  next(): boolean {
    const { row, table } = this;
    for (;;) {
      if (this.version !== this.readView.version && this.head >= 0) this.fetch();
      while (this.at < this.end) {
        const at = this.base + this.at;
        this.at += this.slotBytes;
        if (((row.bytes[at] as number) & 1) === 0) continue;
        row.at = at + table.headerBytes;
        row.length = table.rowLength >= 0 ? table.rowLength : row.view.getUint32(at, true) >>> 4;
        return true;
      }
      if (this.ordinal >= table.spans.length) return false;
      this.head = table.spans[this.ordinal] as number;
      this.ordinal += 1;
      this.at = 0;
      this.end = this.readView.metaOf(this.head, Meta.fresh);
      this.slotBytes = this.readView.metaOf(this.head, Meta.slotBytes);
      this.fetch();
    }
  }

  private fetch(): void {
    const span = this.readView.spanBytes(this.head);
    this.row.bytes = span.bytes;
    this.row.view = span.view;
    this.base = span.at;
    this.version = this.readView.version;
  }
}

/** The read views of a store that are open. */
export class ReadViews {
  private readonly memory: Memory;
  private readonly open: StoreReadView[] = [];
  private serialLast = 0;

  constructor(memory: Memory) {
    this.memory = memory;
    memory.copyAside = (head) => this.copyAside(head);
  }

  begin(facts: ReadViewFacts, tables: readonly StoredTable[]): StoreReadView {
    this.serialLast += 1;
    const readView = new StoreReadView(this.memory, this.serialLast, facts, tables, (closed) => this.end(closed));
    this.open.push(readView);
    this.memory.viewSerial = readView.serial;
    return readView;
  }

  private end(readView: StoreReadView): void {
    const at = this.open.indexOf(readView);
    if (at < 0) return;
    this.open.splice(at, 1);
    this.memory.viewSerial = this.open.at(-1)?.serial ?? 0;
  }

  private copyAside(head: number): void {
    const slab = this.memory.slabOf(head);
    const meta = (head & 255) * metaWords;
    const stamp = slab.meta[meta + Meta.viewSerial] as number;
    const at = (head & (slabPages - 1)) * pageBytes;
    const bytes = slab.bytes.slice(at, at + (slab.meta[meta + Meta.pages] as number) * pageBytes);
    assert(bytes.length > 0, "a span without bytes was to be kept");
    const copy: SpanBytes = { bytes, view: new DataView(bytes.buffer), at: 0 };
    for (const readView of this.open) if (readView.serial > stamp) readView.keep(head, copy);
  }
}
