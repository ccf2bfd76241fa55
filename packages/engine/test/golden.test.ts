/**
 * Goal: records and snapshots that any version wrote are read for ever, and lead to the very same state.
 * Method: a committed directory for each version is replayed from the beginning and from its snapshot; the newest is also
 * what is written today, to the byte.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openStore, restoreStore, type Store } from "../src/index.ts";
import { checkStore } from "../src/testing/index.ts";
import { live, snapshotAfter, stateOf } from "./golden-steps.ts";

const root = new URL("../golden/", import.meta.url);
const versions = readdirSync(root).toSorted();

function recordsOf(version: string): Uint8Array[] {
  const bytes = readFileSync(new URL(`${version}/records`, root));
  const records: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at);
    records.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return records;
}

function replay(store: Store, records: readonly Uint8Array[]): string {
  for (const record of records) store.release(store.apply(record));
  expect(checkStore(store)).toEqual([]);
  return stateOf(store);
}

test("there are directories to read", () => {
  expect(versions).toEqual(["v1", "v2"]);
});

test.each(versions)("version %s", async (version) => {
  const records = recordsOf(version);
  const state = readFileSync(new URL(`${version}/state.txt`, root), "utf8");
  expect(replay(openStore(), records)).toBe(state);
  const restored = await restoreStore([readFileSync(new URL(`${version}/snapshot`, root))], { verify: true });
  expect(restored.offset).toBe(snapshotAfter);
  expect(replay(restored, records.slice(snapshotAfter))).toBe(state);
});

test("what is written today is the newest version, byte for byte", () => {
  const written: string[] = [];
  const store = openStore();
  live(store, (commit) => written.push(Buffer.from(commit.bytes).toString("hex")));
  const newest = versions.at(-1) ?? "";
  expect(written).toEqual(recordsOf(newest).map((record) => Buffer.from(record).toString("hex")));
  expect(stateOf(store)).toBe(readFileSync(new URL(`${newest}/state.txt`, root), "utf8"));
});
