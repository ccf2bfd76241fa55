/**
 * Makes a store from a snapshot: pages into place, then every index in one go. Bytes: `snapshot-format.ts`.
 *
 * The file around a snapshot has vouched for its bytes; counts are still checked before memory is taken for
 * them, and `checkStore` can go over the result.
 */
import { defined, LightconeError, type RowRef, type TableId } from "@lightcone/base";
import { systemTables } from "@lightcone/schema";
import type { IdCounters } from "../catalog/alterations.ts";
import type { StoreCatalog } from "../catalog/catalog.ts";
import { schemasOf } from "../catalog/catalog-rows.ts";
import { type Memory, Meta, metaWords, pageBytes, pageShift, slabPages, slabShift } from "../storage/memory.ts";
import {
  addToSetHash,
  type SetHash,
  snapshotEnd,
  snapshotMagic,
  snapshotVersion,
  spanWords,
} from "./snapshot-format.ts";
import { recentMax, SlotCursor } from "../storage/row-space.ts";
import type { StoredTable } from "../table/stored-table.ts";

/** What a snapshot is read into: a new store, which has nothing yet. */
export interface SnapshotTarget {
  readonly memory: Memory;
  readonly definitions: StoreCatalog;
  table(id: TableId): StoredTable | undefined;
  addTable(table: StoredTable): void;
  /** Sets the store to the snapshot's offset, with nothing open. */
  setPosition(offset: number, timestampMicros: number): void;
}

const what = "a snapshot";

/** Bytes that come in pieces of any length. */
class ChunkReader {
  private readonly pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  private piece: Uint8Array = new Uint8Array(0);
  private at = 0;
  private readBytes = 0;

  constructor(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.pieces = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  }

  /** Fills `target` from `to` on with `length` bytes. */
  async fill(target: Uint8Array, to: number, length: number): Promise<void> {
    let done = 0;
    while (done < length) {
      if (this.at === this.piece.length) await this.nextPiece();
      const count = Math.min(length - done, this.piece.length - this.at);
      target.set(this.piece.subarray(this.at, this.at + count), to + done);
      this.at += count;
      done += count;
      this.readBytes += count;
    }
  }

  /** Reads `length` bytes. They are taken as they come, so that a false length takes no memory. */
  async bytes(length: number): Promise<DataView> {
    const parts: Uint8Array[] = [];
    for (let left = length; left > 0;) {
      const part = new Uint8Array(Math.min(left, 1 << 20));
      await this.fill(part, 0, part.length);
      parts.push(part);
      left -= part.length;
    }
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return new DataView(only.buffer);
    const whole = new Uint8Array(length);
    let to = 0;
    for (const part of parts) {
      whole.set(part, to);
      to += part.length;
    }
    return new DataView(whole.buffer);
  }

  async u32(): Promise<number> {
    return (await this.bytes(4)).getUint32(0, true);
  }

  async u53(): Promise<number> {
    const view = await this.bytes(8);
    const value = view.getUint32(4, true) * 0x1_0000_0000 + view.getUint32(0, true);
    return Number.isSafeInteger(value) ? value : this.fail("a number is over 53 bits");
  }

  async list(): Promise<number[]> {
    const count = await this.u32();
    const view = await this.bytes(count * 4);
    return Array.from({ length: count }, (_, index) => view.getUint32(index * 4, true));
  }

  fail(reason: string): never {
    throw new LightconeError("Malformed", { what, reason, at: this.readBytes });
  }

  private async nextPiece(): Promise<void> {
    const next = await this.pieces.next();
    if (next.done === true) this.fail("it ends early");
    else this.piece = next.value;
    this.at = 0;
  }
}

/** A table as the snapshot has it, before anything knows its columns. */
interface TableImage {
  readonly id: number;
  readonly rowLength: number;
  readonly rowCount: number;
  readonly rowBytes: number;
  readonly spanWithRoom: Int32Array;
  readonly spans: Int32Array;
  readonly recent: readonly number[];
  hash: SetHash;
}

/**
 * Reads what `snapshotChunks` wrote. The pieces may be cut anywhere.
 *
 * @throws {LightconeError} `Malformed`, `NewerFormat`
 */
export async function readSnapshot(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  store: SnapshotTarget,
  verify: boolean,
): Promise<void> {
  const input = new ChunkReader(pieces);
  if ((await input.u32()) !== snapshotMagic) input.fail("it does not begin like one");
  const version = await input.u32();
  if (version !== snapshotVersion)
    throw new LightconeError("NewerFormat", { file: what, version, versionMax: snapshotVersion });
  const offset = await input.u53();
  const timestampMicros = await input.u53();
  const ids = await input.bytes(20);
  const id = (position: number): number => ids.getUint32(position * 4, true);
  Object.assign(store.definitions.counters, {
    table: id(0),
    index: id(1),
    constraint: id(2),
    sequence: id(3),
    schedule: id(4),
  } satisfies IdCounters);
  await readPageLists(input, store.memory);
  const images: TableImage[] = [];
  for (let left = await input.u32(); left > 0; left -= 1) images.push(await readTableHead(input, store.memory));
  for (const image of images) {
    for (const head of image.spans) await readSpan(input, store.memory, head);
    image.hash = { low: (await input.u32()) | 0, high: (await input.u32()) | 0 };
  }
  if ((await input.u32()) !== snapshotEnd) input.fail("it does not end like one");
  placeTables(store, images, input, verify);
  store.setPosition(offset, timestampMicros);
}

async function readPageLists(input: ChunkReader, memory: Memory): Promise<void> {
  const freshPage = await input.u32();
  const freshEnd = await input.u32();
  const slabs = await input.list();
  const pagesMax = memory.bytesMax / pageBytes + slabPages;
  if (slabs.reduce((total, count) => total + count, 0) > pagesMax) {
    throw new LightconeError("OutOfMemory", { bytesMax: memory.bytesMax });
  }
  const freePages = await input.list();
  const freeSpans: { pageCount: number; spans: number[] }[] = [];
  for (let left = await input.u32(); left > 0; left -= 1)
    freeSpans.push({ pageCount: await input.u32(), spans: await input.list() });
  const freeSlabs = await input.list();
  memory.setPageLists({ freshPage, freshEnd, slabs, freePages, freeSpans, freeSlabs });
}

async function readTableHead(input: ChunkReader, memory: Memory): Promise<TableImage> {
  const id = await input.u32();
  const rowLength = (await input.u32()) | 0;
  const rowCount = await input.u53();
  const rowBytes = await input.u53();
  const spanWithRoom = Int32Array.from(await input.list());
  const recent = await input.list();
  const spanCount = await input.u32();
  const words = await input.bytes(spanCount * spanWords.length * 4);
  const spans = new Int32Array(spanCount);
  for (let ordinal = 0; ordinal < spanCount; ordinal += 1) {
    const wordAt = ordinal * spanWords.length * 4;
    const head = words.getInt32(wordAt, true);
    spans[ordinal] = head;
    const slab = memory.slabs[head >>> 8];
    const pages = words.getInt32(wordAt + 4, true);
    if (slab === undefined || pages < 1 || ((head & 255) + pages) * pageBytes > slab.bytes.length)
      input.fail("a span lies outside its slab");
    else {
      const first = (head & 255) * metaWords;
      spanWords.forEach((word, position) => {
        slab.meta[first + Meta[word]] = words.getInt32(wordAt + position * 4, true);
      });
      for (let page = 0; page < Math.min(pages, slabPages); page += 1)
        slab.meta[first + page * metaWords + Meta.head] = head;
      slab.meta[first + Meta.table] = id;
      slab.meta[first + Meta.ordinal] = ordinal;
      slab.meta[first + Meta.rowLength] = rowLength;
      memory.account(pages * pageBytes);
      const fresh = slab.meta[first + Meta.fresh] as number;
      if (fresh < 0 || fresh > pages * pageBytes || (slab.meta[first + Meta.slotBytes] as number) < 8)
        input.fail("a span's slots do not fit it");
    }
  }
  if (recent.length > (rowLength < 0 ? 0 : recentMax)) input.fail("a table has more slots freed last than are kept");
  for (const ref of recent) {
    const meta = memory.slabs[ref >>> slabShift]?.meta;
    const head = meta?.[((ref >>> pageShift) & 255) * metaWords + Meta.head] ?? 0;
    if (meta?.[(head & 255) * metaWords + Meta.table] !== id) input.fail("a slot freed last lies outside its table");
  }
  return { id, rowLength, rowCount, rowBytes, spanWithRoom, spans, recent, hash: { low: 0, high: 0 } };
}

async function readSpan(input: ChunkReader, memory: Memory, head: number): Promise<void> {
  const slab = memory.slabOf(head);
  const fresh = slab.meta[(head & 255) * metaWords + Meta.fresh] as number;
  await input.fill(slab.bytes, (head & 255) * pageBytes, fresh);
}

/** System tables first: their rows say what the others are. */
function placeTables(store: SnapshotTarget, images: readonly TableImage[], input: ChunkReader, verify: boolean): void {
  const byId = new Map(images.map((image) => [image.id, image]));
  const place = (table: StoredTable): void => {
    const image = byId.get(table.id);
    if (image === undefined) return;
    byId.delete(table.id);
    const { space } = table;
    if (space.rowLength !== image.rowLength || space.spanWithRoom.length !== image.spanWithRoom.length)
      input.fail(`table '${table.name}' has other rows`);
    space.spans = image.spans.length > 0 ? image.spans : new Int32Array(4);
    space.spanCount = image.spans.length;
    space.spanWithRoom.set(image.spanWithRoom);
    space.recent.set(image.recent);
    space.recentCount = image.recent.length;
    table.loadIndexes(image.rowBytes, image.rowCount);
    if (verify) verifyTable(table, image, input);
  };
  store.definitions.createSystemTables(false);
  for (const schema of systemTables) place(defined(store.table(schema.id), schema.def.name));
  for (const stored of schemasOf(store.definitions.rows.readAll()).values()) {
    const table = store.definitions.makeStored(stored);
    store.addTable(table);
    place(table);
  }
  store.definitions.syncSequences();
  if (byId.size > 0) input.fail(`table ${[...byId.keys()].join(", ")} is nowhere defined`);
}

function verifyTable(table: StoredTable, image: TableImage, input: ChunkReader): void {
  const hash = setHashOf(table);
  if (hash.low !== image.hash.low || hash.high !== image.hash.high)
    input.fail(`the rows of table '${table.name}' have another set hash`);
}

/** The set hash of a table's rows as they stand. */
function setHashOf(table: StoredTable): SetHash {
  const hash: SetHash = { low: 0, high: 0 };
  const { space } = table;
  const walk = new SlotCursor(space);
  for (let ref = walk.next() as RowRef | -1; ref >= 0; ref = walk.next() as RowRef | -1) {
    const slab = defined(space.memory.slabs[ref >>> slabShift], "a row's slab");
    addToSetHash(hash, slab.view, space.rowAt(ref), space.rowBytes(ref));
  }
  return hash;
}
