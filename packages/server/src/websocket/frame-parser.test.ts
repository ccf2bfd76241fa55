/**
 * Goal: the parser gives the same messages however the bytes are cut, and hostile bytes end with the right code.
 * Method: a table of cases in the manner of the well-known conformance suites, each tried whole and byte by byte;
 * then random streams of valid frames under random cuts, against the plain meaning of the frames; then noise.
 */
import { assertProperty, caseCount } from "@lightcone/base/testing";
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { IncomingBytes } from "../incoming-bytes.ts";
import { FrameParser } from "./frame-parser.ts";
import { maskedFrame } from "../testing/masked-frame.ts";

const cases = caseCount(300);
const messageBytesMax = 5000;

function parse(stream: Uint8Array, cuts: readonly number[]): string[] {
  const log: string[] = [];
  const parser = new FrameParser(
    {
      message: (bytes, at, length, isText) =>
        log.push(`${isText ? "text" : "binary"} ${Buffer.from(bytes.subarray(at, at + length)).toString("hex")}`),
      ping: (payload) => log.push(`ping ${Buffer.from(payload).toString("hex")}`),
      pong: () => log.push("pong"),
      closeFrame: (code, reason) => log.push(`close ${code} ${reason}`),
      fault: (code) => log.push(`fault ${code}`),
    },
    messageBytesMax,
    new IncomingBytes(messageBytesMax),
  );
  let from = 0;
  for (const cut of [...cuts, stream.length]) {
    // Copied: the parser unmasks in place.
    parser.push(stream.slice(from, cut));
    from = cut;
  }
  return log;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const frame = maskedFrame;
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const big = new Uint8Array(messageBytesMax);

const table: readonly { readonly why: string; readonly stream: Uint8Array; readonly log: readonly string[] }[] = [
  { why: "empty text", stream: frame(1, true, bytes("")), log: ["text "] },
  { why: "empty binary", stream: frame(2, true, bytes("")), log: ["binary "] },
  { why: "125 bytes", stream: frame(2, true, new Uint8Array(125)), log: [`binary ${"00".repeat(125)}`] },
  { why: "126 bytes: 16-bit length", stream: frame(2, true, new Uint8Array(126)), log: [`binary ${"00".repeat(126)}`] },
  { why: "the longest message", stream: frame(2, true, big), log: [`binary ${"00".repeat(messageBytesMax)}`] },
  { why: "one byte too long", stream: frame(2, true, new Uint8Array(messageBytesMax + 1)), log: ["fault 1009"] },
  { why: "a 64-bit length nobody can mean", stream: hex("82ffffffffffffffffff00000000"), log: ["fault 1009"] },
  {
    why: "fragments together too long",
    stream: join(frame(2, false, big), frame(0, true, bytes("x"))),
    log: ["fault 1009"],
  },
  {
    why: "two fragments",
    stream: join(frame(1, false, bytes("He")), frame(0, true, bytes("llo"))),
    log: [`text ${Buffer.from("Hello").toString("hex")}`],
  },
  {
    why: "empty fragments",
    stream: join(frame(2, false, bytes("")), frame(0, false, bytes("")), frame(0, true, bytes(""))),
    log: ["binary "],
  },
  {
    why: "a Ping between fragments",
    stream: join(frame(1, false, bytes("a")), frame(9, true, bytes("p")), frame(0, true, bytes("b"))),
    log: ["ping 70", "text 6162"],
  },
  {
    why: "a character across fragments",
    stream: join(frame(1, false, hex("c3")), frame(0, true, hex("a9"))),
    log: ["text c3a9"],
  },
  { why: "an unasked Pong", stream: frame(10, true, bytes("x")), log: ["pong"] },
  { why: "a Ping of 125 bytes", stream: frame(9, true, new Uint8Array(125)), log: [`ping ${"00".repeat(125)}`] },
  { why: "a Ping of 126 bytes", stream: frame(9, true, new Uint8Array(126)), log: ["fault 1002"] },
  { why: "a fragmented Ping", stream: frame(9, false, bytes("")), log: ["fault 1002"] },
  { why: "RSV1, as compression would set it", stream: hex("c18000000000"), log: ["fault 1002"] },
  { why: "RSV3", stream: hex("918000000000"), log: ["fault 1002"] },
  { why: "reserved opcode 3", stream: frame(3, true, bytes("")), log: ["fault 1002"] },
  { why: "reserved control opcode 11", stream: frame(11, true, bytes("")), log: ["fault 1002"] },
  { why: "not masked", stream: hex("820101"), log: ["fault 1002"] },
  { why: "a continuation of nothing", stream: frame(0, true, bytes("x")), log: ["fault 1002"] },
  {
    why: "a message inside a message",
    stream: join(frame(1, false, bytes("a")), frame(1, true, bytes("b"))),
    log: ["fault 1002"],
  },
  { why: "text that is not UTF-8", stream: frame(1, true, hex("ff")), log: ["fault 1007"] },
  { why: "an overlong character", stream: frame(1, true, hex("c080")), log: ["fault 1007"] },
  { why: "a surrogate", stream: frame(1, true, hex("eda080")), log: ["fault 1007"] },
  { why: "the same bytes as binary", stream: frame(2, true, hex("eda080")), log: ["binary eda080"] },
  {
    why: "fragments that are not UTF-8 together",
    stream: join(frame(1, false, hex("c3")), frame(0, true, hex("28"))),
    log: ["fault 1007"],
  },
  { why: "an empty Close", stream: frame(8, true, bytes("")), log: ["close undefined "] },
  {
    why: "a Close with code and reason",
    stream: frame(8, true, join(hex("03e8"), bytes("bye"))),
    log: ["close 1000 bye"],
  },
  { why: "a Close of one byte", stream: frame(8, true, hex("03")), log: ["fault 1002"] },
  { why: "a Close whose reason is not UTF-8", stream: frame(8, true, hex("03e8ff")), log: ["fault 1007"] },
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535].map((code) => ({
    why: `close code ${code}`,
    stream: frame(8, true, Uint8Array.of(code >> 8, code & 255)),
    log: ["fault 1002"],
  })),
  ...[1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999].map((code) => ({
    why: `close code ${code}`,
    stream: frame(8, true, Uint8Array.of(code >> 8, code & 255)),
    log: [`close ${code} `],
  })),
  {
    why: "nothing after a Close",
    stream: join(frame(8, true, bytes("")), frame(2, true, bytes("x"))),
    log: ["close undefined "],
  },
  { why: "nothing after a fault", stream: join(hex("820101"), frame(2, true, bytes("x"))), log: ["fault 1002"] },
];

test.each(table)("$why", ({ stream, log }) => {
  expect(parse(stream, [])).toEqual(log);
  const everyByte = Array.from({ length: stream.length }, (_, at) => at);
  expect(parse(stream, everyByte)).toEqual(log);
});

describe("random streams", () => {
  const payload = fc.uint8Array({ maxLength: 300 });
  const control = fc.record({ kind: fc.constant("ping" as const), payload: fc.uint8Array({ maxLength: 125 }) });
  const message = fc.record({
    kind: fc.constant("message" as const),
    fragments: fc.array(payload, { minLength: 1, maxLength: 4 }),
    between: fc.array(control, { maxLength: 2 }),
  });

  test("any cut gives the same messages", () => {
    assertProperty(
      fc.property(
        fc.array(fc.oneof(message, control), { maxLength: 6 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        (steps, cuts, key) => {
          const frames: Uint8Array[] = [];
          const expected: string[] = [];
          const ping = (step: { payload: Uint8Array }): void => {
            frames.push(frame(9, true, step.payload, key));
            expected.push(`ping ${Buffer.from(step.payload).toString("hex")}`);
          };
          for (const step of steps) {
            if (step.kind === "ping") {
              ping(step);
              continue;
            }
            step.fragments.forEach((fragment, at) => {
              const isLast = at === step.fragments.length - 1;
              frames.push(frame(at === 0 ? 2 : 0, isLast, fragment, key));
              if (!isLast && at === 0) step.between.forEach(ping);
            });
            expected.push(`binary ${Buffer.concat(step.fragments).toString("hex")}`);
          }
          const stream = join(...frames);
          const places = cuts.map((cut) => Math.floor(cut * stream.length)).toSorted((a, b) => a - b);
          expect(parse(stream, places)).toEqual(expected);
        },
      ),
      cases,
    );
  });

  test("noise never throws, says at most one thing last, and reads alike under any cut", () => {
    assertProperty(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(400), { maxLength: 8 }), (noise, cuts) => {
        const places = cuts.filter((cut) => cut <= noise.length).toSorted((a, b) => a - b);
        const whole = parse(noise, []);
        expect(parse(noise, places)).toEqual(whole);
        const endings = whole.filter((line) => /^(close|fault)/.test(line));
        expect(endings.length).toBeLessThanOrEqual(1);
        expect(endings.at(-1) ?? whole.at(-1)).toBe(whole.at(-1));
      }),
      cases * 5,
    );
  });
});

test("a header that claims much costs nothing until the bytes come", () => {
  const before = process.memoryUsage().arrayBuffers;
  let faultCount = 0;
  const parsers = Array.from({ length: 200 }, () => {
    const parser = new FrameParser(
      {
        message: () => undefined,
        ping: () => undefined,
        pong: () => undefined,
        closeFrame: () => undefined,
        fault: () => (faultCount += 1),
      },
      33_554_432,
      new IncomingBytes(1),
    );
    // 32 MiB claimed, one byte sent.
    parser.push(hex("82ff00000000020000000000000001"));
    return parser;
  });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16_000_000);
  expect({ faultCount, parserCount: parsers.length }).toEqual({ faultCount: 0, parserCount: 200 });
});
