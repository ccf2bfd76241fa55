// Goal: the client's own reader and writer of messages agree with the whole ones of `@lightcone/protocol`, in each version.
// Method: every message of the vectors and of the recorded conversations, read by both; every ask, written here and read
// there; and what is cut short or turned over is refused as malformed, never read wrongly by another kind of error.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import {
  decodeClientMessage,
  decodeServerMessage,
  v2,
  v3,
  type RowListView,
  type TableUpdate,
} from "@lightcone/protocol";
import { ByteReader, ByteWriter, fromHex, toHex } from "@lightcone/sats";
import { readSaid, subprotocols, versionOf, writeAsk, type Ask, type Rows, type Said } from "./wire.ts";

const folder = new URL("../../../conformance/vectors/", import.meta.url);
const json = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), "utf8"));

interface Payload {
  readonly version: 1 | 3;
  readonly bytes: Uint8Array;
}

/** What servers said, uncompressed and without the byte that says so. */
function payloads(): Payload[] {
  // The vectors are the specification's, in its shapes.
  const vectors = json("websocket.json") as { name: string; hex: string; type: string }[];
  const found: Payload[] = vectors
    .filter(({ type, name }) => type === "ServerMessage" || (type === "Payload" && name.includes("server")))
    .filter(({ name }) => !name.includes("json"))
    .map(({ name, hex }) => ({ version: name.startsWith("v1") ? 1 : 3, bytes: fromHex(hex) }));
  for (const name of readdirSync(new URL("conversations/", folder))) {
    const version = /^v([123])\.bsatn\.json$/.exec(name)?.[1];
    if (version === undefined) continue;
    const { steps } = json(`conversations/${name}`) as { steps: { dir?: string; hex?: string }[] };
    for (const { dir, hex } of steps)
      if (dir === "server" && hex?.startsWith("00") === true)
        found.push({ version: version === "1" ? 1 : 3, bytes: fromHex(hex.slice(2)) });
  }
  return found;
}

const rows = (table: string, by: Rows["by"], list: RowListView): unknown => [
  table,
  by,
  [...list].map((row) => toHex(row)),
];
const noted = (said: Said): unknown => ({
  ...said,
  ...("rows" in said ? { rows: said.rows.map(({ table, by, list }) => rows(table, by, list)) } : {}),
});

/** The same of what the whole decoder of version 1 read; undefined for what our client never asks for. */
function notedFirst(bytes: Uint8Array): unknown {
  const said = decodeServerMessage(bytes);
  const tables = (all: readonly TableUpdate[]): unknown[] =>
    all.flatMap(({ tableName, updates }) =>
      updates.flatMap(({ deletes, inserts }) => [rows(tableName, -1, deletes), rows(tableName, 1, inserts)]),
    );
  switch (said.kind) {
    case "IdentityToken":
      return { kind: "greeting", identity: said.identity, connectionId: said.connectionId, token: said.token };
    case "TransactionUpdateLight":
    case "UnsubscribeMultiApplied":
      return { kind: "changed", rows: tables(said.tables) };
    case "SubscribeMultiApplied":
      return { kind: "applied", id: said.queryId, rows: tables(said.tables) };
    case "SubscriptionError":
      return { kind: "refused", id: said.queryId, message: said.message };
    case "TransactionUpdate": {
      const { status } = said;
      return {
        kind: "answer",
        id: said.requestId,
        caller: said.callerConnectionId,
        name: said.reducerName,
        rows: status.kind === "Committed" ? tables(status.tables) : [],
        ...(status.kind === "Committed"
          ? {}
          : { failure: status.kind === "Failed" ? status.message : expect.stringContaining("more than one call may") }),
      };
    }
    case "OneOffQueryResponse": {
      const id = new DataView(Uint8Array.of(...said.messageId, 0, 0, 0, 0).buffer).getUint32(0, true);
      return {
        kind: "answer",
        id,
        rows: said.tables.map((table) => rows(table.tableName, 1, table.rows)),
        ...(said.error === undefined ? {} : { failure: said.error }),
      };
    }
    case "ProcedureResult": {
      const { status } = said;
      const failure =
        status.kind === "InternalError" ? status.message : expect.stringContaining("more than one call may");
      const outcome = status.kind === "Returned" ? { value: status.value } : { failure };
      return { kind: "answer", id: said.requestId, rows: [], ...outcome };
    }
    default:
      return undefined;
  }
}

function notedSecond(said: v2.ServerMessage): unknown {
  const sets = (all: readonly v2.QuerySetUpdate[]): unknown[] =>
    all.flatMap(({ tables }) =>
      tables.flatMap(({ tableName, rows: lists }) =>
        lists.flatMap((each) =>
          each.kind === "EventTable"
            ? [rows(tableName, 0, each.events)]
            : [rows(tableName, 1, each.inserts), rows(tableName, -1, each.deletes)],
        ),
      ),
    );
  const first = (all: readonly v2.TableRows[] = [], by: Rows["by"] = 1): unknown[] =>
    all.map(({ tableName, rows: list }) => rows(tableName, by, list));
  switch (said.kind) {
    case "InitialConnection":
      return { kind: "greeting", identity: said.identity, connectionId: said.connectionId, token: said.token };
    case "SubscribeApplied":
      return { kind: "applied", id: said.querySetId, rows: first(said.tables) };
    case "UnsubscribeApplied":
      return { kind: "changed", ended: said.querySetId, rows: first(said.tables, -1) };
    case "SubscriptionError":
      return { kind: "refused", id: said.querySetId, message: said.message };
    case "TransactionUpdate":
      return { kind: "changed", rows: sets(said.querySets) };
    case "OneOffQueryResult": {
      const { requestId: id, result } = said;
      if (result.kind === "err") return { kind: "answer", id, rows: [], failure: result.message };
      return { kind: "answer", id, rows: first(result.tables) };
    }
    case "ReducerResult": {
      const { requestId: id, outcome } = said;
      const head = { kind: "answer", id };
      if (outcome.kind === "Ok") return { ...head, value: outcome.value, rows: sets(outcome.querySets) };
      if (outcome.kind === "OkEmpty") return { ...head, rows: [] };
      const failure = outcome.kind === "Err" ? new TextDecoder().decode(outcome.error.subarray(4)) : outcome.message;
      return { ...head, rows: [], failure, isDatabases: outcome.kind === "InternalError" };
    }
    case "ProcedureResult": {
      const { requestId: id, status } = said;
      const outcome = status.kind === "Returned" ? { value: status.value } : { failure: status.message };
      return { kind: "answer", id, rows: [], ...outcome };
    }
  }
}

function readAll({ version, bytes }: Payload): Said[] {
  const input = new ByteReader(bytes, "server message");
  const all = [readSaid(input, version)];
  if (version === 3) while (input.remaining > 0) all.push(readSaid(input, version));
  return all;
}

test("what servers said is read as the whole decoders read it", () => {
  const kinds = new Set<string>();
  for (const payload of payloads()) {
    const { version, bytes } = payload;
    const expected = version === 1 ? [notedFirst(bytes)] : v3.decodeServerPayload(bytes).map(notedSecond);
    if (expected[0] === undefined) {
      expect(() => readAll(payload)).toThrow(/nothing was asked/);
      continue;
    }
    const all = readAll(payload);
    expect(all.map(noted)).toEqual(expected);
    for (const { kind } of all) kinds.add(`${version} ${kind}`);
  }
  const each = ["answer", "applied", "changed", "greeting", "refused"];
  expect([...kinds].toSorted()).toEqual([...each.map((kind) => `1 ${kind}`), ...each.map((kind) => `3 ${kind}`)]);
});

test("what is cut short or turned over is malformed, or reads as something; nothing else is thrown", () => {
  for (const { version, bytes } of payloads().slice(0, 60)) {
    for (let at = 0; at < Math.min(bytes.length, 120); at += 1) {
      for (const wrong of [bytes.subarray(0, at), bytes.with(at, (bytes[at] ?? 0) ^ 0xff)]) {
        try {
          readAll({ version, bytes: wrong });
        } catch (error) {
          expect(isLightconeError(error, "Malformed"), String(error)).toBe(true);
        }
      }
    }
  }
});

const args = Uint8Array.of(1, 2, 3);
const asks: readonly Ask[] = [
  { kind: "subscribe", id: 7, queries: ["SELECT * FROM a", "SELECT * FROM b"] },
  { kind: "unsubscribe", id: 8, subscription: 7 },
  { kind: "query", id: 9, query: "SELECT * FROM ä" },
  { kind: "reducer", id: 10, name: "add", args },
  { kind: "procedure", id: 11, name: "fetch", args },
];

describe("asks", () => {
  const written = (version: 1 | 2 | 3): Uint8Array[] =>
    asks.map((ask) => {
      const out = new ByteWriter();
      writeAsk(out, version, ask);
      return out.toBytes();
    });

  test("version 1", () => {
    expect(written(1).map((bytes) => decodeClientMessage(bytes, 0, bytes.length))).toEqual([
      { kind: "SubscribeMulti", requestId: 7, queryId: 7, queries: ["SELECT * FROM a", "SELECT * FROM b"] },
      { kind: "UnsubscribeMulti", requestId: 8, queryId: 7 },
      { kind: "OneOffQuery", messageId: Uint8Array.of(9, 0, 0, 0), query: "SELECT * FROM ä" },
      { kind: "CallReducer", requestId: 10, reducer: "add", args, argsText: undefined, notify: true },
      { kind: "CallProcedure", requestId: 11, procedure: "fetch", args, argsText: undefined },
    ]);
  });

  test.each([2, 3] as const)("version %d", (version) => {
    expect(written(version).map((bytes) => v2.decodeClientMessage(bytes, 0, bytes.length))).toEqual([
      { kind: "Subscribe", requestId: 7, querySetId: 7, queries: ["SELECT * FROM a", "SELECT * FROM b"] },
      { kind: "Unsubscribe", requestId: 8, querySetId: 7, sendDroppedRows: true },
      { kind: "OneOffQuery", requestId: 9, query: "SELECT * FROM ä" },
      { kind: "CallReducer", requestId: 10, reducer: "add", args },
      { kind: "CallProcedure", requestId: 11, procedure: "fetch", args },
    ]);
  });
});

test("versions by their subprotocols", () => {
  expect([...subprotocols, ""].map(versionOf)).toEqual([4, 3, 2, 1, 2]);
});
