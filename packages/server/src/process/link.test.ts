/**
 * Goal: a database answers the same whether it is called in this process, through the pipe, or in a real process.
 * Method: one suite of the contract, run against the three; then what only the pipe or only a process can show.
 */
import { duplexPair } from "node:stream";
import { describe, expect, test } from "vitest";
import { realClock, type Clock } from "@lightcone/base";
import {
  WorkKind,
  type ConnectionHandle,
  type ConnectionInfo,
  type ConnectionSink,
  type DatabaseLink,
  type Resume,
  type ResumeNote,
} from "@lightcone/database/front";
import { makeServerLimits } from "../limits.ts";
import { makeServerLog } from "../log.ts";
import { identityOf } from "../auth/identity.ts";
import type { DatabaseRecord } from "../registry/state.ts";
import { FakeDatabase, bigBytes, floodMessages } from "../testing/fake-database.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { HostDriver } from "./host-driver.ts";
import { HostLink } from "./host-link.ts";
import { programHere } from "./host-program.ts";
import { Hosts } from "./hosts.ts";
import type { HostProcess } from "./open-host-process.ts";

const identity = identityOf("localhost", "db");
const record: DatabaseRecord = {
  identity,
  owner: identity,
  hostType: "wasm",
  initialProgram: "00",
  directory: "d",
  coOwners: [],
  locked: false,
};
const info: ConnectionInfo = {
  caller: { identity: identity.bytes, connectionId: new Uint8Array(16).fill(1), claims: "{}", isOwner: true },
  token: "t",
  protocol: "v1.bsatn",
  compression: "none",
  light: false,
  confirmed: true,
};
const limits = makeServerLimits({ linkConnectionBytesMax: 100_000, linkBytesMax: 300_000, spareHostsMax: 0 });

class TestSink implements ConnectionSink {
  readonly messages: string[] = [];
  readonly lengths: number[] = [];
  queuedBytes = 0;
  answeredCount = 0;
  closedWith: string | undefined;
  private parts = "";

  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    this.parts += Buffer.from(bytes.subarray(at, at + length)).toString("latin1");
    if (!last) return;
    this.messages.push(this.parts);
    this.lengths.push(this.parts.length);
    this.parts = "";
  }
  answered(count: number): void {
    this.answeredCount = count;
    this.told.push(`answered ${count}`);
  }
  /** What it was told, notes and answers in their order. */
  readonly told: string[] = [];
  note(note: ResumeNote): void {
    const message = "message" in note ? ` ${note.message}` : "";
    this.told.push(note.kind + message + (note.kind === "kept" ? ` ${decode(note.state)}` : ""));
  }
  close(code: number | undefined, reason: string): void {
    this.closedWith = `${code} ${reason}`;
  }
}

const program = programHere(new URL("../testing/fake-host.ts", import.meta.url));
const log = makeServerLog("silent");

/** Opens a fake database in a process of its own; `settings` says how it misbehaves. */
function openHost(settings?: unknown, resume?: Resume, clock: Clock = realClock): Promise<HostProcess> {
  return new Hosts({ clock, log, limits, program, settings }).openHost(record, "/nowhere", true, resume);
}

async function pipePair(database: DatabaseLink): Promise<HostLink> {
  const [front, host] = duplexPair();
  new HostDriver(host, { openDatabase: async () => ({ link: database, handles: [] }), ended: () => undefined });
  const { linkConnectionBytesMax: connectionBytesMax, linkBytesMax: bytesMax } = limits;
  const link = new HostLink(front, { clock: realClock, connectionBytesMax, bytesMax });
  link.open("{}");
  await link.opened;
  return link;
}

const ways: readonly { readonly way: string; readonly open: () => Promise<DatabaseLink> }[] = [
  { way: "in this process", open: async () => new FakeDatabase() },
  { way: "through the pipe", open: async () => pipePair(new FakeDatabase()) },
  {
    way: "in a process of its own",
    open: async () => (await openHost()).link,
  },
];

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error("waited too long");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Whatever either side sent before has come through the pipe when this is over. */
async function roundTrip(link: DatabaseLink): Promise<void> {
  await link.request({ kind: "program" });
}

function say(handle: ConnectionHandle, text: string): void {
  const bytes = Buffer.from(`..${text}..`);
  handle.receive(Uint8Array.from(bytes), 2, bytes.length - 4, true);
}

const runsForMs = 800;
/** What the fake host says that it is at. */
const work = { kind: WorkKind.message, id: "ab".repeat(48), number: 9 };
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe.each(ways)("a database $way", ({ open }) => {
  test("requests and their failures", async () => {
    const link = await open();
    const called = await link.request({ kind: "call", caller: info.caller, functionName: "f", args: "[]" });
    expect(called).toMatchObject({ status: 200, headers: { "spacetime-energy-used": "0" } });
    const refused = await link.request({
      kind: "publish",
      program: new TextEncoder().encode("bad"),
      hostType: "js",
      breakClients: false,
    });
    expect(refused.status).toBe(500);
    await link.request({
      kind: "publish",
      program: new Uint8Array(500_000).fill(65),
      hostType: "wasm",
      breakClients: false,
    });
    const program = await link.request({ kind: "program" });
    expect(decode(program.body)).toBe("A".repeat(500_000));
    const crash = link.request({ kind: "call", caller: info.caller, functionName: "crash", args: "[]" });
    await expect(crash).rejects.toMatchObject({ message: "inner", cause: { message: "cause" } });
    await link.stop(1000);
  });

  test("messages both ways, in order, in parts, and counted", async () => {
    const link = await open();
    const sinks = [new TestSink(), new TestSink(), new TestSink()];
    const handles = sinks.map((sink) => link.connect(info, sink));
    for (let round = 0; round < 50; round += 1) {
      handles.forEach((handle, at) => say(handle, `message ${round} of ${at}`));
    }
    await until(() => sinks.every((sink) => sink.messages.length === 50 && sink.answeredCount === 50));
    sinks.forEach((sink, at) =>
      expect(sink.messages).toEqual(Array.from({ length: 50 }, (_, round) => `message ${round} of ${at}`)),
    );
    handles.forEach((handle) => say(handle, "flood"));
    await until(() => sinks.every((sink) => sink.messages.length === 50 + floodMessages));
    handles.forEach((handle) => say(handle, "big"));
    await until(() => sinks.every((sink) => sink.lengths.at(-1) === bigBytes));
    await link.stop(1000);
  });

  test("rows 1 and 9: what a message becomes is known before it counts as answered, at a cost of its own", async () => {
    const link = await open();
    const sink = new TestSink();
    const handle = link.connect(info, sink);
    for (const text of ["keep", "1", "drop1", "keep"]) say(handle, text);
    await until(() => sink.answeredCount === 4);
    const notes = sink.told.filter((each) => !each.startsWith("answered"));
    expect(notes).toEqual(["kept 1 as it is", "dropped 1", "behind", "level", "kept 4 as it is"]);
    // Nothing is kept that was answered before.
    for (const [at, each] of sink.told.entries()) {
      if (!each.startsWith("kept")) continue;
      const before = sink.told.slice(0, at).filter((other) => other.startsWith("answered"));
      expect(Number(before.at(-1)?.slice(9) ?? 0)).toBeLessThan(Number(each.split(" ")[1]));
    }
    await link.stop(1000);
  });

  test("endings from both sides", async () => {
    const link = await open();
    const closing = new TestSink();
    const dropping = new TestSink();
    say(link.connect(info, closing), "close");
    say(link.connect(info, dropping), "drop");
    await until(() => closing.closedWith !== undefined && dropping.closedWith !== undefined);
    expect(closing.closedWith).toBe("1013 too many requests");
    expect(dropping.closedWith).toBe("undefined ");
    const gone = new TestSink();
    const handle = link.connect(info, gone);
    handle.closed();
    await link.stop(1000);
    expect(gone.messages).toEqual([]);
  });

  test("a log is flushed, also by a host that has ended", async () => {
    const link = await open();
    await expect(link.flushLog()).resolves.toBeUndefined();
    await link.stop(1000);
    await expect(link.flushLog()).resolves.toBeUndefined();
  });

  test("a failure is heard", async () => {
    const link = await open();
    say(link.connect(info, new TestSink()), "fail");
    expect((await link.failed).message).toBe("asked to");
    await link.stop(1000);
  });
});

describe("the pipe", () => {
  test("a payload for many crosses once, and each batch is applied whole", async () => {
    const [front, host] = duplexPair();
    let crossed = 0;
    front.on("data", (chunk: Uint8Array) => (crossed += chunk.length));
    const fake = new FakeDatabase();
    new HostDriver(host, { openDatabase: async () => ({ link: fake, handles: [] }), ended: () => undefined });
    const link = new HostLink(front, { clock: realClock, connectionBytesMax: 1e6, bytesMax: 1e6 });
    link.open("{}");
    await link.opened;
    const sinks = Array.from({ length: 500 }, () => new TestSink());
    for (const sink of sinks) link.connect(info, sink);
    await until(() => fake.connections.size === 500);
    const before = crossed;
    const payload = new Uint8Array(10_000).fill(66);
    for (const { sink } of fake.connections) {
      sink.send(payload, 0, 5000, true);
      sink.send(payload, 5000, 5000, true);
    }
    await until(() => sinks[0]?.messages.length === 2);
    // All of them in the same turn as the first.
    expect(sinks.every((sink) => sink.messages.length === 2)).toBe(true);
    expect(crossed - before).toBeLessThan(10_000 + 500 * 2 * 8 + 200);
    await link.stop(100);
  });

  test("the stamp is the database's offset when the batch leaves", async () => {
    const fake = new FakeDatabase();
    const stamped: DatabaseLink = Object.assign(fake, { releasedOffset: 41 });
    const link = await pipePair(stamped);
    const sink = new TestSink();
    const handle = link.connect(info, sink);
    Object.assign(fake, { releasedOffset: 42 });
    say(handle, "something");
    await until(() => sink.messages.length === 1);
    expect(link.releasedOffset).toBe(42);
    await link.stop(100);
  });

  test("credit: a connection stops at its bound, all stop at theirs, and both go on", async () => {
    const fake = new FakeDatabase();
    const link = await pipePair(fake);
    const sinks = [new TestSink(), new TestSink(), new TestSink(), new TestSink(), new TestSink()];
    const handles = sinks.map((sink) => link.connect(info, sink));
    const resumed: number[] = [];
    handles.forEach((handle, at) => (handle.onReady = () => resumed.push(at)));
    const [first] = handles;
    if (first === undefined) throw new Error("no handle");
    say(first, "slow");
    await until(() => [...fake.connections].some((connection) => !connection.ready));
    const chunk = new Uint8Array(90_000);
    for (let i = 0; i < 2; i += 1) first.receive(chunk, 0, chunk.length, false);
    expect(first.ready).toBe(false);
    // The others still have room, until the link has none.
    const [, second] = handles;
    expect(second?.ready).toBe(true);
    for (let i = 0; i < 2; i += 1) first.receive(chunk, 0, chunk.length, false);
    expect(second?.ready).toBe(false);
    await roundTrip(link);
    expect(resumed).toEqual([]);
    [...fake.connections].find((connection) => !connection.ready)?.resume();
    await until(() => resumed.includes(0) && resumed.includes(1));
    expect(handles.every((handle) => handle.ready)).toBe(true);
    await link.stop(100);
  });

  test("a connection that closes gives its credit back", async () => {
    const fake = new FakeDatabase();
    const link = await pipePair(fake);
    const slow = link.connect(info, new TestSink());
    const other = link.connect(info, new TestSink());
    let resumed = false;
    other.onReady = () => (resumed = true);
    say(slow, "slow");
    await until(() => [...fake.connections].some((connection) => !connection.ready));
    for (let i = 0; i < 4; i += 1) slow.receive(new Uint8Array(90_000), 0, 90_000, false);
    expect(other.ready).toBe(false);
    slow.closed();
    expect(resumed).toBe(true);
    expect(other.ready).toBe(true);
    await until(() => fake.connections.size === 1);
    await link.stop(100);
  });

  test("the database learns what sockets have taken", async () => {
    const fake = new FakeDatabase();
    const link = await pipePair(fake);
    const sink = new TestSink();
    const handle = link.connect(info, sink);
    sink.queuedBytes = bigBytes;
    say(handle, "big");
    const [connection] = await untilConnected(fake);
    await until(() => sink.messages.length === 1);
    await roundTrip(link);
    expect(connection?.sink.queuedBytes).toBe(bigBytes);
    sink.queuedBytes = 100_000;
    await until(() => connection?.sink.queuedBytes === 100_000);
    sink.queuedBytes = 0;
    await until(() => connection?.sink.queuedBytes === 0);
    await link.stop(100);
  });

  test("noise from the host ends the link and fails what waits", async () => {
    const [front, host] = duplexPair();
    const link = new HostLink(front, { clock: realClock, connectionBytesMax: 1e6, bytesMax: 1e6 });
    const asked = link.request({ kind: "program" });
    host.write(Uint8Array.from([9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 250]));
    await expect(asked).rejects.toMatchObject({ code: "CallUnknown" });
    expect(await link.failed).toMatchObject({ code: "Malformed" });
  });
});

async function untilConnected(fake: FakeDatabase): Promise<readonly { readonly sink: ConnectionSink }[]> {
  await until(() => fake.connections.size > 0);
  return [...fake.connections];
}

describe("a process", () => {
  test("that is killed: the failure names how, what waits is unknown, the sinks hear nothing false", async () => {
    const host = await openHost();
    const hanging = host.link.request({ kind: "call", caller: info.caller, functionName: "hang", args: "[]" });
    host.kill();
    await expect(hanging).rejects.toMatchObject({ code: "CallUnknown" });
    expect((await host.link.failed).message).toMatch(/ended/);
    expect(await host.ended).toBe("signal SIGKILL");
    await expect(host.link.request({ kind: "program" })).rejects.toMatchObject({ code: "CallUnknown" });
    await host.link.stop(100);
  });

  test("whose database does not open: its own reason", async () => {
    await expect(openHost("refuse")).rejects.toMatchObject({
      message: "cannot open",
      cause: { message: "disk on fire" },
    });
    await expect(openHost("exit")).rejects.toThrow(/ended/);
  });

  test("that does not stop in time is ended", async () => {
    const host: HostProcess = await openHost("stuck");
    await host.link.stop(10);
    expect(await host.ended).toBe("signal SIGKILL");
  });

  test("that follows another goes on with its connections", async () => {
    const first = await openHost();
    first.kill();
    await first.link.failed;
    const message = (number: number, text: string) => ({
      number,
      bytes: new TextEncoder().encode(text),
      isText: false,
    });
    const sinks = [new TestSink(), new TestSink()];
    const connections = sinks.map((sink, at) => ({
      info,
      sink,
      subscribed: [1, 3].map((made) => ({ message: made, state: new TextEncoder().encode("to all") })),
      pending: [message(5, `pending of ${at}`)],
      received: 5,
    }));
    const front = {
      front: "front",
      releasedOffset: 77,
      connections,
      visits: [{ ...info.caller, functionName: "f" }],
      requestCount: 1,
      condemned: [{ ...work, reason: "crash" as const, how: "signal SIGABRT", isModulesFault: true }],
      ends: [],
      isCareful: true,
    };
    const next = await openHost(undefined, [front]);
    expect(next.releasedOffset).toBe(77);
    // Before the host counts as open, its connections have been told.
    const told = sinks.map((sink) => sink.messages);
    expect(told).toEqual(
      [0, 1].map((at) => ["resumed at 77 after 5, subscribed 1 to all 3 to all", `pending of ${at}`]),
    );
    next.handles.forEach((handle, at) => say(handle, `and on ${at}`));
    await until(() => sinks.every((sink) => sink.messages.length === 3));
    await next.link.stop(1000);
  });

  test("whose message runs for long names it, and takes it back when it ends", async () => {
    const clock = new ManualClock();
    const host = await openHost("spin", undefined, clock);
    const short = host.link.request({ kind: "snapshot" });
    await until(() => host.suspect !== undefined);
    expect(host.suspect).toEqual({ ...work, reason: "crash" });
    await short;
    await until(() => host.suspect === undefined);
    const endless = host.link.request({ kind: "program" });
    await until(() => host.suspect !== undefined);
    // A kill from outside is put down to what ran for a while, and to nothing that has just begun.
    clock.advance(runsForMs);
    host.kill();
    await expect(endless).rejects.toMatchObject({ code: "CallUnknown" });
    expect(await host.link.failed).toMatchObject({
      name: "HostEnded",
      isModulesFault: false,
      suspect: { number: 9 },
    });
  });

  test("that is killed at something that has just begun blames nothing", async () => {
    const host = await openHost("spin", undefined, new ManualClock());
    const request = host.link.request({ kind: "program" });
    await until(() => host.suspect !== undefined);
    host.kill();
    await expect(request).rejects.toMatchObject({ code: "CallUnknown" });
    expect(await host.link.failed).toMatchObject({ name: "HostEnded", isModulesFault: false, suspect: undefined });
  });

  test("row 5: that exits while something runs names that, whatever its exit code", async () => {
    const host = await openHost("exit at work");
    await expect(host.link.request({ kind: "program" })).rejects.toMatchObject({ code: "CallUnknown" });
    expect(await host.ended).toBe("exit code 0");
    expect(await host.link.failed).toMatchObject({ name: "HostEnded", isModulesFault: true, suspect: work });
  });

  test("that aborts, as on a full heap, is its module's fault", async () => {
    const host = await openHost("abort");
    await expect(host.link.request({ kind: "program" })).rejects.toMatchObject({ code: "CallUnknown" });
    expect(await host.link.failed).toMatchObject({ name: "HostEnded", isModulesFault: true });
  });

  test("whose database failed has ended before the failure is heard", async () => {
    const host = await openHost();
    let isOver = false;
    void host.ended.then(() => (isOver = true));
    say(host.link.connect(info, new TestSink()), "fail");
    expect((await host.link.failed).message).toBe("asked to");
    expect(isOver).toBe(true);
  });

  test("that is stopped ends by itself", async () => {
    const host = await openHost();
    await host.link.stop(1000);
    expect(await host.ended).toBe("exit code 0");
  });
});
