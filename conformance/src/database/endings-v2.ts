/** The kinds of requests of versions 2 and 3, for the table of endings. */
import type { DatabaseLink } from "@lightcone/database";
import type { v2 } from "@lightcone/protocol";
import { ByteReader, toHex } from "@lightcone/sats";
import { expect } from "vitest";
import { ClientV2, type LaterProtocol } from "./client-v2.ts";
import { argsOf, n, turn, until, type Answer, type Kind, type Request } from "./endings-request.ts";

const all = "SELECT * FROM thing";

/** A request, read by its answer. @param prepare is said, and answered, before */
async function spoken(
  link: DatabaseLink,
  protocol: LaterProtocol,
  message: v2.ClientMessage,
  read: (message: v2.ServerMessage) => Answer,
  prepare?: v2.ClientMessage,
): Promise<Request> {
  const client = new ClientV2(link, protocol);
  await until("the greeting", () => client.messages.length === 1);
  const prepared = prepare === undefined ? 0 : 1;
  if (prepare !== undefined) client.say(prepare);
  await until("what is prepared", () => client.answeredCount === prepared);
  const heard = client.messages.length;
  return {
    client,
    caller: client.caller,
    number: prepared + 1,
    make: async () => {
      client.say(message);
      await until("the answer", () => client.answeredCount > prepared || client.closed !== undefined);
      for (let left = 20; left > 0; left--) await turn(); // a second answer would come now
      expect(client.closed).toBeUndefined();
      // What others do is told by updates, and only while it holds a query set.
      const own = client.messages.slice(heard).filter(({ kind }) => kind !== "TransactionUpdate" || prepared === 0);
      expect(own.map(({ kind }) => kind)).toHaveLength(1);
      return own[0] === undefined ? "silent" : read(own[0]);
    },
  };
}

function readReducer(message: v2.ServerMessage): Answer {
  if (message.kind !== "ReducerResult") throw new Error(`answered by ${message.kind}`);
  expect(message.requestId).toBe(7);
  expect(message.timestampMicros).toBeGreaterThan(0n);
  const { outcome } = message;
  switch (outcome.kind) {
    case "Ok":
      // The caller holds no query set.
      expect([toHex(outcome.value), outcome.querySets]).toEqual(["", []]);
      return { ok: true };
    case "Err":
      return { ok: false, text: `Err: ${new ByteReader(outcome.error).string()}` };
    case "InternalError":
      return { ok: false, text: outcome.message };
    default:
      throw new Error(`the outcome is ${outcome.kind}`);
  }
}

function readProcedure(message: v2.ServerMessage): Answer {
  if (message.kind !== "ProcedureResult") throw new Error(`answered by ${message.kind}`);
  expect(message.requestId).toBe(7);
  if (message.status.kind !== "Returned") return { ok: false, text: message.status.message };
  expect(new ByteReader(message.status.value).u32()).toBe(n);
  return { ok: true };
}

function readSubscription(kind: v2.ServerMessage["kind"], rows?: "none" | "some") {
  return (message: v2.ServerMessage): Answer => {
    if (message.kind === "SubscriptionError") {
      expect([message.requestId, message.querySetId]).toEqual([7, 5]);
      return { ok: false, text: message.message };
    }
    expect(message).toMatchObject({ kind, requestId: 7, querySetId: 5 });
    if (message.kind === "UnsubscribeApplied") expect(message.tables === undefined).toBe(rows === "none");
    return { ok: true };
  };
}

function readOneOff(message: v2.ServerMessage): Answer {
  if (message.kind !== "OneOffQueryResult") throw new Error(`answered by ${message.kind}`);
  expect(message.requestId).toBe(7);
  if (message.result.kind === "err") return { ok: false, text: message.result.message };
  expect(message.result.tables.map(({ tableName }) => tableName)).toEqual(["thing"]);
  return { ok: true };
}

const subscribe = (requestId: number): v2.ClientMessage => ({
  kind: "Subscribe",
  requestId,
  querySetId: 5,
  queries: [all],
});
const unsubscribe = (sendDroppedRows: boolean): v2.ClientMessage => ({
  kind: "Unsubscribe",
  requestId: 7,
  querySetId: 5,
  sendDroppedRows,
});

export function kindsV2(protocol: LaterProtocol): readonly Kind[] {
  return [
    {
      kind: `${protocol}: CallReducer`,
      calls: "reducer",
      adds: 1,
      writes: true,
      ownErrors: "Err: ",
      open: (link, reducer) =>
        spoken(link, protocol, { kind: "CallReducer", requestId: 7, reducer, args: argsOf(n) }, readReducer),
    },
    {
      kind: `${protocol}: CallProcedure`,
      calls: "procedure",
      open: (link, procedure) =>
        spoken(link, protocol, { kind: "CallProcedure", requestId: 7, procedure, args: argsOf(n) }, readProcedure),
    },
    {
      kind: `${protocol}: Subscribe`,
      reads: true,
      open: (link) => spoken(link, protocol, subscribe(7), readSubscription("SubscribeApplied")),
    },
    {
      kind: `${protocol}: Unsubscribe`,
      open: (link) =>
        spoken(link, protocol, unsubscribe(false), readSubscription("UnsubscribeApplied", "none"), subscribe(1)),
    },
    {
      kind: `${protocol}: Unsubscribe with its rows`,
      open: (link) =>
        spoken(link, protocol, unsubscribe(true), readSubscription("UnsubscribeApplied", "some"), subscribe(1)),
    },
    {
      kind: `${protocol}: OneOffQuery`,
      reads: true,
      open: (link) => spoken(link, protocol, { kind: "OneOffQuery", requestId: 7, query: all }, readOneOff),
    },
  ];
}
