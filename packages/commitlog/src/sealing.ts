/** The first third of group commit: records in, groups of sealed batches out. It knows no disk. */
import { assert } from "@lightcone/base";
import { BatchBuilder } from "./batch-builder.ts";
import type { SealedBatch } from "./batch.ts";

/** What is written at once. */
export interface Group {
  readonly batches: readonly SealedBatch[];
  readonly endOffset: number;
  readonly endHash: Uint8Array;
  readonly payloadBytes: number;
}

export class Sealing {
  private readonly builder: BatchBuilder;
  /** One above the last record. */
  end: number;
  /** Payload that is in no group yet. */
  waitingBytes = 0;

  /** @param endOffset of the next record, `endHash` that of the batch before it */
  constructor(batchBytesMax: number, epoch: number, endOffset: number, endHash: Uint8Array) {
    this.builder = new BatchBuilder(batchBytesMax, epoch, endOffset, endHash);
    this.end = endOffset;
  }

  get isEmpty(): boolean {
    return this.builder.isEmpty;
  }

  append(record: Uint8Array, offset: number): void {
    assert(offset === this.end, "offsets rise by one");
    this.builder.append(record);
    this.end = offset + 1;
    this.waitingBytes += record.length + 4;
  }

  /** Seals all that was appended; undefined when there is nothing. */
  take(): Group | undefined {
    if (this.builder.isEmpty) return undefined;
    const batches = this.builder.take();
    const last = batches.at(-1);
    assert(last !== undefined, "what is not empty seals to a batch");
    let payloadBytes = 0;
    for (const batch of batches) payloadBytes += batch.payloadBytes;
    this.waitingBytes -= payloadBytes;
    return { batches, endOffset: last.endOffset, endHash: last.hash, payloadBytes };
  }

  /** A group is accepted: later batches bear witness to it, and its buffers are used again. */
  accepted({ batches, endOffset }: Group): void {
    this.builder.acceptedEnd = endOffset;
    this.builder.recycle(batches);
  }
}
