// Goal: row 2. Whatever becomes of a request, it is answered once, by its own kind of answer and with its own data; and
// what was done is what is said.
// Method: a table of every kind of request and every ending: it succeeds, the module refuses, traps or does not end, its
// function is quarantined, its arguments are too long, its time is over before it began or when it had just been done,
// its host ends before it or at it, the disk is full, a limit is met, a program is published meanwhile. All that an
// answer says of its request is compared in each. Somebody else's call comes right before each, in the same turn: nothing
// of that may be told.
import { CriticalSection } from "@lightcone/base";
import { TimeoutWatchdog, type Watchdog } from "@lightcone/base/node";
import {
  WorkKind,
  type Activity,
  type DatabaseLimits,
  type DatabaseLink,
  type DatabaseRequest,
  type Reply,
  type FailoverLink,
} from "@lightcone/database";
import { noReducer, type ServerMessage } from "@lightcone/protocol";
import { ByteReader, ByteWriter, toHex } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { endingsProgram, reducers, refusedText } from "./endings-guest.ts";
import { argsOf, n, turn, until, type Answer, type Kind, type Request } from "./endings-request.ts";
import { kindsV2 } from "./endings-v2.ts";
import { Hosts } from "./hosts.ts";
import { JsonClient } from "./json-client.ts";
import { LocalClient, makeCaller, sql, textOf } from "./local.ts";

const fatal = "The instance encountered a fatal error.";
const late = /took longer than 30 s \(reducerTimeoutMs\) and was ended/;
const halfDone = /what it had committed or requested stays/;

/** A request over a WebSocket, read by its answer. @param prepare says something that is answered before */
async function spoken(
  link: DatabaseLink,
  name: string,
  say: (client: LocalClient, name: string) => void,
  read: (message: ServerMessage, caller: LocalClient["caller"], name: string) => Answer,
  prepare?: (client: LocalClient) => void,
): Promise<Request> {
  const client = new LocalClient(link, makeCaller(9));
  await client.until(({ messages }) => messages.length === 1);
  prepare?.(client);
  const prepared = prepare === undefined ? 0 : 1;
  await client.until(({ answeredCount }) => answeredCount === prepared);
  const heard = client.messages.length;
  return {
    client,
    caller: client.caller,
    number: prepared + 1,
    make: async () => {
      say(client, name);
      await until("the answer", () => client.answeredCount > prepared || client.closed !== undefined);
      for (let left = 20; left > 0; left--) await turn(); // a second answer would come now
      expect(client.closed).toBeUndefined();
      const isOwn = (message: ServerMessage): boolean =>
        message.kind !== "TransactionUpdate" || toHex(message.callerConnectionId) === toHex(client.caller.connectionId);
      const own = client.messages.slice(heard).filter(isOwn);
      if (own.length === 0) return "silent";
      expect(own.map(({ kind }) => kind)).toHaveLength(1);
      return own[0] === undefined ? "silent" : read(own[0], client.caller, name);
    },
  };
}

const idOf = (reducer: string): number => reducers.findIndex((name) => name === reducer);

function readUpdate(message: ServerMessage, caller: LocalClient["caller"], name: string): Answer {
  if (message.kind !== "TransactionUpdate") throw new Error(`answered by ${message.kind}`);
  expect({
    identity: toHex(message.callerIdentity),
    connection: toHex(message.callerConnectionId),
    name: message.reducerName,
    id: message.reducerId,
    args: toHex(message.args),
    requestId: message.requestId,
    energy: message.energyQuanta,
  }).toEqual({
    identity: toHex(caller.identity),
    connection: toHex(caller.connectionId),
    name,
    id: idOf(name),
    args: toHex(argsOf(n)),
    requestId: 7,
    energy: 0n,
  });
  expect(message.timestampMicros).toBeGreaterThan(0n);
  return message.status.kind === "Failed"
    ? { ok: false, text: message.status.message }
    : message.status.kind === "Committed"
      ? { ok: true }
      : { ok: false, text: message.status.kind };
}

function readProcedure(message: ServerMessage): Answer {
  if (message.kind !== "ProcedureResult") throw new Error(`answered by ${message.kind}`);
  expect(message.requestId).toBe(7);
  const { status } = message;
  if (status.kind !== "Returned") return { ok: false, text: status.kind === "InternalError" ? status.message : "?" };
  expect(new ByteReader(status.value).u32()).toBe(n);
  return { ok: true };
}

function readSubscription(kind: ServerMessage["kind"], queryId: number | undefined) {
  return (message: ServerMessage): Answer => {
    if (message.kind === "SubscriptionError") {
      expect([message.requestId, message.queryId]).toEqual([7, queryId]);
      return { ok: false, text: message.message };
    }
    expect(message).toMatchObject({ kind, requestId: 7, ...(queryId === undefined ? {} : { queryId }) });
    return { ok: true };
  };
}

function readOneOff(message: ServerMessage): Answer {
  if (message.kind !== "OneOffQueryResponse") throw new Error(`answered by ${message.kind}`);
  expect(message.messageId).toEqual(Uint8Array.of(1, 2, 3));
  return message.error === undefined ? { ok: true } : { ok: false, text: message.error };
}

/** The same in JSON. @param args as they were written, or else by position */
function readJsonUpdate(name: string, args: string) {
  return (message: Record<string, unknown>, { caller }: JsonClient): Answer => {
    expect(message).toMatchObject({
      TransactionUpdate: {
        caller_identity: { __identity__: `0x${toHex(caller.identity)}` },
        caller_connection_id: { __connection_id__: expect.any(Number) as number },
        reducer_call: { reducer_name: name, reducer_id: idOf(name), args, request_id: 7 },
      },
    });
    const { TransactionUpdate: update } = message as { TransactionUpdate: { status: { Failed?: string } } };
    const { Failed: text } = update.status;
    return text === undefined ? { ok: true } : { ok: false, text };
  };
}

/** A request in JSON, read by the name of its answer. */
async function written(
  link: DatabaseLink,
  message: object | Uint8Array,
  read: (message: Record<string, unknown>, client: JsonClient) => Answer,
): Promise<Request> {
  const client = new JsonClient(link);
  await until("the greeting", () => client.messages.length === 1);
  return {
    client,
    caller: client.caller,
    number: 1,
    make: async () => {
      client.say(message);
      await until("the answer", () => client.answeredCount > 0 || client.closed !== undefined);
      for (let left = 20; left > 0; left--) await turn();
      expect(client.closed).toBeUndefined();
      expect(client.messages).toHaveLength(2);
      return read(client.messages[1] ?? {}, client);
    },
  };
}

/** A request over HTTP. */
function asked(
  link: DatabaseLink,
  makeRequest: (caller: ReturnType<typeof makeCaller>) => DatabaseRequest,
  read: (reply: Reply) => void = () => undefined,
  caller = makeCaller(1, true),
): Request {
  return {
    client: undefined,
    caller,
    number: 1,
    make: async () => {
      const reply = await link.request(makeRequest(caller));
      if (reply.status !== 200) return { ok: false, text: `${reply.status} ${textOf(reply)}` };
      read(reply);
      return { ok: true };
    },
  };
}

const all = "SELECT * FROM thing";
const call = (name: string, notify: boolean) => (client: LocalClient) =>
  client.say({ kind: "CallReducer", reducer: name, args: argsOf(n), argsText: undefined, requestId: 7, notify });
function callFrame(name: string, args: Uint8Array): Uint8Array {
  const out = new ByteWriter();
  out.u8(0);
  out.string(name);
  out.byteArray(args);
  out.u32(7);
  out.u8(0);
  return out.toBytes();
}
const hold = (client: LocalClient): void =>
  client.say({ kind: "SubscribeMulti", queries: [all], requestId: 1, queryId: 5 });
const holdSingle = (client: LocalClient): void =>
  client.say({ kind: "SubscribeSingle", query: all, requestId: 1, queryId: 5 });

const kinds: readonly Kind[] = [
  ...kindsV2("v2.bsatn"),
  ...kindsV2("v3.bsatn"),
  {
    kind: "CallReducer",
    calls: "reducer",
    adds: 1,
    writes: true,
    open: (link, name) => spoken(link, name, call(name, true), readUpdate),
  },
  {
    kind: "CallReducer, quiet",
    calls: "reducer",
    adds: 1,
    writes: true,
    isQuiet: true,
    open: (link, name) => spoken(link, name, call(name, false), readUpdate),
  },
  {
    kind: "CallReducer with bytes behind it that look like the flag",
    calls: "reducer",
    adds: 1,
    writes: true,
    open: (link, name) =>
      spoken(
        link,
        name,
        (client) => {
          client.sayBytes(Uint8Array.of(...callFrame(name, argsOf(n)), 1));
        },
        readUpdate,
      ),
  },
  {
    kind: "CallReducer in JSON",
    calls: "reducer",
    adds: 1,
    writes: true,
    open: (link, name) =>
      written(
        link,
        { CallReducer: { reducer: name, args: `[ ${n} ]`, request_id: 7, flags: 0 } },
        readJsonUpdate(name, `[ ${n} ]`),
      ),
  },
  {
    kind: "CallReducer in a binary frame, on a connection in JSON",
    calls: "reducer",
    adds: 1,
    writes: true,
    open: (link, name) => written(link, callFrame(name, argsOf(n)), readJsonUpdate(name, `[${n}]`)),
  },
  {
    kind: "CallProcedure",
    calls: "procedure",
    open: (link, name) =>
      spoken(
        link,
        name,
        (client) =>
          client.say({ kind: "CallProcedure", procedure: name, args: argsOf(n), argsText: undefined, requestId: 7 }),
        readProcedure,
      ),
  },
  {
    kind: "CallProcedure in JSON",
    calls: "procedure",
    open: (link, name) =>
      written(link, { CallProcedure: { procedure: name, args: `[${n}]`, request_id: 7, flags: 0 } }, (message) => {
        expect(message).toMatchObject({ ProcedureResult: { request_id: 7 } });
        const { ProcedureResult: result } = message as {
          ProcedureResult: { status: { InternalError?: string; Returned?: string } };
        };
        if (result.status.InternalError !== undefined) return { ok: false, text: result.status.InternalError };
        expect(result.status.Returned).toBe(String(n));
        return { ok: true };
      }),
  },
  {
    kind: "Subscribe",
    reads: true,
    open: (link, name) =>
      spoken(
        link,
        name,
        (client) => client.say({ kind: "Subscribe", queries: [all], requestId: 7 }),
        readSubscription("InitialSubscription", undefined),
      ),
  },
  {
    kind: "SubscribeSingle",
    reads: true,
    open: (link, name) =>
      spoken(
        link,
        name,
        (client) => client.say({ kind: "SubscribeSingle", query: all, requestId: 7, queryId: 5 }),
        readSubscription("SubscribeApplied", 5),
      ),
  },
  {
    kind: "SubscribeMulti",
    reads: true,
    open: (link, name) =>
      spoken(
        link,
        name,
        (client) => client.say({ kind: "SubscribeMulti", queries: [all], requestId: 7, queryId: 5 }),
        readSubscription("SubscribeMultiApplied", 5),
      ),
  },
  {
    kind: "SubscribeMulti in JSON",
    reads: true,
    open: (link) =>
      written(link, { SubscribeMulti: { query_strings: [all], request_id: 7, query_id: { id: 5 } } }, (message) => {
        const { SubscriptionError: error } = message as { SubscriptionError?: { error: string } };
        if (error === undefined) {
          expect(message).toMatchObject({ SubscribeMultiApplied: { request_id: 7, query_id: { id: 5 } } });
          return { ok: true };
        }
        expect(error).toMatchObject({ request_id: { some: 7 }, query_id: { some: 5 } });
        return { ok: false, text: error.error };
      }),
  },
  {
    kind: "Unsubscribe",
    open: (link, name) =>
      spoken(
        link,
        name,
        (client) => client.say({ kind: "Unsubscribe", requestId: 7, queryId: 5 }),
        readSubscription("UnsubscribeApplied", 5),
        holdSingle,
      ),
  },
  {
    kind: "UnsubscribeMulti",
    open: (link, name) =>
      spoken(
        link,
        name,
        (client) => client.say({ kind: "UnsubscribeMulti", requestId: 7, queryId: 5 }),
        readSubscription("UnsubscribeMultiApplied", 5),
        hold,
      ),
  },
  {
    kind: "OneOffQuery",
    reads: true,
    open: (link, name) =>
      spoken(
        link,
        name,
        (client) => client.say({ kind: "OneOffQuery", messageId: Uint8Array.of(1, 2, 3), query: all }),
        readOneOff,
      ),
  },
  {
    kind: "a reducer over HTTP",
    calls: "reducer",
    adds: 1,
    writes: true,
    open: async (link, functionName) =>
      asked(link, (caller) => ({ kind: "call", caller, functionName, args: `[${n}]` }), undefined, makeCaller(41)),
  },
  {
    kind: "a procedure over HTTP",
    calls: "procedure",
    open: async (link, functionName) =>
      asked(
        link,
        (caller) => ({ kind: "call", caller, functionName, args: `[${n}]` }),
        (reply) => expect(textOf(reply)).toBe(String(n)),
        makeCaller(41),
      ),
  },
  {
    kind: "a SELECT over HTTP",
    reads: true,
    open: async (link) =>
      asked(
        link,
        (caller) => ({ kind: "sql", caller, text: all, confirmed: true }),
        (reply) => expect(textOf(reply)).toContain(`"schema":{"elements":[{"name":{"some":"n"}`),
      ),
  },
  {
    kind: "an INSERT over HTTP",
    adds: 1,
    writes: true,
    open: async (link) =>
      asked(
        link,
        (caller) => ({ kind: "sql", caller, text: `INSERT INTO thing (n) VALUES (${n})`, confirmed: true }),
        (reply) => expect(textOf(reply)).toContain(`"stats":{"rows_inserted":1,"rows_deleted":0,"rows_updated":0}`),
      ),
  },
  {
    kind: "a schema over HTTP",
    open: async (link) =>
      asked(
        link,
        () => ({ kind: "schema", form: "9" }),
        (reply) => expect(textOf(reply)).toContain(`"putAndSpin"`),
      ),
  },
];

/** Ends work where it is told to: at the beginning or the end of what somebody does. */
class Hook implements Activity, Watchdog {
  readonly sliceMs = 3;
  readonly critical = new CriticalSection();
  at: "beginning" | "end" | undefined;
  private isHit = false;
  private readonly over = new Error("its time is over");

  begin(kind: WorkKind): void {
    this.isHit = kind === WorkKind.message && this.at !== undefined;
    if (this.isHit && this.at === "beginning") this.throw();
  }
  closely(): void {}
  beginPart(): void {}
  endParts(): void {}
  end(): void {
    if (this.isHit && this.at === "end") this.throw();
  }
  run(work: () => void): boolean {
    this.critical.reset();
    try {
      work();
      return true;
    } catch (error) {
      if (error === this.over) return false;
      throw error;
    }
  }
  runWithin(work: () => void): boolean {
    const goOn = this.critical.setAside();
    try {
      return this.run(work);
    } finally {
      goOn();
    }
  }
  private throw(): void {
    this.at = undefined;
    this.isHit = false;
    throw this.over;
  }
}

/** Ends what runs soon, when it is told to. Until then a slow machine is no reason to end anything. */
class Impatient extends TimeoutWatchdog {
  isShort = false;
  override run(work: () => void, budgetMs: number): boolean {
    return super.run(work, this.isShort ? 250 : budgetMs);
  }

  /** How a request that does not end is answered. */
  async during(request: Request): Promise<Answer> {
    this.isShort = true;
    return request.make().finally(() => (this.isShort = false));
  }
}

async function publish(link: DatabaseLink, version = 1, paddingBytes = 0): Promise<Reply> {
  const program = endingsProgram(version, paddingBytes);
  return link.request({ kind: "publish", program, hostType: "wasm", breakClients: false });
}

interface World {
  readonly hosts: Hosts;
  readonly link: FailoverLink;
  readonly hook: Hook;
  /** Somebody whose call comes right before, and is nobody else's business. */
  readonly stranger: LocalClient;
}

type WorldOptions = Partial<DatabaseLimits> & { readonly hooked?: boolean; readonly watchdog?: Watchdog };

async function world({ hooked = false, watchdog, ...limits }: WorldOptions = {}): Promise<World> {
  const hosts = new Hosts();
  const hook = new Hook();
  const link = await hosts.open({
    limits,
    ...(watchdog === undefined ? {} : { watchdog }),
    ...(hooked ? { activity: hook, watchdog: hook } : {}),
  });
  const published = await publish(link);
  expect(published.status, textOf(published)).toBe(200);
  const stranger = new LocalClient(link, makeCaller(77));
  await stranger.until(({ messages }) => messages.length === 1);
  return { hosts, link, hook, stranger };
}

/** Fills the disk: what had been made ready ahead is used up as well. */
async function fill({ hosts, link }: World): Promise<void> {
  const { disk } = hosts.fileSystem;
  disk.capacityBytes = disk.usedBytes;
  for (let version = 2, isFull = false; !isFull; version += 1) {
    isFull = (await publish(link, version, 200_000)).status === 507;
    expect(version, "the disk is never full").toBeLessThan(500);
  }
}

let strangersCalls = 0;
/** The stranger's call, which adds a row of its own. */
const strangerCalls = ({ stranger }: World): void =>
  stranger.call("put", argsOf(1_000_000 + strangersCalls++), 0xdead, true);

/** Rows that the request added. */
async function added(link: DatabaseLink): Promise<number> {
  return (await sql(link, `SELECT n FROM thing WHERE n = ${n}`)).length;
}

const nameOf = ({ calls }: Kind, ending: "ok" | "trap" | "spin"): string =>
  calls === "procedure"
    ? { ok: "ask", trap: "askAndTrap", spin: "askAndSpin" }[ending]
    : { ok: "put", trap: "trap", spin: "spin" }[ending];

describe.each(kinds)("row 2: $kind", (kind) => {
  const { calls, adds = 0, isQuiet = false } = kind;
  const good: Answer = isQuiet ? "silent" : { ok: true };
  const bad = (text: unknown): unknown => (isQuiet ? "silent" : { ok: false, text });
  const overHttp = kind.kind.includes("HTTP");

  test("succeeds", async () => {
    const here = await world();
    const request = await kind.open(here.link, nameOf(kind, "ok"));
    strangerCalls(here);
    expect(await request.make()).toEqual(good);
    expect(await added(here.link)).toBe(adds);
    await here.link.stop(100);
  });

  test.skipIf(calls !== "reducer")("is refused by the module", async () => {
    const here = await world();
    const request = await kind.open(here.link, "refuse");
    strangerCalls(here);
    expect(await request.make()).toEqual(
      bad(overHttp ? `530 ${refusedText}` : `${kind.ownErrors ?? ""}${refusedText}`),
    );
    expect(await added(here.link)).toBe(0);
    await here.link.stop(100);
  });

  test.skipIf(calls === undefined)("traps", async () => {
    const here = await world();
    const request = await kind.open(here.link, nameOf(kind, "trap"));
    strangerCalls(here);
    expect(await request.make()).toEqual(bad(expect.stringContaining(fatal)));
    expect(await added(here.link)).toBe(0);
    await here.link.stop(100);
  });

  test.skipIf(calls === undefined)("does not end", async () => {
    const watchdog = new Impatient();
    const here = await world({ watchdog });
    const request = await kind.open(here.link, nameOf(kind, "spin"));
    strangerCalls(here);
    expect(await watchdog.during(request)).toEqual(bad(expect.stringMatching(late)));
    expect(await added(here.link)).toBe(0);
    await here.link.stop(100);
  });

  // Both are told to the quiet as well: what was asked has not even begun.
  test.skipIf(calls === undefined)("functionEndsMax: its function is quarantined", async () => {
    const here = await world({ functionEndsMax: 1 });
    const before = await kind.open(here.link, nameOf(kind, "ok"));
    const failed = before.make();
    const id = toHex(before.caller.identity) + toHex(before.caller.connectionId);
    here.hosts.end({ kind: WorkKind.message, id, number: before.number, reason: "crash" }, true);
    expect(await failed).toEqual(bad(expect.stringContaining(fatal)));
    const request = await kind.open(here.link, nameOf(kind, "ok"));
    strangerCalls(here);
    expect(await request.make()).toEqual({
      ok: false,
      text: expect.stringMatching(/is refused for \d+ s more/) as string,
    });
    expect(await added(here.link)).toBe(0);
    await here.link.stop(100);
  });

  test.skipIf(calls === undefined)("callArgumentsBytesMax: its arguments are over the limit", async () => {
    const here = await world({ callArgumentsBytesMax: 3 });
    const request = await kind.open(here.link, nameOf(kind, "ok"));
    strangerCalls(here);
    const text = expect.stringMatching(/callArgumentsBytesMax: \d is over 3/) as string;
    expect(await request.make()).toEqual({ ok: false, text });
    expect(await added(here.link)).toBe(0);
    await here.link.stop(100);
  });

  test.skipIf(kind.kind.includes("schema"))("has no time left when it begins", async () => {
    const here = await world({ hooked: true });
    const request = await kind.open(here.link, nameOf(kind, "ok"));
    strangerCalls(here);
    await here.stranger.until(({ answeredCount }) => answeredCount === 1);
    here.hook.at = "beginning";
    expect(await request.make()).toEqual(bad(expect.stringMatching(late)));
    expect(await added(here.link)).toBe(0);
    await here.link.stop(100);
  });

  test.skipIf(kind.kind.includes("schema"))("has no time left when it has just been done", async () => {
    const here = await world({ hooked: true });
    const request = await kind.open(here.link, nameOf(kind, "ok"));
    strangerCalls(here);
    await here.stranger.until(({ answeredCount }) => answeredCount === 1);
    here.hook.at = "end";
    const answer = await request.make();
    // Over HTTP nothing had been said yet: what was committed is told as done all the same.
    if (answer !== "silent" && !answer.ok) expect(answer.text).toMatch(late);
    expect(await added(here.link)).toBe(answer === "silent" || answer.ok ? adds : 0);
    if (!overHttp) expect(answer).toEqual(good);
    if (kind.writes === true) expect(answer).toEqual(good);
    await here.link.stop(100);
  });

  test("whose host ends before it, or while it is on its way back", async () => {
    for (let turns = 0; turns < 6; turns += 1) {
      const here = await world();
      const request = await kind.open(here.link, nameOf(kind, "ok"));
      strangerCalls(here);
      const answer = request.make();
      for (let left = turns; left > 0; left--) await turn();
      here.hosts.end();
      expect(await answer, `after ${turns} turns`).toEqual(good);
      expect(await added(here.link), `after ${turns} turns`).toBe(adds);
      await until("the stranger's answer", () => here.stranger.answeredCount === 1);
      await here.link.stop(100);
    }
  });

  // A limit that ended the host as well is told as a limit: how fast the machine is must not show.
  const reasons = ["crash", "memory", "time", "interrupted"] as const;
  test.skipIf(kind.kind.includes("schema")).each(reasons)("whose host ends at it (%s)", async (reason) => {
    const here = await world();
    const request = await kind.open(here.link, nameOf(kind, "ok"));
    strangerCalls(here);
    const answer = request.make();
    const id = toHex(request.caller.identity) + toHex(request.caller.connectionId);
    here.hosts.end({ kind: WorkKind.message, id, number: request.number, reason });
    const isLimit = reason === "time" || reason === "interrupted";
    expect(await answer).toEqual(bad(isLimit ? expect.stringMatching(late) : expect.stringContaining(fatal)));
    expect(await added(here.link)).toBe(0);
    // It is not run again by any later host either, and what comes after it is served.
    here.hosts.end();
    expect(await added(here.link)).toBe(0);
    await here.link.stop(100);
  });

  test.skipIf(kind.kind.includes("schema"))("while a program is published", async () => {
    const here = await world();
    const request = await kind.open(here.link, nameOf(kind, "ok"));
    strangerCalls(here);
    const published = publish(here.link, 2);
    expect(await request.make()).toEqual(good);
    expect((await published).status).toBe(200);
    expect(await added(here.link)).toBe(adds);
    await here.link.stop(100);
  });

  test.skipIf(kind.kind.includes("schema"))("on a full disk", async () => {
    const here = await world();
    const request = await kind.open(here.link, nameOf(kind, "ok"));
    await fill(here);
    const answer = await request.make();
    if (kind.writes === true) {
      expect(answer).toEqual(bad(expect.stringMatching(/disk has no room/)));
      if (answer !== "silent" && !answer.ok && overHttp) expect(answer.text).toMatch(/^507 /);
    } else expect(answer).toEqual(good);
    here.hosts.fileSystem.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await here.link.stop(100);
  });

  test.skipIf(kind.reads !== true)("over a limit", async () => {
    const here = await world({ queryRowsMax: 2 });
    for (let index = 0; index < 3; index++) here.stranger.call("put", argsOf(index), index, true);
    await here.stranger.until(({ answeredCount }) => answeredCount === 3);
    const request = await kind.open(here.link, "");
    strangerCalls(here);
    expect(await request.make()).toEqual(bad(expect.stringContaining("queryRowsMax: 3 is over 2")));
    await here.link.stop(100);
  });
});

describe("row 2: a call of no function, or with arguments that are none", () => {
  const cases = [
    { name: "nothing", id: noReducer, args: argsOf(n), argsText: `[${n}]`, text: "no such reducer" },
    { name: "put", id: 0, args: Uint8Array.of(1), argsText: `["x"]`, text: "invalid arguments for reducer put" },
  ];

  test.each(cases)("$text: is answered without them, as v1 has it", async ({ name, id, args, argsText, text }) => {
    const here = await world();
    const client = new LocalClient(here.link, makeCaller(9));
    strangerCalls(here);
    client.call(name, args, 7, true);
    await client.until(({ answeredCount }) => answeredCount === 1);
    expect(client.messages.at(-1)).toMatchObject({
      kind: "TransactionUpdate",
      status: { kind: "Failed", message: expect.stringContaining(text) as string },
      callerIdentity: client.caller.identity,
      callerConnectionId: client.caller.connectionId,
      reducerName: name,
      reducerId: id,
      args: new Uint8Array(0),
      requestId: 0,
    });
    const spoken = { CallReducer: { reducer: name, args: argsText, request_id: 7, flags: 0 } };
    for (const said of [spoken, callFrame(name, args)]) {
      const json = new JsonClient(here.link);
      json.say(said);
      await until("the answer", () => json.answeredCount === 1);
      expect(json.messages.at(-1)).toMatchObject({
        TransactionUpdate: {
          status: { Failed: expect.stringContaining(text) as string },
          reducer_call: { reducer_name: name, reducer_id: id, args: "[]", request_id: 0 },
        },
      });
    }
    await here.link.stop(100);
  });

  test("that are over a limit, in a binary frame on a connection in JSON: are not worded", async () => {
    const here = await world({ callArgumentsBytesMax: 2 });
    const json = new JsonClient(here.link);
    json.say(callFrame("put", Uint8Array.of(1, 2, 3)));
    await until("the answer", () => json.answeredCount === 1 || json.closed !== undefined);
    expect(json.messages.at(-1)).toMatchObject({
      TransactionUpdate: { reducer_call: { reducer_name: "put", reducer_id: 0, args: "[]", request_id: 7 } },
    });
    await here.link.stop(100);
  });
});

describe("row 2: a procedure that has committed", () => {
  test.each(kinds.filter(({ calls }) => calls === "procedure").map(({ kind }) => kind))(
    "%s: is not begun again, whenever its host ends",
    { timeout: 300_000 },
    async (name) => {
      const kind = kinds.find((each) => each.kind === name);
      if (kind === undefined) throw new Error(name);
      const seen = new Set<string>();
      for (let turns = 0; turns < 12 || (seen.size < 2 && turns < 200); turns += 1) {
        const here = await world();
        const request = await kind.open(here.link, "askAndPut");
        const answer = request.make();
        for (let left = turns; left > 0; left--) await turn();
        here.hosts.end();
        const told = await answer;
        // Once, whether it was begun by the first host or by the next.
        expect(await added(here.link), `after ${turns} turns`).toBe(1);
        if (told === "silent") throw new Error("no answer");
        if (!told.ok)
          expect(told.text).toMatch(name.includes("HTTP") ? /^503 .*may or may not have happened/ : halfDone);
        seen.add(told.ok ? "done" : "half done");
        await here.link.stop(100);
      }
      expect(seen).toEqual(new Set(["done", "half done"]));
    },
  );

  test("and does not end, is told so, and what it committed stays", async () => {
    for (const kind of kinds.filter(({ calls }) => calls === "procedure")) {
      const watchdog = new Impatient();
      const here = await world({ watchdog });
      const request = await kind.open(here.link, "putAndAskForEver");
      expect(await watchdog.during(request)).toEqual({ ok: false, text: expect.stringMatching(late) as string });
      expect(await added(here.link)).toBe(1);
      await here.link.stop(100);
    }
  });
});

describe.each(kinds.filter(({ calls }) => calls === "procedure"))("row 2: $kind, with a transaction", (kind) => {
  test("on a full disk", async () => {
    const here = await world();
    const request = await kind.open(here.link, "askAndPut");
    await fill(here);
    expect(await request.make()).toEqual({ ok: false, text: expect.stringMatching(/disk has no room/) });
    expect(await added(here.link)).toBe(0);
    expect(here.hosts.count, here.hosts.notes.join("\n")).toBe(1);
    here.hosts.fileSystem.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await here.link.stop(100);
  });

  test("that needs more memory than there is", async () => {
    const here = await world({ databaseBytesMax: 3_000_000 });
    const request = await kind.open(here.link, "putForEver");
    expect(await request.make()).toEqual({ ok: false, text: expect.stringMatching(/holds all of the 3000000 bytes/) });
    expect(await added(here.link)).toBe(0);
    expect(await (await kind.open(here.link, "askAndPut")).make()).toEqual({ ok: true });
    expect(await added(here.link)).toBe(1);
    expect(here.hosts.count, here.hosts.notes.join("\n")).toBe(1);
    await here.link.stop(100);
  });
});

describe("row 2: a client that comes", () => {
  test.each(["before it is let in", "when it has just been let in"])("while its host ends %s", async (when) => {
    for (let turns = 0; turns < 10; turns += 1) {
      const here = await world();
      const client = new LocalClient(here.link, makeCaller(9));
      for (let left = when.startsWith("before") ? 0 : turns; left > 0; left--) await turn();
      here.hosts.end();
      await client.until(({ messages, closed }) => messages.length > 0 || closed !== undefined);
      expect(client.closed).toBeUndefined();
      expect(client.messages[0]).toMatchObject({ kind: "IdentityToken", identity: client.caller.identity });
      client.call("put", argsOf(n), 7, true);
      await client.until(({ answeredCount }) => answeredCount === 1);
      expect(client.messages).toHaveLength(2);
      expect(await sql(here.link, "SELECT * FROM st_client")).toHaveLength(3); // the stranger, and who asks
      await here.link.stop(100);
      if (when.startsWith("before")) return;
    }
  });
});
