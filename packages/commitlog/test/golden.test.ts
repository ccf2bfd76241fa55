// Goal: data that any released version wrote can be opened for ever.
// Method: a committed directory per format version, copied into memory, opened, read, gone on with.
import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { goldenRecord } from "./golden-records.ts";
import { openLog, openSnapshotStore } from "../src/index.ts";
import { manualClock, memoryFileSystem } from "../src/testing/index.ts";

const root = new URL("../golden/", import.meta.url);
const versions = readdirSync(root).filter((name) => name.startsWith("v"));

test("there is a directory to open", () => {
  expect(versions).toEqual(expect.arrayContaining(["v1", "v2"]));
});

test.each(versions)("format %s", async (version) => {
  const fileSystem = memoryFileSystem();
  for (const part of ["log", "snapshots"]) {
    await fileSystem.makeDirectory(`/db/${part}`);
    const from = new URL(`${version}/${part}/`, root);
    for (const name of readdirSync(from))
      fileSystem.disk.poke(`/db/${part}/${name}`, new Uint8Array(readFileSync(new URL(name, from))));
  }
  const snapshots = await openSnapshotStore(fileSystem, "/db/snapshots");
  const log = await openLog({ fileSystem, clock: manualClock(), directory: "/db/log" });
  expect(log.durableOffset).toBe(29);
  const { loaded, skipped } = await snapshots.loadNewest(log.durableOffset, async (snapshot) => {
    expect(snapshot.meta).toEqual(goldenRecord(1));
    const pieces: Uint8Array[] = [];
    for await (const piece of snapshot.chunks()) pieces.push(piece.slice());
    return Buffer.concat(pieces);
  });
  expect(skipped).toEqual([]);
  expect(loaded?.offset).toBe(21);
  expect(loaded?.value).toEqual(Buffer.concat([goldenRecord(21), goldenRecord(7)]));
  let next = 12;
  expect(log.firstOffset).toBeLessThanOrEqual(next);
  for await (const { records } of log.read(next)) {
    for (const record of records) {
      expect(Buffer.compare(record, goldenRecord(next))).toBe(0);
      next += 1;
    }
  }
  expect(next).toBe(30);
  log.append(goldenRecord(30), 30);
  await log.whenDurable(30);
  await log.close();
});
