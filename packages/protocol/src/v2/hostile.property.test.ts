// Goal: a payload of v2 or v3 from outside is read or refused with a code; nothing is allocated on its word.
// Method: recorded payloads cut, extended and changed; bytes at random; counts that lie.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteReader, ByteWriter, fromHex } from "@lightcone/sats";
import { decompressPayload } from "../compression.ts";
import { v2, v3 } from "../index.ts";
import { attempt, codeOf, spoil, spoiling } from "../testing/spoil.ts";
import { readVectors, type MessageVector, type Step } from "../testing/vectors.ts";

const recorded = ["v2.bsatn", "v3.bsatn"].flatMap(
  (name) => readVectors<{ steps: Step[] }>(`conversations/${name}.json`).steps,
);
const framesOf = (dir: Step["dir"]): Uint8Array[] =>
  recorded.flatMap((step) => (step.dir === dir && step.hex !== undefined ? [fromHex(step.hex)] : []));
const single = (type: string): Uint8Array[] =>
  readVectors<MessageVector[]>("websocket.json").flatMap((vector) =>
    vector.type === type && vector.protocol === "v2.bsatn" ? [fromHex(vector.hex)] : [],
  );
const clientFrames = [...framesOf("client"), ...single("ClientMessage")];
const serverFrames = [
  ...framesOf("server").map((frame) => attempt(() => decompressPayload(frame))),
  ...single("ServerMessage").map((value) => ({ value })),
].flatMap((frame) => ("value" in frame ? [frame.value] : []));

test("payloads of clients, spoilt", () => {
  assertProperty(
    fc.property(
      fc.array(fc.constantFrom(...clientFrames), { minLength: 1, maxLength: 3 }),
      spoiling,
      (sources, how) => {
        const bytes = spoil(Uint8Array.from(sources.flatMap((source) => [...source])), how);
        const view = new DataView(bytes.buffer);
        const whole = attempt(() => v3.decodeClientPayload(bytes));
        expect(codeOf(whole)).toBe("Malformed");
        const count = v3.countMessages(view, 0, bytes.length);
        if ("value" in whole) expect(count).toBe(whole.value.length);
        // Cut one by one, as whoever runs them does: the same messages, up to the first that cannot be read.
        let at = 0;
        for (let index = 0; index < count; index += 1) {
          const end = v2.endOfMessage(view, at, bytes.length);
          const one = attempt(() => v2.decodeClientMessage(bytes, at, (end < 0 ? bytes.length : end) - at));
          expect(codeOf(one)).toBe("Malformed");
          if (end < 0) expect("code" in one).toBe(true);
          if (!("value" in one)) break;
          if ("value" in whole) expect(one.value).toEqual(whole.value[index]);
          at = end;
        }
      },
    ),
    caseCount(500),
  );
});

test("calls found without being decoded are the calls that are decoded", () => {
  const frame: v2.CallFrame = { nameAt: 0, nameLength: 0, argsAt: 0, argsLength: 0, requestId: 0 };
  assertProperty(
    fc.property(fc.constantFrom(...clientFrames), spoiling, (source, how) => {
      const bytes = spoil(source, how);
      if (bytes[0] !== v2.clientTag.CallReducer) return;
      const whole = attempt(() => v2.decodeClientMessage(bytes, 0, bytes.length));
      const fast = attempt(() => v2.readCallFrame(new DataView(bytes.buffer), 0, bytes.length, frame));
      // The fast reader leaves the name's UTF-8 to whoever looks it up; in all else the two agree.
      expect("value" in fast || "code" in whole).toBe(true);
      if ("value" in whole) {
        expect(whole.value).toMatchObject({
          requestId: frame.requestId,
          args: bytes.subarray(frame.argsAt, frame.argsAt + frame.argsLength),
        });
      }
    }),
    caseCount(500),
  );
});

test("payloads of servers, spoilt", () => {
  assertProperty(
    fc.property(fc.constantFrom(...serverFrames), spoiling, (source, how) => {
      const read = attempt(() => v3.decodeServerPayload(spoil(source, how)));
      expect(codeOf(read)).toBe("Malformed");
    }),
    caseCount(500),
  );
});

test("bytes at random", () => {
  assertProperty(
    fc.property(fc.nat(8), fc.uint8Array({ maxLength: 80 }), (tag, tail) => {
      const bytes = Uint8Array.from([tag, ...tail]);
      for (const read of [
        attempt(() => v3.decodeClientPayload(bytes)),
        attempt(() => v3.decodeServerPayload(bytes)),
        attempt(() => v2.decodeServerMessage(bytes)),
      ])
        expect(codeOf(read)).toBe("Malformed");
      expect(v3.countMessages(new DataView(bytes.buffer), 0, bytes.length)).toBeGreaterThan(0);
    }),
    caseCount(500),
  );
});

test("counts that lie are refused before anything is made of them", () => {
  const huge = "ffffffff";
  const id = "07000000";
  for (const hex of ["", `00${id}${id}${huge}`, `02${id}${huge}`, `03${id}00${huge}`, `04${id}0000000000${huge}`]) {
    const bytes = fromHex(hex);
    expect(attempt(() => v3.decodeClientPayload(bytes))).toEqual({ code: "Malformed" });
    expect(v3.countMessages(new DataView(bytes.buffer), 0, bytes.length)).toBe(1);
  }
  for (const hex of [
    `01${id}${id}${huge}`,
    `02${id}${id}00${huge}`,
    `04${huge}`,
    `0401000000${id}${huge}`,
    `0401000000${id}0100000000000000${huge}`,
    `05${id}00${huge}`,
    `06${id}000000000000000000${huge}`,
    `0700${huge}`,
  ])
    expect(attempt(() => v2.decodeServerMessage(fromHex(hex)))).toEqual({ code: "Malformed" });
});

test.each([
  { hex: "030400000001000000000000000000", why: "unknown flags of a reducer" },
  { hex: "040400000001000000000000000000", why: "unknown flags of a procedure" },
  { hex: "01020000000500000002", why: "unknown flags of an unsubscribe" },
  { hex: "0500000000", why: "an unknown tag" },
])("$why are refused", ({ hex }) => {
  const bytes = fromHex(hex);
  expect(attempt(() => v2.decodeClientMessage(bytes, 0, bytes.length))).toEqual({ code: "Malformed" });
});

test("client messages survive, alone and one behind the other", () => {
  const u32 = fc.nat(0xffff_ffff);
  const text = fc.string({ unit: "binary", maxLength: 40 });
  const args = fc.uint8Array({ maxLength: 40 });
  const message: fc.Arbitrary<v2.ClientMessage> = fc.oneof(
    fc.record({
      kind: fc.constant("Subscribe" as const),
      requestId: u32,
      querySetId: u32,
      queries: fc.array(text, { maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constant("Unsubscribe" as const),
      requestId: u32,
      querySetId: u32,
      sendDroppedRows: fc.boolean(),
    }),
    fc.record({ kind: fc.constant("OneOffQuery" as const), requestId: u32, query: text }),
    fc.record({ kind: fc.constant("CallReducer" as const), requestId: u32, reducer: text, args }),
    fc.record({ kind: fc.constant("CallProcedure" as const), requestId: u32, procedure: text, args }),
  );
  assertProperty(
    fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), (messages) => {
      const out = new ByteWriter();
      out.u8(0xee);
      for (const each of messages) v2.encodeClientMessage(out, each);
      const bytes = out.toBytes();
      expect(v3.decodeClientPayload(bytes.subarray(1))).toEqual(messages);
      expect(v3.countMessages(new DataView(bytes.buffer), 1, bytes.length)).toBe(messages.length);
      const input = new ByteReader(bytes);
      input.at = 1;
      expect(messages.map(() => v2.readClientMessage(input))).toEqual(messages);
    }),
    caseCount(300),
  );
});
