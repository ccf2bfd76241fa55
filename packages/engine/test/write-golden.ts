/**
 * Writes the golden directory of the present record and snapshot versions. Run it once when a version is born; what it
 * made is committed, and never made again.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { openStore } from "../src/index.ts";
import { live, snapshotAfter, stateOf } from "./golden-steps.ts";

const directory = process.argv[2];
if (directory === undefined) throw new Error("name the directory to write");
mkdirSync(directory, { recursive: true });
const store = openStore();
const records: Uint8Array[] = [];
live(store, ({ bytes }) => records.push(bytes.slice()));
writeFileSync(`${directory}/records`, Buffer.concat(records.flatMap((record) => [lengthOf(record), record])));
writeFileSync(`${directory}/state.txt`, stateOf(store));

const half = openStore();
for (const record of records.slice(0, snapshotAfter)) half.release(half.apply(record));
const readView = half.openReadView();
writeFileSync(
  `${directory}/snapshot`,
  Buffer.concat(Array.from(half.snapshotChunks(readView), (chunk) => chunk.slice())),
);

function lengthOf(record: Uint8Array): Uint8Array {
  return new Uint8Array(Uint32Array.of(record.length).buffer);
}
