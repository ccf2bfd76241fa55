// Goal: docs/protocol.md shows the bytes of the messages that our own sub-protocol adds.
// Method: messages are written by the writers, read back, and held against the page.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ByteWriter, toHex } from "@lightcone/sats";
import { RowListBuilder, lightcone, v2 } from "../index.ts";

const page = readFileSync(new URL("../../../../docs/protocol.md", import.meta.url), "utf8");
const lineage = Uint8Array.of(0xaa, 0xbb);

function payload(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  out.u8(0);
  write(out);
  return out.toBytes();
}

function rows(out: ByteWriter, ...values: readonly number[]): void {
  const list = new RowListBuilder();
  for (const value of values) list.add(Uint8Array.of(value, 0, 0, 0), 0, 4);
  list.writeTo(out);
}

const said: Readonly<Record<string, Uint8Array>> = {
  "`InitialConnection`, identity and connection id all 1 and 2, token `t`": payload((out) => {
    v2.writeInitialConnection(out, new Uint8Array(32).fill(1), new Uint8Array(16).fill(2), "t");
    out.byteArray(lineage);
  }),
  "place 7, made at 1000; then a `TransactionUpdate`: row 5 comes into table `n`, for query set 3": payload((out) => {
    lightcone.writePlaceBefore(out, 7, 1000);
    v2.beginTransactionUpdate(out);
    out.u32(1);
    v2.beginQuerySet(out, 3, 1);
    v2.beginTable(out, "n", 1);
    out.u8(v2.rowsKind.PersistentTable);
    rows(out, 5);
    rows(out);
  }),
  "place 9, made at 2000; then `Resumed`, request 4: query set 3 goes on with table `n`, row 5 has gone": payload(
    (out) => {
      lightcone.writePlaceBefore(out, 9, 2000);
      lightcone.beginResumed(out, 4, [3], ["n"]);
      out.u32(1);
      v2.beginQuerySet(out, 3, 1);
      v2.beginTable(out, "n", 1);
      out.u8(v2.rowsKind.PersistentTable);
      rows(out);
      rows(out, 5);
    },
  ),
  "`Resumed`, request 4: nothing goes on": payload((out) => {
    lightcone.beginResumed(out, 4, [], []);
    out.u32(0);
  }),
};
const resume: lightcone.Resume = {
  kind: "Resume",
  requestId: 4,
  lineage,
  place: { offset: 7n, timestampMicros: 1000n },
  sets: [{ querySetId: 3, queries: ["SELECT * FROM n"] }],
};

test("the page shows what is written", () => {
  const out = new ByteWriter();
  lightcone.encodeClientMessage(out, resume);
  const lines = [
    ...Object.entries(said).map(([what, bytes]) => `| server | ${what} | \`${toHex(bytes)}\` |`),
    `| client | \`Resume\`, request 4, place 7 made at 1000, query set 3 of \`SELECT * FROM n\` | \`${toHex(out.toBytes())}\` |`,
  ];
  const table = ["| from | what | bytes |", "|---|---|---|", ...lines].join("\n");
  expect(page).toContain(`vectors.test.ts -->\n\n${table}\n\n<!-- end -->`);
});

test("what is written is read", () => {
  const read = Object.values(said).map((bytes) => lightcone.decodeServerPayload(bytes.subarray(1)));
  expect(read.flatMap((all) => all.map(({ place, message: { kind } }) => [kind, place?.offset]))).toEqual([
    ["InitialConnection", undefined],
    ["TransactionUpdate", 7n],
    ["Resumed", 9n],
    ["Resumed", undefined],
  ]);
  expect(read[0]?.[0]?.message).toMatchObject({ lineage, token: "t" });
  expect(read[2]?.[0]?.message).toMatchObject({ requestId: 4, sets: [3], tables: ["n"] });
  const out = new ByteWriter();
  lightcone.encodeClientMessage(out, resume);
  const bytes = out.toBytes();
  expect(lightcone.decodeClientMessage(bytes, 0, bytes.length)).toEqual(resume);
  expect(lightcone.endOfMessage(new DataView(bytes.buffer), 0, bytes.length)).toBe(bytes.length);
});
