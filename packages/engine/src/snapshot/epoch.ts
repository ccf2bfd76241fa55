/**
 * A view of the committed state at one offset, good while commits go on.
 *
 * Opening copies what is known of pages, not pages. Before a span's bytes are first written afterwards, they
 * are copied aside, once for all epochs that need them. While no epoch is open a write costs one comparison.
 */
import { assert, type TableId, type TxOffset } from "@lightcone/base";
import type { Epoch, EpochCursor, EpochTable } from "../api.ts";
import type { RowPlace } from "../api-tables.ts";
import type { IdCounters } from "../catalog/catalog.ts";
import { type Memory, type PageLists, Meta, metaWords, pageBytes, slabPages } from "../storage/memory.ts";
import type { StoredTable } from "../table/stored-table.ts";

/** Bytes of a span as the epoch saw it, from `at` of `bytes`. */
interface SpanBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly at: number;
}

/** What the epoch takes from its store besides tables. */
export interface EpochFacts {
  readonly offset: TxOffset;
  readonly timestampMicros: number;
  readonly counters: Readonly<IdCounters>;
}

export class StoreEpoch implements Epoch {
  readonly offset: TxOffset;
  readonly timestampMicros: number;
  readonly counters: Readonly<IdCounters>;
  /** Which pages and slabs nobody has. */
  readonly pages: PageLists;
  readonly serial: number;
  readonly memory: Memory;
  readonly tables: readonly StoredEpochTable[];
  /** Each slab's `meta` when the epoch opened. */
  readonly metas: readonly Int32Array[];
  private readonly aside = new Map<number, SpanBytes>();
  /** Rises when a span was copied aside. */
  version = 0;
  private readonly onClose: (epoch: StoreEpoch) => void;

  constructor(
    memory: Memory,
    serial: number,
    facts: EpochFacts,
    tables: readonly StoredTable[],
    onClose: (epoch: StoreEpoch) => void,
  ) {
    this.memory = memory;
    this.serial = serial;
    this.offset = facts.offset;
    this.timestampMicros = facts.timestampMicros;
    this.counters = { ...facts.counters };
    this.pages = memory.pageLists();
    this.metas = memory.slabs.map((slab) => slab.meta.slice());
    this.tables = tables.map((table) => new StoredEpochTable(this, table));
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

export class StoredEpochTable implements EpochTable {
  readonly id: TableId;
  readonly name: string;
  readonly rowCount: number;
  readonly rowBytes: number;
  readonly rowLength: number;
  readonly headerBytes: number;
  readonly spans: Int32Array;
  readonly room: Int32Array;
  readonly recent: Uint32Array;
  private readonly epoch: StoreEpoch;

  constructor(epoch: StoreEpoch, table: StoredTable) {
    this.epoch = epoch;
    this.id = table.id;
    this.name = table.name;
    this.rowCount = table.rowCount;
    this.rowBytes = table.rowBytes;
    this.rowLength = table.space.rowLength;
    this.headerBytes = table.space.headerBytes;
    this.spans = table.space.spans.slice(0, table.space.spanCount);
    this.room = table.space.room.slice();
    this.recent = table.space.recent.slice(0, table.space.recentCount);
  }

  openCursor(): EpochCursor {
    return new EpochWalk(this.epoch, this);
  }
}

class EpochWalk implements EpochCursor {
  readonly place: RowPlace;
  private readonly epoch: StoreEpoch;
  private readonly table: StoredEpochTable;
  private ordinal = 0;
  private head = -1;
  private version = -1;
  private base = 0;
  private at = 0;
  private end = 0;
  private slotBytes = 0;

  constructor(epoch: StoreEpoch, table: StoredEpochTable) {
    this.epoch = epoch;
    this.table = table;
    this.place = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), at: 0, length: 0 };
  }

  next(): boolean {
    const { place, table } = this;
    for (;;) {
      if (this.version !== this.epoch.version && this.head >= 0) this.fetch();
      while (this.at < this.end) {
        const at = this.base + this.at;
        this.at += this.slotBytes;
        if (((place.bytes[at] as number) & 1) === 0) continue;
        place.at = at + table.headerBytes;
        place.length = table.rowLength >= 0 ? table.rowLength : place.view.getUint32(at, true) >>> 4;
        return true;
      }
      if (this.ordinal >= table.spans.length) return false;
      this.head = table.spans[this.ordinal] as number;
      this.ordinal += 1;
      this.at = 0;
      this.end = this.epoch.metaOf(this.head, Meta.fresh);
      this.slotBytes = this.epoch.metaOf(this.head, Meta.slotBytes);
      this.fetch();
    }
  }

  private fetch(): void {
    const span = this.epoch.spanBytes(this.head);
    this.place.bytes = span.bytes;
    this.place.view = span.view;
    this.base = span.at;
    this.version = this.epoch.version;
  }
}

/** The epochs of a store that are open. */
export class Epochs {
  private readonly memory: Memory;
  private readonly open: StoreEpoch[] = [];
  private serialLast = 0;

  constructor(memory: Memory) {
    this.memory = memory;
    memory.keepAside = (head) => this.keepAside(head);
  }

  begin(facts: EpochFacts, tables: readonly StoredTable[]): StoreEpoch {
    this.serialLast += 1;
    const epoch = new StoreEpoch(this.memory, this.serialLast, facts, tables, (closed) => this.end(closed));
    this.open.push(epoch);
    this.memory.epoch = epoch.serial;
    return epoch;
  }

  private end(epoch: StoreEpoch): void {
    const at = this.open.indexOf(epoch);
    if (at < 0) return;
    this.open.splice(at, 1);
    this.memory.epoch = this.open.at(-1)?.serial ?? 0;
  }

  private keepAside(head: number): void {
    const slab = this.memory.slabOf(head);
    const meta = (head & 255) * metaWords;
    const stamp = slab.meta[meta + Meta.epoch] as number;
    const at = (head & (slabPages - 1)) * pageBytes;
    const bytes = slab.bytes.slice(at, at + (slab.meta[meta + Meta.pages] as number) * pageBytes);
    assert(bytes.length > 0, "a span without bytes was to be kept");
    const copy: SpanBytes = { bytes, view: new DataView(bytes.buffer), at: 0 };
    for (const epoch of this.open) if (epoch.serial > stamp) epoch.keep(head, copy);
  }
}
