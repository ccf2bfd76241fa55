// Goal: v1 messages are byte for byte what the vectors and the recorded conversations hold.
// Method: decode each, compare with the vector's value, write it again, compare bytes; texts of the JSON form
// are read unless the recording shows them refused.
import { describe, expect, test } from "vitest";
import { ByteReader, ByteWriter, fromHex, toHex } from "@lightcone/sats";
import { isLightconeError } from "@lightcone/base";
import { decompress, decompressPayload } from "./compression.ts";
import {
  decodeClientMessage,
  decodeClientMessageJson,
  decodeServerMessage,
  encodeClientMessage,
  readCallFrame,
  readRowList,
} from "./index.ts";
import { encodeServerMessage, writeRows } from "./testing/encode-server-message.ts";
import { noteClientMessage, noteRows, noteServerMessage, withRows } from "./testing/notation.ts";
import { readVectors, type MessageVector, type Step } from "./testing/vectors.ts";

/** What our server never says, and so has no writer: read only. */
const readOnly: readonly string[] = [
  "v1.server.transaction_update_out_of_energy",
  "v1.server.procedure_result_out_of_energy",
];

/** What our server says in the place of a message: no call costs anything. The quanta stand near the end. */
function asOurs(kind: string, bytes: Uint8Array): Uint8Array {
  return kind === "TransactionUpdate" ? bytes.slice().fill(0, -24, -8) : bytes;
}

const all = readVectors<MessageVector[]>("websocket.json");
/** Those of the later versions are run in `v2/vectors.test.ts`. */
const vectors = all.filter(({ name }) => !/^v[23]\./.test(name));
const ofType = (type: string): MessageVector[] => vectors.filter((vector) => vector.type === type);

test("every vector is run", () => {
  const kinds = ["BsatnRowList", "ClientMessage", "ServerMessage", "CompressableQueryUpdate", "Frame"];
  expect(kinds.flatMap(ofType).length).toBe(vectors.length);
});

test.each(ofType("BsatnRowList"))("$name", ({ hex, value }) => {
  const rows = readRowList(new ByteReader(fromHex(hex)));
  expect(noteRows(rows)).toEqual(withRows(value));
  const out = new ByteWriter();
  writeRows(out, rows);
  expect(toHex(out.written())).toBe(hex);
});

test.each(ofType("ClientMessage"))("$name", ({ hex, value }) => {
  const bytes = fromHex(`ff${hex}`);
  const message = decodeClientMessage(bytes, 1, bytes.length - 1);
  expect(noteClientMessage(message)).toEqual(value);
  const out = new ByteWriter();
  encodeClientMessage(out, message);
  expect(toHex(out.written())).toBe(hex);
});

test.each(ofType("ServerMessage"))("$name", ({ name, hex, frame_hex: frame, value }) => {
  const message = decodeServerMessage(fromHex(hex));
  expect(noteServerMessage(message)).toEqual(withRows(value));
  if (readOnly.includes(name)) return;
  expect(toHex(encodeServerMessage(message))).toBe(toHex(asOurs(message.kind, fromHex(frame ?? ""))));
});

test.each(ofType("CompressableQueryUpdate"))("$name", ({ hex }) => {
  // As the one update of the one table of a light update.
  const text = `0207000000010000000110000005000000706f696e74020000000000000001000000${hex}`;
  const message = decodeServerMessage(fromHex(text), decompress);
  const rows = message.kind === "TransactionUpdateLight" ? message.tables[0]?.updates[0] : undefined;
  expect(rows?.deletes.count).toBe(0);
  expect(rows && noteRows(rows.inserts)).toEqual(["0100000001000000", "0200000002000000"]);
  expect(isRefused(() => decodeServerMessage(fromHex(text)))).toBe(true);
});

test.each(ofType("Frame"))("$name", ({ hex }) => {
  const large = all.find((vector) => vector.name === "v2.server.subscribe_applied_large");
  expect(toHex(decompressPayload(fromHex(hex)))).toBe(large?.hex);
});

test("a call is found in its frame without being decoded", () => {
  const frame = { nameAt: 0, nameLength: 0, argsAt: 0, argsLength: 0, requestId: 0, notify: false };
  for (const { hex, name } of ofType("ClientMessage")) {
    if (!name.includes("call_reducer")) continue;
    const bytes = fromHex(`ff${hex}`);
    const message = decodeClientMessage(bytes, 1, bytes.length - 1);
    readCallFrame(new DataView(bytes.buffer), 1, bytes.length, frame);
    expect(message).toMatchObject({
      reducer: Buffer.from(bytes.subarray(frame.nameAt, frame.nameAt + frame.nameLength)).toString(),
      args: bytes.subarray(frame.argsAt, frame.argsAt + frame.argsLength),
      requestId: frame.requestId,
      notify: frame.notify,
    });
  }
});

describe("recorded: v1.bsatn", () => {
  const { steps } = readVectors<{ steps: Step[] }>("conversations/v1.bsatn.json");
  const frames = steps.flatMap(({ dir, hex, decoded }, index) =>
    hex === undefined || decoded === undefined ? [] : [{ dir, hex, decoded: decoded as { tag?: string }, index }],
  );
  test.each(frames)("step $index: $dir $decoded.tag", ({ dir, hex, decoded }) => {
    const { kind, before, after } = dir === "client" ? againFromClient(fromHex(hex)) : againFromServer(fromHex(hex));
    // Compressed steps were recorded without their fields.
    expect(kind).toBe(decoded.tag ?? kind);
    expect(toHex(after)).toBe(toHex(before));
  });
  test("the one that does not decode", () => {
    const undecoded = steps.filter(
      ({ dir, hex, decoded }) => dir === "client" && hex !== undefined && decoded === undefined,
    );
    expect(
      undecoded.map(({ hex }) => isRefused(() => decodeClientMessage(fromHex(hex ?? ""), 0, (hex ?? "").length / 2))),
    ).toEqual([true]);
  });
});

describe("recorded: v1.json", () => {
  const { steps } = readVectors<{ steps: Step[] }>("conversations/v1.json.json");
  const texts = steps.flatMap(({ dir, client, text, comment }, index) => {
    if (dir !== "client" || text === undefined) return [];
    const next = steps.slice(index + 1).find((step) => step.client === client && step.dir === "server");
    return [{ text, comment, index, refused: next?.close?.code === 1011 }];
  });
  test.each(texts)("step $index: $comment", ({ text, refused }) => {
    const bytes = Buffer.from(text);
    expect(isRefused(() => decodeClientMessageJson(bytes, 0, bytes.length))).toBe(refused);
  });
});

/** A message read and written again, and what it was read from. */
interface Again {
  readonly kind: string;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

function againFromClient(bytes: Uint8Array): Again {
  const message = decodeClientMessage(bytes, 0, bytes.length);
  const out = new ByteWriter();
  encodeClientMessage(out, message);
  return { kind: message.kind, before: bytes, after: out.toBytes() };
}

function againFromServer(payload: Uint8Array): Again {
  const before = decompressPayload(payload);
  const message = decodeServerMessage(before, decompress);
  return { kind: message.kind, before: asOurs(message.kind, before), after: encodeServerMessage(message).subarray(1) };
}

function isRefused(run: () => unknown): boolean {
  try {
    run();
  } catch (error) {
    return isLightconeError(error, "Malformed");
  }
  return false;
}
