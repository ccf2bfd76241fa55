// Goal: a log in which others have noted who leads is read past the notes, and gone on with; what an unknown mode of the
// mark says is not guessed at.
// Method: a segment put together from sealed batches, a note between two of records; the mark's mode set by hand.
import { describe, expect, test } from "vitest";
import { BatchFlag, batchHeaderBytes, sealBatch, type SealedBatch } from "./batch.ts";
import { blockBytes, hashOf, noHash, viewOf } from "./block.ts";
import { openLog, type CommitLog } from "./index.ts";
import { createMark } from "./mark.ts";
import { segmentHeader, segmentName } from "./segment.ts";
import { surveyLog } from "./survey-log.ts";
import { manualClock, memoryFileSystem } from "./testing/index.ts";

const directory = "/log";
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function seal(
  payload: Uint8Array,
  firstOffset: number,
  recordCount: number,
  flags: number,
  before: Uint8Array,
): SealedBatch {
  const buffer = new Uint8Array(blockBytes);
  buffer.set(payload, batchHeaderBytes);
  const header = { epoch: 1, firstOffset, acceptedEnd: firstOffset, recordCount, flags };
  return sealBatch(buffer, viewOf(buffer), header, payload.length, before);
}

function recordPayload(record: string): Uint8Array {
  const bytes = text(record);
  const payload = new Uint8Array(4 + bytes.length);
  viewOf(payload).setUint32(0, bytes.length, true);
  payload.set(bytes, 4);
  return payload;
}

async function logOf(batches: readonly SealedBatch[]): Promise<ReturnType<typeof memoryFileSystem>> {
  const fileSystem = memoryFileSystem();
  await fileSystem.makeDirectory(directory);
  const byteCount = 64 * blockBytes;
  const segment = new Uint8Array(byteCount);
  const facts = { firstOffset: 0, acceptedEnd: 0, previousHash: noHash, beginsInside: false };
  segment.set(segmentHeader({ ...facts, sequence: 0, epoch: 1, byteCount }));
  batches.forEach(({ bytes }, index) => segment.set(bytes, (1 + index) * blockBytes));
  fileSystem.disk.poke(`${directory}/${segmentName(0)}`, segment);
  const last = batches.at(-1);
  const accepted = { acceptedEnd: last?.endOffset ?? 0, acceptedHash: last?.hash ?? noHash };
  const mark = await createMark(fileSystem, directory, { epoch: 1, epochFirst: 0, ...accepted, clean: true });
  await mark.close();
  return fileSystem;
}

async function texts(log: CommitLog): Promise<string[]> {
  const all: string[] = [];
  for await (const { records } of log.read(0)) for (const each of records) all.push(new TextDecoder().decode(each));
  return all;
}

describe.each([BatchFlag.opensEpoch, BatchFlag.yields])("a note with flag %i", (flag) => {
  test.each([0, 1])("before record %i", async (at) => {
    const batches: SealedBatch[] = [];
    for (let offset = 0; offset < 2; offset += 1) {
      const hash = (): Uint8Array => batches.at(-1)?.hash ?? noHash;
      if (offset === at) batches.push(seal(text(`{"node":"a"}`), offset, 0, flag, hash()));
      batches.push(seal(recordPayload(`record ${offset}`), offset, 1, 0, hash()));
    }
    const fileSystem = await logOf(batches);
    const survey = await surveyLog(fileSystem, directory);
    expect(survey.runs.map(({ firstOffset, endOffset }) => [firstOffset, endOffset])).toEqual([[0, 2]]);
    let log = await openLog({ fileSystem, clock: manualClock(), directory });
    expect(await texts(log)).toEqual(["record 0", "record 1"]);
    log.append(text("record 2"), 2);
    await log.close();
    log = await openLog({ fileSystem, clock: manualClock(), directory });
    expect(await texts(log)).toEqual(["record 0", "record 1", "record 2"]);
    await log.close();
  });
});

test("a log that machines share is not opened as one of this machine alone", async () => {
  const fileSystem = await logOf([seal(recordPayload("record 0"), 0, 1, 0, noHash)]);
  const path = `${directory}/mark`;
  const handle = await fileSystem.open(path, "read-write");
  const slot = new Uint8Array(2 * blockBytes);
  await handle.read(slot, 0, slot.length, 0);
  for (const from of [0, blockBytes]) {
    const part = slot.subarray(from, from + blockBytes);
    if (part.every((byte) => byte === 0)) continue;
    viewOf(part).setUint32(60, 1, true);
    part.set(hashOf(part.subarray(0, 96)), 96);
  }
  await handle.write(slot, 0);
  await handle.close();
  await expect(openLog({ fileSystem, clock: manualClock(), directory })).rejects.toMatchObject({
    code: "Corrupt",
    detail: { file: path, reason: expect.stringContaining("machines share") },
  });
});
