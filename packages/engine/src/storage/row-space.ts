/**
 * A table's slots: allocated for inserted rows, freed when deletes are final, walked by scans.
 *
 *   slot = state u8 | row …                         every row of the table has the same length
 *   slot = length << 4 | state  u32 | row …         otherwise
 *   free slot = 0 u32 | reference of the next free one u32
 *
 * Of rows of one length the last few slots freed are kept in a stack, `recent`, and allocated from there first:
 * updates free as many as they allocate, and then touch neither pages' lists nor what is known of pages. Otherwise a slot
 * comes from the first span with room: the one freed last, or else the first never used. Undoing allocations in
 * reverse order restores stack and lists exactly, which rollbacks rely on. Slots are freed only between transactions. To
 * its span a slot in the stack is in use; a table without rows keeps none.
 */
import { type Memory, Meta, metaWords, pageBytes, pageShift, type Slab, slabMask, slabShift } from "./memory.ts";
import {
  classCount,
  classOf,
  fixedHeaderBytes,
  fixedRowBytesMax,
  fixedSpanPages,
  slotBytesOf,
  dedicatedClass,
  spanPagesOf,
  variableHeaderBytes,
} from "./slot-classes.ts";

/** What a slot's row is to the open transaction. Odd ones are visible. */
export const RowState = {
  free: 0,
  live: 1,
  /** Inserted and deleted by the open transaction. */
  ownTombstone: 2,
  /** Inserted by the open transaction. */
  ownLive: 3,
  /** Deleted by the open transaction, or by a commit not yet released. */
  tombstone: 4,
  /** The same, while a commit tells its deletes apart. */
  countedTombstone: 6,
} as const;
const stateMask = 7;

/** Where an allocated slot came from. */
export const SlotSource = { list: 0, fresh: 1, recent: 2 } as const;
export const recentMax = 32;
const noRecent = new Uint32Array(0);

export class RowSpace {
  readonly memory: Memory;
  readonly tableId: number;
  /** Bytes of every row, or -1 when they differ. */
  readonly rowLength: number;
  readonly headerBytes: number;
  private readonly fixedSlotBytes: number;
  /** By size class: the first span with room, or -1. */
  readonly spanWithRoom: Int32Array;
  /** First pages of the table's spans, in scan order. */
  spans: Int32Array = new Int32Array(4);
  spanCount = 0;
  /** Slots freed last, the first `recentCount`. */
  readonly recent: Uint32Array;
  recentCount = 0;
  /** Where the last allocated slot came from. */
  slotSource: number = SlotSource.list;
  /** Whether the open transaction has allocated pages for this table. */
  allocatedPages = false;

  constructor(memory: Memory, tableId: number, rowLength: number | undefined) {
    this.memory = memory;
    this.tableId = tableId;
    const fixed = rowLength !== undefined && rowLength <= fixedRowBytesMax;
    this.rowLength = fixed ? rowLength : -1;
    this.headerBytes = fixed ? fixedHeaderBytes : variableHeaderBytes;
    this.fixedSlotBytes = fixed ? (rowLength + fixedHeaderBytes + 7) & ~7 : 0;
    this.spanWithRoom = new Int32Array(fixed ? 1 : classCount).fill(-1);
    this.recent = fixed ? new Uint32Array(recentMax) : noRecent;
  }

  /** Bytes that allocating a slot may add to the memory in use. */
  allocationBytes(length: number): number {
    if (this.rowLength >= 0) return fixedSpanPages(this.fixedSlotBytes) * pageBytes;
    const bytes = length + variableHeaderBytes;
    return spanPagesOf(classOf(bytes), bytes) * pageBytes;
  }

  /** Allocates a slot for a row of `length` bytes. The caller writes header and row. */
  allocate(length: number): number {
    const recentCount = this.recentCount - 1;
    if (recentCount < 0) return this.allocateFromSpan(length);
    this.recentCount = recentCount;
    this.slotSource = SlotSource.recent;
    const ref = this.recent[recentCount] as number;
    this.memory.beforeWrite(ref);
    return ref;
  }

  private allocateFromSpan(length: number): number {
    const sizeClass = this.rowLength >= 0 ? 0 : classOf(length + variableHeaderBytes);
    let head = sizeClass === dedicatedClass ? -1 : (this.spanWithRoom[sizeClass] as number);
    if (head < 0) head = this.addSpan(sizeClass, length + variableHeaderBytes);
    const memory = this.memory;
    const slab = memory.slabOf(head);
    const meta = slab.meta;
    const at = (head & 255) * metaWords;
    const slotBytes = meta[at + Meta.slotBytes] as number;
    const free = (meta[at + Meta.free] as number) >>> 0;
    let ref: number;
    let full: boolean;
    const fresh = meta[at + Meta.fresh] as number;
    const spanBytes = (meta[at + Meta.pages] as number) * pageBytes;
    if (free !== 0) {
      ref = free;
      const next = slab.words[((ref & slabMask) << 1) + 1] as number;
      meta[at + Meta.free] = next;
      full = next === 0 && fresh + slotBytes > spanBytes;
      this.slotSource = SlotSource.list;
    } else {
      ref = ((head << pageShift) + (fresh >>> 3)) >>> 0;
      meta[at + Meta.fresh] = fresh + slotBytes;
      full = fresh + 2 * slotBytes > spanBytes;
      this.slotSource = SlotSource.fresh;
    }
    meta[at + Meta.used] = (meta[at + Meta.used] as number) + 1;
    if (full && sizeClass !== dedicatedClass) this.unlink(head, sizeClass);
    memory.beforeWrite(ref);
    return ref;
  }

  /** Undoes the last `allocate` that has not been undone. `source` is what `slotSource` said then. */
  undoAllocate(ref: number, source: number): void {
    const slab = this.memory.slabs[ref >>> slabShift] as Slab;
    if (source === SlotSource.recent) {
      slab.words[(ref & slabMask) << 1] = 0;
      this.recent[this.recentCount] = ref;
      this.recentCount += 1;
      return;
    }
    const meta = slab.meta;
    const head = meta[((ref >>> pageShift) & 255) * metaWords + Meta.head] as number;
    const at = (head & 255) * metaWords;
    const sizeClass = meta[at + Meta.sizeClass] as number;
    const slotBytes = meta[at + Meta.slotBytes] as number;
    const spanBytes = (meta[at + Meta.pages] as number) * pageBytes;
    const wasFull = meta[at + Meta.free] === 0 && (meta[at + Meta.fresh] as number) + slotBytes > spanBytes;
    if (source === SlotSource.fresh) {
      meta[at + Meta.fresh] = (meta[at + Meta.fresh] as number) - slotBytes;
      slab.words[(ref & slabMask) << 1] = 0;
    } else {
      slab.words[(ref & slabMask) << 1] = 0;
      slab.words[((ref & slabMask) << 1) + 1] = meta[at + Meta.free] as number;
      meta[at + Meta.free] = ref | 0;
    }
    const used = (meta[at + Meta.used] as number) - 1;
    meta[at + Meta.used] = used;
    if (wasFull && sizeClass !== dedicatedClass) this.link(head, sizeClass);
    if (used === 0) {
      // Spans without rows are always freed, so this one was allocated by the transaction being undone.
      if (sizeClass !== dedicatedClass) this.unlink(head, sizeClass);
      this.spanCount -= 1;
      this.memory.undoAllocate(head);
    }
  }

  /** Frees a slot for good. */
  free(ref: number): void {
    const { memory, recentCount } = this;
    memory.beforeWrite(ref);
    if (recentCount === this.recent.length) {
      this.freeInSpan(ref);
      return;
    }
    (memory.slabs[ref >>> slabShift] as Slab).words[(ref & slabMask) << 1] = 0;
    this.recent[recentCount] = ref;
    this.recentCount = recentCount + 1;
  }

  /** Frees what the stack keeps for good: when no rows are left. */
  freeRecent(): void {
    for (; this.recentCount > 0; this.recentCount -= 1) this.freeInSpan(this.recent[this.recentCount - 1] as number);
  }

  private freeInSpan(ref: number): void {
    const { memory } = this;
    const slab = memory.slabs[ref >>> slabShift] as Slab;
    const meta = slab.meta;
    const head = meta[((ref >>> pageShift) & 255) * metaWords + Meta.head] as number;
    const at = (head & 255) * metaWords;
    const sizeClass = meta[at + Meta.sizeClass] as number;
    const used = (meta[at + Meta.used] as number) - 1;
    const next = meta[at + Meta.free] as number;
    if (used === 0) {
      const wasLinked =
        sizeClass !== dedicatedClass &&
        (next !== 0 ||
          (meta[at + Meta.fresh] as number) + (meta[at + Meta.slotBytes] as number) <=
            (meta[at + Meta.pages] as number) * pageBytes);
      if (wasLinked) this.unlink(head, sizeClass);
      this.dropSpan(head, meta[at + Meta.ordinal] as number);
      return;
    }
    meta[at + Meta.used] = used;
    const word = (ref & slabMask) << 1;
    slab.words[word] = 0;
    slab.words[word + 1] = next;
    if (
      next === 0 &&
      (meta[at + Meta.fresh] as number) + (meta[at + Meta.slotBytes] as number) >
        (meta[at + Meta.pages] as number) * pageBytes
    ) {
      this.link(head, sizeClass);
    }
    meta[at + Meta.free] = ref | 0;
  }

  private addSpan(sizeClass: number, bytes: number): number {
    const fixed = this.rowLength >= 0;
    const slotBytes = fixed ? this.fixedSlotBytes : slotBytesOf(sizeClass, bytes);
    const head = this.memory.allocate(fixed ? fixedSpanPages(slotBytes) : spanPagesOf(sizeClass, bytes));
    this.allocatedPages = true;
    const meta = this.memory.slabOf(head).meta;
    const at = (head & 255) * metaWords;
    meta[at + Meta.table] = this.tableId;
    meta[at + Meta.slotBytes] = slotBytes;
    meta[at + Meta.sizeClass] = sizeClass;
    meta[at + Meta.used] = 0;
    meta[at + Meta.free] = 0;
    meta[at + Meta.fresh] = 0;
    meta[at + Meta.previous] = -1;
    meta[at + Meta.next] = -1;
    meta[at + Meta.ordinal] = this.spanCount;
    meta[at + Meta.rowLength] = this.rowLength;
    if (this.spanCount === this.spans.length) {
      const spans = new Int32Array(this.spans.length * 2);
      spans.set(this.spans);
      this.spans = spans;
    }
    this.spans[this.spanCount] = head;
    this.spanCount += 1;
    if (sizeClass !== dedicatedClass) this.link(head, sizeClass);
    return head;
  }

  /** Frees a span; the last one takes its place in the scan order. */
  private dropSpan(head: number, ordinal: number): void {
    const last = this.spans[this.spanCount - 1] as number;
    this.spans[ordinal] = last;
    this.memory.slabOf(last).meta[(last & 255) * metaWords + Meta.ordinal] = ordinal;
    this.spanCount -= 1;
    this.memory.free(head);
  }

  private link(head: number, sizeClass: number): void {
    const next = this.spanWithRoom[sizeClass] as number;
    const meta = this.memory.slabOf(head).meta;
    const at = (head & 255) * metaWords;
    meta[at + Meta.previous] = -1;
    meta[at + Meta.next] = next;
    if (next >= 0) this.memory.slabOf(next).meta[(next & 255) * metaWords + Meta.previous] = head;
    this.spanWithRoom[sizeClass] = head;
  }

  private unlink(head: number, sizeClass: number): void {
    const meta = this.memory.slabOf(head).meta;
    const at = (head & 255) * metaWords;
    const previous = meta[at + Meta.previous] as number;
    const next = meta[at + Meta.next] as number;
    if (previous < 0) this.spanWithRoom[sizeClass] = next;
    else this.memory.slabOf(previous).meta[(previous & 255) * metaWords + Meta.next] = next;
    if (next >= 0) this.memory.slabOf(next).meta[(next & 255) * metaWords + Meta.previous] = previous;
  }

  /** Where a row's bytes begin in its slab. */
  rowAt(ref: number): number {
    return ((ref & slabMask) << 3) + this.headerBytes;
  }

  rowBytes(ref: number): number {
    return this.rowLength >= 0
      ? this.rowLength
      : ((this.memory.slabs[ref >>> slabShift] as Slab).words[(ref & slabMask) << 1] as number) >>> 4;
  }

  state(ref: number): number {
    const slab = this.memory.slabs[ref >>> slabShift] as Slab;
    return (slab.bytes[(ref & slabMask) << 3] as number) & stateMask;
  }

  /** Marks a visible row as deleted; whether the open transaction had inserted it. */
  makeTombstone(ref: number): boolean {
    this.memory.beforeWrite(ref);
    const slab = this.memory.slabs[ref >>> slabShift] as Slab;
    const at = (ref & slabMask) << 3;
    const byte = slab.bytes[at] as number;
    const isOwn = (byte & stateMask) === RowState.ownLive;
    slab.bytes[at] = (byte & ~stateMask) | (isOwn ? RowState.ownTombstone : RowState.tombstone);
    return isOwn;
  }

  /** Undoes `makeTombstone`. */
  undoTombstone(ref: number): void {
    this.setState(ref, this.state(ref) === RowState.ownTombstone ? RowState.ownLive : RowState.live);
  }

  setState(ref: number, state: number): void {
    this.memory.beforeWrite(ref);
    const slab = this.memory.slabs[ref >>> slabShift] as Slab;
    const at = (ref & slabMask) << 3;
    slab.bytes[at] = ((slab.bytes[at] as number) & ~stateMask) | state;
  }
}

/**
 * Walks the visible rows of a table, span by span. Slots allocated meanwhile are met or not, depending on
 * where they are; whoever writes during a walk must first collect what is left of it.
 */
export class SlotCursor {
  private readonly space: RowSpace;
  private ordinal = 0;
  private ref = 0;
  private slotUnits = 0;
  private left = 0;

  constructor(space: RowSpace) {
    this.space = space;
  }

  seek(): void {
    this.ordinal = 0;
    this.left = 0;
  }

  next(): number {
    const space = this.space;
    for (;;) {
      while (this.left > 0) {
        const ref = this.ref;
        this.left -= 1;
        this.ref = ref + this.slotUnits;
        const slab = space.memory.slabs[ref >>> slabShift] as Slab;
        if (((slab.bytes[(ref & slabMask) << 3] as number) & 1) !== 0) return ref;
      }
      if (this.ordinal >= space.spanCount) return -1;
      const head = space.spans[this.ordinal] as number;
      this.ordinal += 1;
      const meta = space.memory.slabOf(head).meta;
      const at = (head & 255) * metaWords;
      const slotBytes = meta[at + Meta.slotBytes] as number;
      this.ref = (head << pageShift) >>> 0;
      this.slotUnits = slotBytes >>> 3;
      this.left = (meta[at + Meta.fresh] as number) / slotBytes;
    }
  }
}
