// Goal: a range that is copied from a view is the bytes that are there, and nothing beside it is touched.
// Method: every length from none past the longest that is copied word by word, at odd places, against `slice`.
import { expect, test } from "vitest";
import { ByteWriter } from "./byte-writer.ts";
import { copyView, LastView, writeView } from "./copy-view.ts";

// No two bytes that follow each other are the same, and each bit occurs at each place of a word.
const source = Uint8Array.from({ length: 1000 }, (_, index) => (index * 167) ^ (index >> 3));

test("row 9: a range of any length", () => {
  for (let length = 0; length <= 400; length += 1) {
    const [at, to] = [length % 13, length % 11];
    const target = new Uint8Array(500).fill(0xee);
    copyView(new LastView().of(source.subarray(1)), at, length, new DataView(target.buffer), to);
    const wanted = new Uint8Array(500).fill(0xee);
    wanted.set(source.slice(1 + at, 1 + at + length), to);
    expect(target, `${length} bytes`).toEqual(wanted);
  }
});

test("row 9: a writer that grows for it", () => {
  const out = new ByteWriter(1);
  out.u8(5);
  writeView(out, new DataView(source.buffer), 7, 90);
  writeView(out, new DataView(source.buffer), 0, 300);
  expect(out.toBytes()).toEqual(Uint8Array.from([5, ...source.slice(7, 97), ...source.slice(0, 300)]));
});

test("row 9: the last view is of the array that is asked about, short or long", () => {
  const views = new LastView();
  const long = new Uint8Array(2 << 20);
  for (const bytes of [source, source.subarray(3, 9), long, source]) {
    const { buffer, byteOffset, byteLength } = views.of(bytes);
    expect([buffer, byteOffset, byteLength]).toEqual([bytes.buffer, bytes.byteOffset, bytes.byteLength]);
  }
  expect(views.of(source)).toBe(views.of(source));
  expect(views.of(long)).not.toBe(views.of(long));
});
