// Goal: a frame from outside is read or refused with a code; nothing is allocated on its word.
// Method: recorded frames cut, extended and changed; bytes and texts at random; counts that lie.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex, ByteReader, ByteWriter } from "@lightcone/sats";
import { decompressPayload } from "./compression.ts";
import {
  decodeClientMessage,
  decodeClientMessageJson,
  decodeServerMessage,
  encodeClientMessage,
  readCallFrame,
  readRowList,
  RowListBuilder,
  type ClientMessage,
} from "./index.ts";
import { noteRows } from "./testing/notation.ts";
import { attempt, codeOf, spoil, spoiling } from "./testing/spoil.ts";
import { readVectors, type MessageVector, type Step } from "./testing/vectors.ts";

const recorded = readVectors<{ steps: Step[] }>("conversations/v1.bsatn.json").steps;
const framesOf = (dir: Step["dir"]): Uint8Array[] =>
  recorded.flatMap((step) => (step.dir === dir && step.hex !== undefined ? [fromHex(step.hex)] : []));
const single = readVectors<MessageVector[]>("websocket.json").filter(({ protocol }) => protocol === "v1.bsatn");

test("client messages, spoilt", () => {
  const frames = [
    ...framesOf("client"),
    ...single.filter(({ type }) => type === "ClientMessage").map(({ hex }) => fromHex(hex)),
  ];
  const frame = { nameAt: 0, nameLength: 0, argsAt: 0, argsLength: 0, requestId: 0, notify: false };
  assertProperty(
    fc.property(fc.constantFrom(...frames), spoiling, (source, how) => {
      const bytes = spoil(source, how);
      const whole = attempt(() => decodeClientMessage(bytes, 0, bytes.length));
      const fast = attempt(() => readCallFrame(new DataView(bytes.buffer), 0, bytes.length, frame));
      // The fast reader leaves the name's UTF-8 to whoever looks it up; in all else the two agree on a call.
      const agree = "value" in fast || "code" in whole;
      expect(bytes[0] !== 0 || agree).toBe(true);
      expect(codeOf(whole)).toBe("Malformed");
    }),
    caseCount(500),
  );
});

test("server messages, spoilt", () => {
  const frames = [
    ...framesOf("server").map((frame) => attempt(() => decompressPayload(frame))),
    ...single.filter(({ type }) => type === "ServerMessage").map(({ hex }) => ({ value: fromHex(hex) })),
  ].flatMap((frame) => ("value" in frame ? [frame.value] : []));
  assertProperty(
    fc.property(fc.constantFrom(...frames), spoiling, (source, how) => {
      const read = attempt(() => decodeServerMessage(spoil(source, how)));
      expect(codeOf(read)).toBe("Malformed");
    }),
    caseCount(500),
  );
});

test("bytes at random", () => {
  assertProperty(
    fc.property(fc.nat(11), fc.uint8Array({ maxLength: 80 }), (tag, tail) => {
      const bytes = Uint8Array.from([tag, ...tail]);
      for (const read of [
        attempt(() => decodeClientMessage(bytes, 0, bytes.length)),
        attempt(() => decodeServerMessage(bytes)),
      ]) {
        expect(codeOf(read)).toBe("Malformed");
      }
      attempt(() => decompressPayload(bytes));
    }),
    caseCount(500),
  );
});

test("texts, spoilt", () => {
  const texts = readVectors<{ steps: Step[] }>("conversations/v1.json.json").steps.flatMap(({ dir, text }) =>
    dir === "client" && text !== undefined ? [Buffer.from(text)] : [],
  );
  assertProperty(
    fc.property(fc.constantFrom(...texts), spoiling, (source, how) => {
      const bytes = spoil(source, how);
      const read = attempt(() => decodeClientMessageJson(bytes, 0, bytes.length));
      expect(["Malformed", "TooDeep"]).toContain(codeOf(read));
    }),
    caseCount(300),
  );
  const deep = Buffer.from("[".repeat(100_000));
  expect(attempt(() => decodeClientMessageJson(deep, 0, deep.length))).toEqual({ code: "TooDeep" });
});

test("counts that lie are refused before anything is made of them", () => {
  const huge = "ffffffff";
  for (const hex of [`01${huge}`, `04${huge}`, `00${huge}`, `02${huge}`, `07${huge}`]) {
    const bytes = fromHex(hex);
    expect(attempt(() => decodeClientMessage(bytes, 0, bytes.length))).toEqual({ code: "Malformed" });
  }
  for (const hex of [`00${huge}`, `0200000000${huge}`, `040000000001${huge}`, `0a00${huge}`]) {
    expect(attempt(() => decodeServerMessage(fromHex(hex)))).toEqual({ code: "Malformed" });
  }
});

test.each([
  { hex: "00000000000000", why: "a width of zero" },
  { hex: "000300040000000102030405", why: "rows that do not fill the data" },
  { hex: "020000000000000000", why: "an unknown hint" },
  { hex: "0100000000010000000a", why: "data of no row" },
  { hex: "01010000000100000000000000010000000a", why: "a first row that is not at the beginning" },
  { hex: "01020000000000000000000000020000000000000001000000ff", why: "a row beyond the end" },
  { hex: "010300000000000000000000000100000000000000000000000000000001000000ff", why: "rows that go back" },
  { hex: "0102000000000000000000000000000000010000000100000000", why: "a start past 4 GiB" },
])("a row list with $why is refused", ({ hex }) => {
  expect(attempt(() => readRowList(new ByteReader(fromHex(hex))))).toEqual({ code: "Malformed" });
});

test("row lists survive, with the hint that their widths allow", () => {
  const rows = fc.oneof(
    fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 8 }),
    fc.nat(12).chain((width) => fc.array(fc.uint8Array({ minLength: width, maxLength: width }), { maxLength: 8 })),
  );
  const list = new RowListBuilder();
  assertProperty(
    fc.property(rows, (given) => {
      list.clear();
      for (const row of given) list.add(Uint8Array.from([9, ...row, 9]), 1, row.length);
      const out = new ByteWriter(1);
      list.writeTo(out);
      const input = new ByteReader(out.written());
      expect(noteRows(readRowList(input))).toEqual(given.map((row) => toHex(row)));
      expect(input.remaining).toBe(0);
      const [first] = given;
      const isFixed = first !== undefined && first.length > 0 && given.every((row) => row.length === first.length);
      expect(out.bytes[0]).toBe(isFixed ? 0 : 1);
    }),
    caseCount(300),
  );
});

test("client messages survive", () => {
  const u32 = fc.nat(0xffff_ffff);
  const text = fc.string({ unit: "binary", maxLength: 40 });
  const args = fc.uint8Array({ maxLength: 40 });
  const messages: fc.Arbitrary<ClientMessage> = fc.oneof(
    fc.record({
      kind: fc.constant("CallReducer" as const),
      reducer: text,
      args,
      argsText: fc.constant(undefined),
      requestId: u32,
      notify: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant("CallProcedure" as const),
      procedure: text,
      args,
      argsText: fc.constant(undefined),
      requestId: u32,
    }),
    fc.record({ kind: fc.constant("Subscribe" as const), queries: fc.array(text, { maxLength: 4 }), requestId: u32 }),
    fc.record({ kind: fc.constant("SubscribeSingle" as const), query: text, requestId: u32, queryId: u32 }),
    fc.record({
      kind: fc.constant("SubscribeMulti" as const),
      queries: fc.array(text, { maxLength: 4 }),
      requestId: u32,
      queryId: u32,
    }),
    fc.record({
      kind: fc.constantFrom("Unsubscribe" as const, "UnsubscribeMulti" as const),
      requestId: u32,
      queryId: u32,
    }),
    fc.record({ kind: fc.constant("OneOffQuery" as const), messageId: args, query: text }),
  );
  assertProperty(
    fc.property(messages, (message) => {
      const out = new ByteWriter();
      out.u8(0xee);
      encodeClientMessage(out, message);
      expect(decodeClientMessage(out.bytes, 1, out.length - 1)).toEqual(message);
    }),
    caseCount(300),
  );
});
