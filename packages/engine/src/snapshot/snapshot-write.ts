/**
 * Writes a read view as a snapshot, in slices, while commits go on. Bytes: `snapshot-format.ts`.
 *
 * A slice is good until the next is asked for: all share one buffer, since a fresh one for each would make V8 collect
 * garbage again and again, for milliseconds each time.
 */
import { ByteWriter } from "@lightcone/sats";
import type { StoreReadView, StoredReadViewTable } from "./read-view.ts";
import { Meta } from "../storage/memory.ts";
import {
  addToSetHash,
  type SetHash,
  snapshotEnd,
  snapshotMagic,
  snapshotVersion,
  spanWords,
} from "./snapshot-format.ts";

/** A slice is given out when it has grown past this; none is longer than twice as much. */
const sliceBytes = 64 * 1024;

export function* writeSnapshot(readView: StoreReadView): IterableIterator<Uint8Array> {
  const out = new ByteWriter(2 * sliceBytes);
  writeHead(out, readView);
  out.u32(readView.tables.length);
  for (const table of readView.tables) {
    writeTableHead(out, table);
    for (const head of table.spans) {
      for (const word of spanWords) out.u32(readView.metaOf(head, Meta[word]));
      if (out.length >= sliceBytes) yield* flush(out);
    }
  }
  for (const table of readView.tables) {
    const hash: SetHash = { low: 0, high: 0 };
    for (const head of table.spans) {
      const end = readView.metaOf(head, Meta.fresh);
      // Sliced by slots, so that the hash of a slice's rows costs as little time as its bytes.
      const slotBytes = readView.metaOf(head, Meta.slotBytes);
      const step = Math.max(1, Math.floor(sliceBytes / slotBytes)) * slotBytes;
      for (let from = 0; from < end; from += step) {
        const to = Math.min(end, from + step);
        addSlots(hash, readView, table, head, from, to, slotBytes);
        yield* writeSlots(out, readView, head, from, to);
      }
    }
    out.u32(hash.low >>> 0);
    out.u32(hash.high >>> 0);
  }
  out.u32(snapshotEnd);
  yield* flush(out);
}

function* flush(out: ByteWriter): IterableIterator<Uint8Array> {
  yield out.written();
  out.reset();
}

function writeList(out: ByteWriter, list: readonly number[]): void {
  out.u32(list.length);
  for (const each of list) out.u32(each);
}

function writeHead(out: ByteWriter, readView: StoreReadView): void {
  const { counters, pages } = readView;
  out.u32(snapshotMagic);
  out.u32(snapshotVersion);
  out.u64Number(readView.offset);
  out.u64Number(readView.timestampMicros);
  for (const next of [counters.table, counters.index, counters.constraint, counters.sequence, counters.schedule])
    out.u32(next);
  out.u32(pages.freshPage);
  out.u32(pages.freshEnd);
  writeList(out, pages.slabs);
  writeList(out, pages.freePages);
  out.u32(pages.freeSpans.length);
  for (const { pageCount, spans } of pages.freeSpans) {
    out.u32(pageCount);
    writeList(out, spans);
  }
  writeList(out, pages.freeSlabs);
}

function writeTableHead(out: ByteWriter, table: StoredReadViewTable): void {
  out.u32(table.id);
  out.u32(table.rowLength >>> 0);
  out.u64Number(table.rowCount);
  out.u64Number(table.rowBytes);
  out.u32(table.spanWithRoom.length);
  for (const head of table.spanWithRoom) out.u32(head >>> 0);
  out.u32(table.recent.length);
  for (const ref of table.recent) out.u32(ref);
  out.u32(table.spans.length);
}

/** The bytes of some slots, in slices when a single slot is longer than one. */
function* writeSlots(
  out: ByteWriter,
  readView: StoreReadView,
  head: number,
  from: number,
  to: number,
): IterableIterator<Uint8Array> {
  for (let at = from; at < to; at += sliceBytes) {
    const span = readView.spanBytes(head); // found anew: it may have been copied aside since the last slice
    out.rawRange(span.bytes, span.at + at, Math.min(sliceBytes, to - at));
    if (out.length >= sliceBytes) yield* flush(out);
  }
}

function addSlots(
  hash: SetHash,
  readView: StoreReadView,
  table: StoredReadViewTable,
  head: number,
  from: number,
  to: number,
  slotBytes: number,
): void {
  const span = readView.spanBytes(head);
  for (let slot = from; slot < to; slot += slotBytes) {
    const at = span.at + slot;
    if (((span.bytes[at] as number) & 1) === 0) continue;
    const length = table.rowLength >= 0 ? table.rowLength : span.view.getUint32(at, true) >>> 4;
    addToSetHash(hash, span.view, at + table.headerBytes, length);
  }
}
