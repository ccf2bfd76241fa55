// Goal: a client that takes Brotli gets every message whole and in order, compressed where it pays.
// Method: messages in one part and in several, small, large and too large; undo the compression and compare.
import { decompressPayload } from "@lightcone/protocol/compression";
import { expect, test } from "vitest";
import { CompressingSink } from "./compressing-sink.ts";

const cases = [
  { what: "short", partLengths: [100], tag: 0, frameCount: 1 },
  { what: "the longest that stays plain", partLengths: [1025], tag: 0, frameCount: 1 },
  { what: "one byte more", partLengths: [1026], tag: 1, frameCount: 1 },
  { what: "short, in parts", partLengths: [10, 0, 20], tag: 0, frameCount: 1 },
  { what: "long, in parts", partLengths: [10, 2000, 30_000], tag: 1, frameCount: 1 },
  { what: "too long to gather", partLengths: [700_000, 700_000, 5], tag: 0, frameCount: 3 },
];

test.each(cases)("$what", ({ partLengths, tag, frameCount }) => {
  const sent: { readonly part: Uint8Array; readonly last: boolean }[] = [];
  const sink = new CompressingSink({
    send: (bytes, at, length, last) => void sent.push({ part: bytes.slice(at, at + length), last }),
    queuedBytes: 0,
    answered: () => undefined,
    note: () => undefined,
    close: () => undefined,
  });
  const message = new Uint8Array(partLengths.reduce((sum, length) => sum + length, 0));
  for (let index = 1; index < message.length; index += 1) message[index] = index % 7;
  let at = 0;
  partLengths.forEach((length, index) => {
    sink.send(message, at, length, index === partLengths.length - 1);
    at += length;
  });
  expect(sent.map(({ last }) => last)).toEqual(sent.map((_, index) => index === sent.length - 1));
  expect(sent.length).toBe(frameCount);
  const whole = Buffer.concat(sent.map(({ part }) => part));
  expect(whole[0]).toBe(tag);
  expect(Buffer.compare(decompressPayload(whole), message.subarray(1))).toBe(0);
  expect(sink.queuedBytes).toBe(0);
});

test("a message that goes to many is compressed once", () => {
  const message = new Uint8Array(5000);
  const sent: Uint8Array[] = [];
  const plain = { queuedBytes: 0, answered: () => undefined, note: () => undefined, close: () => undefined };
  for (let receiver = 0; receiver < 3; receiver += 1) {
    const sink = new CompressingSink({ ...plain, send: (bytes) => void sent.push(bytes) });
    sink.send(message, 0, message.length, true);
  }
  expect(new Set(sent).size).toBe(1);
});
