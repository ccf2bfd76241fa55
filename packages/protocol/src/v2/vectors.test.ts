// Goal: messages of v2 and v3 are byte for byte what the vectors and the recorded conversations hold.
// Method: decode each, compare with the vector's value, write it again, compare bytes.
import { describe, expect, test } from "vitest";
import { ByteWriter, fromHex, toHex } from "@lightcone/sats";
import { isLightconeError } from "@lightcone/base";
import { decompressPayload } from "../compression.ts";
import { v2, v3 } from "../index.ts";
import { withRows } from "../testing/notation.ts";
import { noteClientMessage, noteServerMessage, writeServerMessage } from "../testing/v2.ts";
import { readVectors, type MessageVector, type Step } from "../testing/vectors.ts";

const vectors = readVectors<MessageVector[]>("websocket.json").filter(({ name }) => /^v[23]\./.test(name));
const ofType = (type: string): MessageVector[] => vectors.filter((vector) => vector.type === type);

const writtenByClient = (messages: readonly v2.ClientMessage[]): string => {
  const out = new ByteWriter();
  for (const message of messages) v2.encodeClientMessage(out, message);
  return toHex(out.written());
};

const writtenByServer = (messages: readonly v2.ServerMessage[]): string => {
  const out = new ByteWriter();
  for (const message of messages) writeServerMessage(out, message);
  return toHex(out.written());
};

test("every vector is run", () => {
  expect(["ClientMessage", "ServerMessage", "Payload"].flatMap(ofType).length).toBe(vectors.length);
});

test.each(ofType("ClientMessage"))("$name", ({ hex, value }) => {
  const bytes = fromHex(`ff${hex}`);
  const message = v2.decodeClientMessage(bytes, 1, bytes.length - 1);
  expect(noteClientMessage(message)).toEqual(value);
  expect(writtenByClient([message])).toBe(hex);
  expect(v2.endOfMessage(new DataView(bytes.buffer), 1, bytes.length)).toBe(bytes.length);
});

test.each(ofType("ServerMessage"))("$name", ({ hex, frame_hex: frame, value }) => {
  const message = v2.decodeServerMessage(fromHex(hex));
  expect(noteServerMessage(message)).toEqual(withRows(value));
  expect(`00${writtenByServer([message])}`).toBe(frame);
});

test.each(ofType("Payload"))("$name", ({ name, hex, value }) => {
  const bytes = fromHex(hex);
  if (name.includes("client")) {
    const messages = v3.decodeClientPayload(bytes);
    expect(messages.map(noteClientMessage)).toEqual(value);
    expect(v3.countMessages(new DataView(bytes.buffer), 0, bytes.length)).toBe(messages.length);
    expect(writtenByClient(messages)).toBe(hex);
  } else {
    const messages = v3.decodeServerPayload(bytes);
    expect(messages.map(noteServerMessage)).toEqual(withRows(value));
    expect(writtenByServer(messages)).toBe(hex);
  }
});

test("a call is found without being decoded", () => {
  const frame: v2.CallFrame = { nameAt: 0, nameLength: 0, argsAt: 0, argsLength: 0, requestId: 0 };
  const bytes = fromHex(`ff${vectors.find(({ name }) => name === "v2.client.call_reducer")?.hex}`);
  v2.readCallFrame(new DataView(bytes.buffer), 1, bytes.length, frame);
  expect(v2.decodeClientMessage(bytes, 1, bytes.length - 1)).toEqual({
    kind: "CallReducer",
    reducer: Buffer.from(bytes.subarray(frame.nameAt, frame.nameAt + frame.nameLength)).toString(),
    args: bytes.subarray(frame.argsAt, frame.argsAt + frame.argsLength),
    requestId: frame.requestId,
  });
});

describe.each([
  {
    name: "v2.bsatn",
    // The last can be read, as a message of v2: what is behind it is ignored.
    undecoded: ["message that does not decode", "flags other than 0", "trailing byte after the message"],
  },
  {
    name: "v3.bsatn",
    undecoded: [
      "message that does not decode",
      "flags other than 0",
      "empty payload",
      "a good message, then a truncated one",
      "a reducer call, then a truncated message: was the call run?",
    ],
  },
])("recorded: $name", ({ name, undecoded }) => {
  const { steps } = readVectors<{ steps: Step[] }>(`conversations/${name}.json`);
  const messages = steps.flatMap(({ dir, hex, decoded, comment }, index) =>
    hex === undefined ? [] : [{ dir, hex, decoded, index, comment: comment ?? "" }],
  );
  // Of a payload that cannot be read, the recording has no fields, or not of all.
  const refused = messages.filter(
    ({ dir, hex }) => dir === "client" && isRefused(() => v3.decodeClientPayload(fromHex(hex))),
  );

  test.each(messages.filter((each) => !refused.includes(each)))(
    "step $index: $dir $comment",
    ({ dir, hex, decoded }) => {
      const tags = (Array.isArray(decoded) ? decoded : [decoded]).map(
        (each: { tag?: string } | undefined) => each?.tag,
      );
      const payload = dir === "client" ? fromHex(hex) : decompressPayload(fromHex(hex));
      const kinds = dir === "client" ? v3.decodeClientPayload(payload) : v3.decodeServerPayload(payload);
      // Compressed steps were recorded without their fields.
      if (!tags.includes(undefined)) expect(kinds.map(({ kind }) => kind)).toEqual(tags);
      const written =
        dir === "client"
          ? writtenByClient(v3.decodeClientPayload(payload))
          : writtenByServer(v3.decodeServerPayload(payload));
      expect(written).toBe(toHex(payload));
    },
  );

  test("those that do not decode", () => {
    expect(refused.map(({ comment }) => comment)).toEqual(undecoded);
    const asOne = refused.filter(
      ({ hex }) => !isRefused(() => v2.decodeClientMessage(fromHex(hex), 0, hex.length / 2)),
    );
    expect(asOne.map(({ comment }) => comment)).toEqual(undecoded.filter((comment) => /trailing|then/.test(comment)));
  });
});

function isRefused(run: () => unknown): boolean {
  try {
    run();
  } catch (error) {
    return isLightconeError(error, "Malformed");
  }
  return false;
}
