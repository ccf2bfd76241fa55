// Goal: payloads of our own sub-protocol are data from anybody: whatever their bytes, reading them gives messages or `Malformed`,
// nothing is made of counts that lie, and messages are cut where they are read.
// Method: messages of ours beside recorded ones, spoilt; bytes at random; and lies in each count.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import { isLightconeError } from "@lightcone/base";
import { ByteWriter, fromHex } from "@lightcone/sats";
import fc from "fast-check";
import { expect, test } from "vitest";
import { lightcone, v3 } from "../index.ts";
import { spoil, spoiling } from "../testing/spoil.ts";

const attempt = <T>(run: () => T): T | undefined => {
  try {
    return run();
  } catch (error) {
    if (!isLightconeError(error, "Malformed")) throw error;
    return undefined;
  }
};
const readAll = (bytes: Uint8Array): lightcone.ClientMessage[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: lightcone.ClientMessage[] = [];
  const count = v3.countMessages(view, 0, bytes.length, lightcone.endOfMessage);
  for (let at = 0, index = 0; index < count; index += 1) {
    const end = lightcone.endOfMessage(view, at, bytes.length);
    const read = attempt(() => lightcone.decodeClientMessage(bytes, at, (end < 0 ? bytes.length : end) - at));
    if (end < 0) expect(read).toBeUndefined();
    if (read === undefined) break;
    messages.push(read);
    at = end;
  }
  return messages;
};

const u32 = fc.nat(0xffff_ffff);
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const queries = fc.array(fc.string({ unit: "binary", maxLength: 20 }), { maxLength: 3 });
const message: fc.Arbitrary<lightcone.ClientMessage> = fc.oneof(
  fc.record({ kind: fc.constant("Subscribe" as const), requestId: u32, querySetId: u32, queries }),
  fc.record({
    kind: fc.constant("Resume" as const),
    requestId: u32,
    lineage: fc.uint8Array({ maxLength: 70 }),
    place: fc.record({ offset: u64, timestampMicros: u64 }),
    sets: fc.array(fc.record({ querySetId: u32, queries }), { maxLength: 4 }),
  }),
);
const written = (messages: readonly lightcone.ClientMessage[]): Uint8Array => {
  const out = new ByteWriter();
  for (const each of messages) lightcone.encodeClientMessage(out, each);
  return out.toBytes();
};

test("client messages survive, one behind the other, and spoilt ones are cut where they are read", () => {
  assertProperty(
    fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), spoiling, (messages, how) => {
      const bytes = written(messages);
      expect(readAll(bytes)).toEqual(messages);
      readAll(spoil(bytes, how));
    }),
    caseCount(400),
  );
});

test("a `Resume` is none of version 3's messages", () => {
  const bytes = written([
    { kind: "Resume", requestId: 1, lineage: new Uint8Array(0), place: { offset: 0n, timestampMicros: 0n }, sets: [] },
  ]);
  expect(attempt(() => v3.decodeClientPayload(bytes))).toBeUndefined();
  expect(v3.countMessages(new DataView(bytes.buffer), 0, bytes.length)).toBe(1);
});

test("payloads of servers, spoilt and at random", () => {
  const resumed = fromHex("080900000000000000d0070000000000000904000000010000000300000001000000010000006e00000000");
  expect(lightcone.decodeServerPayload(resumed)).toHaveLength(1);
  assertProperty(
    fc.property(spoiling, fc.nat(10), fc.uint8Array({ maxLength: 80 }), (how, tag, tail) => {
      attempt(() => lightcone.decodeServerPayload(spoil(resumed, how)));
      attempt(() => lightcone.decodeServerPayload(Uint8Array.from([tag, ...tail])));
      readAll(Uint8Array.from([tag, ...tail]));
    }),
    caseCount(600),
  );
});

test("counts that lie are refused before anything is made of them", () => {
  const [huge, id] = ["ffffffff", "07000000"];
  const place = "00".repeat(16);
  for (const hex of [
    `05${id}${huge}`,
    `05${id}00000000${place}${huge}`,
    `05${id}00000000${place}01000000${id}${huge}`,
  ]) {
    const bytes = fromHex(hex);
    expect(readAll(bytes)).toEqual([]);
    expect(attempt(() => lightcone.decodeClientMessage(bytes, 0, bytes.length))).toBeUndefined();
  }
  for (const hex of [`09${id}${huge}`, `09${id}00000000${huge}`, `09${id}0000000000000000${huge}`, `08${place}`, "08"])
    expect(attempt(() => lightcone.decodeServerPayload(fromHex(hex)))).toBeUndefined();
});
