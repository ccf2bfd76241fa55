// Goal: a payload is compressed exactly when the rule says so, and unfolds within a bound.
// Method: a row per wish and size; then a small payload that would unfold to much.
import { expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import { toHex } from "@lightcone/sats";
import { compressionTag, compressPayload, decompress, decompressPayload, uncompressedBytesMax } from "./compression.ts";

test.each([
  { asked: "none", bytes: 5000, gzip: true, tag: "none" },
  { asked: "brotli", bytes: uncompressedBytesMax, gzip: true, tag: "none" },
  { asked: "brotli", bytes: uncompressedBytesMax + 1, gzip: false, tag: "brotli" },
  { asked: "gzip", bytes: 5000, gzip: false, tag: "none" },
  { asked: "gzip", bytes: uncompressedBytesMax + 1, gzip: true, tag: "gzip" },
] as const)("$bytes bytes, $asked asked, gzip $gzip: $tag", ({ asked, bytes, gzip, tag }) => {
  const payload = new Uint8Array(bytes + 1).fill(7, 1);
  const sent = compressPayload(asked, payload, { gzip });
  expect(sent[0]).toBe(compressionTag[tag]);
  expect(toHex(decompressPayload(sent))).toBe(toHex(payload.subarray(1)));
});

test.each(["brotli", "gzip"] as const)("%s that unfolds past the bound is refused", (kind) => {
  const payload = compressPayload(kind, new Uint8Array(1_000_000), { gzip: true });
  expect(payload.length).toBeLessThan(10_000);
  expect(decompress(kind, payload.subarray(1)).length).toBe(999_999);
  expect(codeOf(() => decompress(kind, payload.subarray(1), 100_000))).toBe("Malformed");
});

test.each([[], [3, 1, 2], [1, 0xff, 0xff], [2, 0x1f, 0x8b]])("refused: %j", (...bytes) => {
  expect(codeOf(() => decompressPayload(Uint8Array.from(bytes)))).toBe("Malformed");
});

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (isLightconeError(error)) return error.code;
    throw error;
  }
  return undefined;
}
