/**
 * Goal: what one end of the pipe writes the other reads, however the bytes are cut; nonsense is refused, not obeyed.
 * Method: round trips of random requests, infos, replies and errors; random batches under random cuts; noise.
 */
import { assertProperty, caseCount } from "@lightcone/base/testing";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import fc from "fast-check";
import { LightconeError, isLightconeError } from "@lightcone/base";
import { ByteReader, ByteWriter } from "@lightcone/sats";
import {
  wireProtocols,
  type Caller,
  type ConnectionInfo,
  type DatabaseRequest,
  type Reply,
} from "@lightcone/database/front";
import { BatchReader, Pipe } from "./batch.ts";
import * as messages from "./messages.ts";

const cases = caseCount(200);

const bytes = fc.uint8Array({ maxLength: 50 });
const caller: fc.Arbitrary<Caller> = fc.record({
  identity: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  connectionId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  claims: fc.string({ unit: "grapheme" }),
  isOwner: fc.boolean(),
});
const hostType = fc.constantFrom("wasm" as const, "js" as const);
const request: fc.Arbitrary<DatabaseRequest> = fc.oneof(
  fc.record({
    kind: fc.constant("call" as const),
    caller,
    functionName: fc.string({ unit: "grapheme" }),
    args: fc.string(),
  }),
  fc.record({
    kind: fc.constant("route" as const),
    caller,
    peer: fc.string(),
    method: fc.constantFrom("GET", "PROPFIND"),
    path: fc.string({ unit: "grapheme" }),
    uri: fc.string(),
    version: fc.constantFrom("1.0", "1.1"),
    headers: fc.array(fc.tuple(fc.string(), bytes), { maxLength: 3 }),
    body: bytes,
  }),
  fc.record({
    kind: fc.constant("sql" as const),
    caller,
    text: fc.string({ unit: "grapheme" }),
    confirmed: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("schema" as const),
    form: fc.constantFrom("9" as const, "10" as const, "client" as const),
  }),
  fc.record(
    {
      kind: fc.constant("publish" as const),
      program: bytes,
      hostType,
      breakClients: fc.boolean(),
      migrationToken: fc.string(),
      dropsData: fc.boolean(),
    },
    { requiredKeys: ["kind", "program", "hostType", "breakClients", "dropsData"] },
  ),
  fc.record({
    kind: fc.constant("plan" as const),
    program: bytes,
    hostType,
    style: fc.constantFrom("ansi" as const, "plain" as const),
    dropsData: fc.boolean(),
    isDetailed: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom("program" as const, "snapshot" as const) }),
);
const info: fc.Arbitrary<ConnectionInfo> = fc.record({
  caller,
  token: fc.string(),
  protocol: fc.constantFrom(...wireProtocols),
  compression: fc.constantFrom("none" as const, "gzip" as const, "brotli" as const),
  light: fc.boolean(),
  confirmed: fc.boolean(),
  results: fc.boolean(),
});
const reply: fc.Arbitrary<Reply> = fc.record(
  {
    status: fc.integer({ min: 100, max: 599 }),
    headers: fc.dictionary(fc.stringMatching(/^[a-z][a-z-]{0,9}$/), fc.string(), { maxKeys: 4 }),
    fields: fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1, maxLength: 3 }),
    body: bytes,
  },
  { requiredKeys: ["status", "headers", "body"] },
);

function roundTrip<T>(write: (out: ByteWriter, value: T) => void, read: (input: ByteReader) => T, value: T): T {
  const out = new ByteWriter();
  write(out, value);
  const input = new ByteReader(out.toBytes());
  const got = read(input);
  expect(input.remaining).toBe(0);
  return got;
}

test("requests, infos and replies read back as written", () => {
  const plain = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (_, v: unknown) => (v instanceof Uint8Array ? [...v] : v)));
  assertProperty(
    fc.property(request, info, reply, (a, b, c) => {
      expect(plain(roundTrip(messages.writeRequest, messages.readRequest, a))).toEqual(plain(a));
      expect(plain(roundTrip(messages.writeInfo, messages.readInfo, b))).toEqual(plain(b));
      expect(plain(roundTrip(messages.writeReply, messages.readReply, c))).toEqual(plain(c));
    }),
    cases,
  );
});

test("an error keeps its code, detail and cause; any other keeps its text", () => {
  const known = new LightconeError("Corrupt", { file: "f", at: 3, reason: "r" }, { cause: new Error("why") });
  const got = roundTrip<unknown>(messages.writeError, messages.readError, known);
  expect(isLightconeError(got, "Corrupt") && got.detail).toEqual({ file: "f", at: 3, reason: "r" });
  expect(got).toMatchObject({ message: known.message, cause: { message: "why" } });
  expect(roundTrip<unknown>(messages.writeError, messages.readError, new Error("plain"))).toMatchObject({
    message: "plain",
  });
  expect(roundTrip<unknown>(messages.writeError, messages.readError, "thrown text")).toMatchObject({
    message: "thrown text",
  });
});

test("batches arrive whole and in order under any cut", () => {
  const batch = fc.record({
    stamp: fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }),
    body: fc.uint8Array({ minLength: 1, maxLength: 200 }),
  });
  assertProperty(
    fc.property(fc.array(batch, { maxLength: 6 }), fc.array(fc.nat(1300), { maxLength: 20 }), (batches, cuts) => {
      const out = new ByteWriter();
      for (const { stamp, body } of batches) {
        out.u32(body.length + 8);
        out.f64(stamp);
        out.raw(body);
      }
      const stream = out.toBytes();
      const got: { stamp: number; body: Uint8Array }[] = [];
      const reader = new BatchReader((body, stamp) => got.push({ stamp, body: body.slice() }));
      let from = 0;
      for (const cut of [...cuts.filter((at) => at < stream.length).toSorted((a, b) => a - b), stream.length]) {
        reader.push(stream.slice(from, cut));
        from = cut;
      }
      expect(got).toEqual(batches.map(({ stamp, body }) => ({ stamp, body: body.slice() })));
    }),
    cases,
  );
});

test("a pipe that gets noise ends, once, and throws nothing", async () => {
  await assertProperty(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), async (noise) => {
      const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
      let goneCount = 0;
      const pipe = new Pipe(socket, {
        batch: (input) => {
          while (input.remaining > 0) if (input.u8() > 5) input.fail("unknown kind of message");
        },
        seal: () => -1,
        gone: () => (goneCount += 1),
      });
      socket.emit("data", noise.slice());
      socket.emit("end");
      expect(pipe.isGone).toBe(true);
      expect(goneCount).toBe(1);
      await new Promise(setImmediate); // a socket that ends lives until the turn is over
    }),
    cases,
  );
});

test.each(["ffffffff0000000000000000", "000000000000000000000000", "070000000000000000000000"])(
  "a batch length of %s is refused",
  (hex) => {
    const reader = new BatchReader(() => undefined);
    expect(() => reader.push(Uint8Array.from(Buffer.from(hex, "hex")))).toThrow(
      expect.objectContaining({ code: "Malformed" }),
    );
  },
);
