// Goal: a list of one row, or of none, is the same bytes whichever way it is written.
// Method: rows of the lengths at which the hint changes, written alone and by the builder.
import { ByteWriter } from "@lightcone/sats";
import { expect, test } from "vitest";
import { RowListBuilder, writeEmptyRowList, writeLoneRow } from "./row-list.ts";

const built = (rows: readonly Uint8Array[]): Uint8Array => {
  const list = new RowListBuilder();
  for (const row of rows) list.add(row, 0, row.length);
  const out = new ByteWriter();
  list.writeTo(out);
  return out.toBytes();
};

test.each([0, 1, 33, 0xffff, 0x1_0000])("row 9: one row of %d bytes", (length) => {
  const row = new Uint8Array(length).fill(7);
  const out = new ByteWriter();
  writeLoneRow(out, new DataView(row.buffer), 0, length);
  expect(out.toBytes()).toEqual(built([row]));
});

test("row 9: no row", () => {
  const out = new ByteWriter();
  writeEmptyRowList(out);
  expect(out.toBytes()).toEqual(built([]));
});
