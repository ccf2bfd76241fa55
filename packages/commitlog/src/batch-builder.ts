/**
 * Gathers records into batches. The open batch fills while the disk is busy; sealed ones wait in a queue.
 *
 * Buffers are reused once their batch is written, so appending copies bytes and allocates nothing.
 */
import { assert } from "@lightcone/base";
import { BatchFlag, batchHeaderBytes, batchOverheadBytes, sealBatch } from "./batch.ts";
import type { SealedBatch } from "./batch.ts";
import { viewOf } from "./block.ts";

/** How many buffers are kept for reuse; those that a long wait for the disk took beyond them are dropped. */
const sparesMax = 32;

export class BatchBuilder {
  private readonly bufferBytes: number;
  private readonly payloadBytesMax: number;
  private readonly spares: Uint8Array[] = [];
  private readonly epoch: number;
  private buffer: Uint8Array;
  private view: DataView;
  private at = batchHeaderBytes;
  private recordCount = 0;
  private firstOffset: number;
  private lastHash: Uint8Array;
  private sealed: SealedBatch[] = [];
  /** The accepted end that batches sealed from now on name. */
  acceptedEnd: number;

  /** @param firstOffset of the next record, `lastHash` that of the batch before it */
  constructor(batchBytesMax: number, epoch: number, firstOffset: number, lastHash: Uint8Array) {
    this.bufferBytes = batchBytesMax;
    this.payloadBytesMax = batchBytesMax - batchOverheadBytes;
    this.epoch = epoch;
    this.firstOffset = firstOffset;
    this.acceptedEnd = firstOffset;
    this.lastHash = lastHash;
    this.buffer = new Uint8Array(batchBytesMax);
    this.view = viewOf(this.buffer);
  }

  get isEmpty(): boolean {
    return this.recordCount === 0 && this.sealed.length === 0;
  }

  append(record: Uint8Array): void {
    const byteCount = record.length + 4;
    if (this.at - batchHeaderBytes + byteCount > this.payloadBytesMax) {
      this.seal(0);
      if (byteCount > this.payloadBytesMax) {
        this.appendInParts(record);
        return;
      }
    }
    this.view.setUint32(this.at, record.length, true);
    this.buffer.set(record, this.at + 4);
    this.at += byteCount;
    this.recordCount += 1;
  }

  /** Seals what is open and hands over all that is sealed, in order. */
  take(): readonly SealedBatch[] {
    this.seal(0);
    const taken = this.sealed;
    this.sealed = [];
    return taken;
  }

  /** Reclaims the buffers of batches that are written. */
  recycle(batches: readonly SealedBatch[]): void {
    for (const batch of batches) {
      if (this.spares.length >= sparesMax) return;
      this.spares.push(new Uint8Array(batch.bytes.buffer, 0, this.bufferBytes));
    }
  }

  private appendInParts(record: Uint8Array): void {
    let from = 0;
    while (from < record.length) {
      let room = this.payloadBytesMax;
      if (from === 0) {
        this.view.setUint32(this.at, record.length, true);
        this.at += 4;
        room -= 4;
      }
      const end = Math.min(from + room, record.length);
      this.buffer.set(record.subarray(from, end), this.at);
      this.at += end - from;
      const goesOn = end < record.length;
      this.recordCount = goesOn ? 0 : 1;
      this.seal((from === 0 ? 0 : BatchFlag.beginsInside) | (goesOn ? BatchFlag.goesOn : 0));
      from = end;
    }
  }

  private seal(flags: number): void {
    const payloadBytes = this.at - batchHeaderBytes;
    if (payloadBytes === 0) return;
    const header = {
      epoch: this.epoch,
      firstOffset: this.firstOffset,
      acceptedEnd: this.acceptedEnd,
      recordCount: this.recordCount,
      flags,
    };
    const batch = sealBatch(this.buffer, this.view, header, payloadBytes, this.lastHash);
    assert(batch.bytes.length <= this.bufferBytes, "a batch is no longer than its buffer");
    this.sealed.push(batch);
    this.lastHash = batch.hash;
    this.firstOffset = batch.endOffset;
    this.buffer = this.spares.pop() ?? new Uint8Array(this.bufferBytes);
    this.view = viewOf(this.buffer);
    this.at = batchHeaderBytes;
    this.recordCount = 0;
  }
}
