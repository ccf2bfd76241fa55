/**
 * Where rows live: slabs of fixed-length buffers, cut into pages.
 *
 *   slab = 4 MiB (the first 1 MiB; a row too large for one gets a slab of its own size)
 *   page = 16 KiB; a span is one to 256 neighbouring pages of a slab
 *   reference = place in units of 8 bytes: slab << 19 | page << 11 | unit      u32, so 32 GiB
 *
 * Where a reference points is a shift and a mask; no table of rows is looked up. What is known of a page
 * stands beside the slab in `meta`, sixteen words a page; all but a few of them are said once, for the
 * span's first page. Page 0 is never given away, so that no row has the reference 0.
 *
 * Pages are allocated and freed as stacks, and allocations can be undone in reverse order, so that a
 * transaction rolled back leaves no trace: what page a table gets next is a function of the commits alone.
 */
import { LightconeError } from "@lightcone/base";

export const pageBytes = 16_384;
export const slabPages = 256;
const firstSlabPages = 64;

/** A reference's bits within its slab. */
export const slabShift = 19;
export const slabMask = (1 << slabShift) - 1;
/** As many slabs as references can tell apart. */
const slabsMax = 2 ** (32 - slabShift);
/** A reference's bits within its page. */
export const pageShift = 11;

/** The slabs from this one on are a derived store's, for up to 1 GiB: its references differ from the store's beside it. */
const derivedSlabMin = 7936;
/** The least reference of a derived store's row. */
export const derivedRefMin = derivedSlabMin * 2 ** slabShift;

/** Words of `Slab.meta` for each page. Those after `head` are kept for a span's first page only. */
export const metaWords = 16;
export const Meta = {
  /** The span's first page. */
  head: 0,
  /** Pages in the span. */
  pages: 1,
  /** The table that has the span; 0 when nobody has. */
  table: 2,
  /** Bytes of a slot. */
  slotBytes: 3,
  /** The slots' size class within the table. */
  sizeClass: 4,
  /** Slots in use. */
  used: 5,
  /** The last slot freed: a reference; 0 for none. Each free slot's second word points at the next. */
  free: 6,
  /** Where the slots never used begin, in bytes from the span's start. */
  fresh: 7,
  /** Neighbours in the table's list of spans with room; -1 for none. */
  previous: 8,
  next: 9,
  /** Position in the table's list of spans. */
  ordinal: 10,
  /** Bytes of every row, or -1 when rows say their own length. */
  rowLength: 11,
  /** The youngest read view that has the span's bytes aside. */
  viewSerial: 12,
} as const;

export class Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Int32Array;
  readonly meta: Int32Array;

  constructor(pageCount: number) {
    const buffer = new ArrayBuffer(pageCount * pageBytes);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer);
    this.meta = new Int32Array(Math.min(pageCount, slabPages) * metaWords);
  }
}

/** Which pages and slabs nobody has, and how large each slab is. */
export interface PageLists {
  readonly freshPage: number;
  readonly freshEnd: number;
  /** Pages of each slab; 0 for a hole. */
  readonly slabs: readonly number[];
  readonly freePages: readonly number[];
  readonly freeSpans: readonly { readonly pageCount: number; readonly spans: readonly number[] }[];
  readonly freeSlabs: readonly number[];
}

/** How a span was allocated, so that it can be undone. */
const PageSource = { single: 0, span: 1, fresh: 2, ownSlab: 3 } as const;

/** First slabs that stores have given back: a process that makes one after the other fills no new memory with zeros for each. */
const spareSlabs: Slab[] = [];
const sparesMax = 8;

function firstSlab(): Slab {
  const slab = spareSlabs.pop();
  if (slab === undefined) return new Slab(firstSlabPages);
  slab.meta.fill(0);
  return slab;
}

/** What stands in a hole of the slab list: a slab without pages. */
const noSlab = new Slab(0);
/** Kept, since a store of derived rows may be made for each test. */
const belowDerived: readonly Slab[] = Array.from({ length: derivedSlabMin }, () => noSlab);

/** Kept free below the limit, for what a mutation that has begun still allocates. */
const reserveBytes = 512 * 1024;

export class Memory {
  readonly slabs: Slab[];
  readonly bytesMax: number;
  /** Bytes of spans in use, and of what `account` was told. */
  bytesUsed = 0;

  /** Single pages freed, last first. */
  freePages: number[] = [];
  /** Longer spans freed, by page count. */
  readonly freeSpans = new Map<number, number[]>();
  /** Indexes in `slabs` whose slab of its own size is gone. */
  freeSlabs: number[] = [];
  /** Pages never allocated: from here … */
  freshPage: number;
  /** … to here, all in one slab. */
  freshEnd: number;

  /** For each allocation of the open transaction: how, the fresh page before, its end before, pages set aside. */
  private journal: number[] = [];

  /** The youngest open read view; 0 while none is. */
  viewSerial = 0;
  /** Copies a span aside for the open read views. Set by whoever opens read views. */
  copyAside: (head: number) => void = () => {};

  constructor(bytesMax: number, isDerived = false) {
    const slabMin = isDerived ? derivedSlabMin : 0;
    const bytesThere = ((isDerived ? slabsMax : derivedSlabMin) - slabMin) * slabPages * pageBytes;
    this.bytesMax = Math.min(bytesMax, bytesThere);
    this.slabs = isDerived ? belowDerived.slice() : [];
    this.slabs.push(firstSlab());
    this.freshPage = slabMin * slabPages + 1;
    this.freshEnd = slabMin * slabPages + firstSlabPages;
  }

  /** Gives the slabs away, for another memory to have: whoever still reads finds none. */
  discard(): void {
    for (const slab of this.slabs)
      if (slab.bytes.length === firstSlabPages * pageBytes && spareSlabs.length < sparesMax) spareSlabs.push(slab);
    this.slabs.fill(noSlab);
  }

  /** Adds to the bytes in use, or takes away. */
  account(bytes: number): void {
    this.bytesUsed += bytes;
  }

  /** @throws {LightconeError} `OutOfMemory` when `bytes` more would go over the limit */
  checkRoom(bytes: number): void {
    if (this.bytesUsed + bytes + reserveBytes > this.bytesMax) {
      throw new LightconeError("OutOfMemory", { bytesMax: this.bytesMax });
    }
  }

  slabOf(page: number): Slab {
    return this.slabs[page >>> 8] as Slab;
  }

  /** Allocates `count` neighbouring pages; returns the first. Their bytes hold whatever was there. */
  allocate(count: number): number {
    const page = this.find(count);
    const meta = this.slabOf(page).meta;
    const first = (page & 255) * metaWords;
    const known = Math.min(count, slabPages); // a slab of its own size knows of 256 pages, which is enough
    for (let index = 0; index < known; index += 1) meta[first + index * metaWords + Meta.head] = page;
    meta[first + Meta.pages] = count;
    meta[first + Meta.viewSerial] = this.viewSerial;
    this.bytesUsed += count * pageBytes;
    return page;
  }

  private find(count: number): number {
    const freshPage = this.freshPage;
    const freshEnd = this.freshEnd;
    if (count > slabPages) return this.allocateOwnSlab(count);
    const given = count === 1 ? this.freePages : this.freeSpans.get(count);
    const page = given?.pop();
    if (page !== undefined) {
      this.journal.push(count === 1 ? PageSource.single : PageSource.span, freshPage, freshEnd, 0);
      return page;
    }
    let aside = 0;
    if (freshPage + count > freshEnd) {
      // The rest of this slab becomes single pages; the lowest comes out first.
      for (let rest = freshEnd - 1; rest >= freshPage; rest -= 1) this.freePages.push(rest);
      aside = freshEnd - freshPage;
      this.freshPage = this.addSlab(slabPages) * slabPages;
      this.freshEnd = this.freshPage + slabPages;
    }
    this.journal.push(PageSource.fresh, freshPage, freshEnd, aside);
    const fresh = this.freshPage;
    this.freshPage += count;
    return fresh;
  }

  private allocateOwnSlab(count: number): number {
    const index = this.addSlab(count);
    this.journal.push(PageSource.ownSlab, this.freshPage, this.freshEnd, 0);
    return index * slabPages;
  }

  private addSlab(pageCount: number): number {
    const slab = new Slab(pageCount);
    const index = this.freeSlabs.pop() ?? this.slabs.length;
    this.slabs[index] = slab;
    return index;
  }

  /** Frees a span, for good. */
  free(page: number): void {
    const slab = this.slabOf(page);
    const first = (page & 255) * metaWords;
    const count = slab.meta[first + Meta.pages] as number;
    slab.meta[first + Meta.table] = 0;
    this.bytesUsed -= count * pageBytes;
    if (count > slabPages) this.dropSlab(page >>> 8);
    else if (count === 1) this.freePages.push(page);
    else this.spansOf(count).push(page);
  }

  private spansOf(count: number): number[] {
    let spans = this.freeSpans.get(count);
    if (spans === undefined) {
      spans = [];
      this.freeSpans.set(count, spans);
    }
    return spans;
  }

  // A slab whose allocation is undone becomes a hole like any other: the next to be added takes its index.
  private dropSlab(index: number): void {
    this.slabs[index] = noSlab;
    this.freeSlabs.push(index);
  }

  /** Undoes the last allocation that has not been undone: that of `page`. */
  undoAllocate(page: number): void {
    const slab = this.slabOf(page);
    const first = (page & 255) * metaWords;
    const count = slab.meta[first + Meta.pages] as number;
    slab.meta[first + Meta.table] = 0;
    this.bytesUsed -= count * pageBytes;
    const aside = this.journal.pop() as number;
    const freshEnd = this.journal.pop() as number;
    const freshPage = this.journal.pop() as number;
    const source = this.journal.pop() as number;
    if (source === PageSource.single) this.freePages.push(page);
    else if (source === PageSource.span) this.spansOf(count).push(page);
    else if (source === PageSource.ownSlab) this.dropSlab(page >>> 8);
    else {
      if (this.freshEnd !== freshEnd) this.dropSlab((this.freshEnd - slabPages) >>> 8);
      this.freePages.length -= aside;
      this.freshPage = freshPage;
      this.freshEnd = freshEnd;
    }
  }

  /** Makes the allocations so far final. */
  keepAllocations(): void {
    if (this.journal.length > 0) this.journal = [];
  }

  pageLists(): PageLists {
    return {
      freshPage: this.freshPage,
      freshEnd: this.freshEnd,
      slabs: this.slabs.map((slab) => slab.bytes.length / pageBytes),
      freePages: this.freePages.slice(),
      freeSpans: Array.from(this.freeSpans, ([pageCount, spans]) => ({ pageCount, spans: spans.slice() })),
      freeSlabs: this.freeSlabs.slice(),
    };
  }

  /** Starts from what another memory's lists said. */
  setPageLists(lists: PageLists): void {
    this.slabs.length = 0;
    for (const pageCount of lists.slabs) this.slabs.push(pageCount === 0 ? noSlab : new Slab(pageCount));
    this.freshPage = lists.freshPage;
    this.freshEnd = lists.freshEnd;
    this.freePages = lists.freePages.slice();
    this.freeSpans.clear();
    for (const { pageCount, spans } of lists.freeSpans) this.freeSpans.set(pageCount, spans.slice());
    this.freeSlabs = lists.freeSlabs.slice();
  }

  /** Must be called before bytes of a span that may be shared with an open read view are written. */
  beforeWrite(ref: number): void {
    if (this.viewSerial !== 0) this.copyBeforeWrite(ref >>> pageShift);
  }

  private copyBeforeWrite(page: number): void {
    const slab = this.slabOf(page);
    const head = slab.meta[(page & 255) * metaWords + Meta.head] as number;
    const at = (head & 255) * metaWords + Meta.viewSerial;
    if ((slab.meta[at] as number) < this.viewSerial) {
      this.copyAside(head);
      slab.meta[at] = this.viewSerial;
    }
  }
}
