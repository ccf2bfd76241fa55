/**
 * Goal: a connection behaves towards a client as the specification says: upgrade, first Ping, messages both ways,
 * every way to end, limits, back-pressure, liveness.
 * Method: a real server; `ws` as an independent client where it can say the thing, a raw socket where it cannot;
 * a hand-moved clock for what depends on time.
 */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { ServerOptions } from "../open-server.ts";
import { bigByte, bigBytes, floodMessages } from "../testing/fake-database.ts";
import type { FakeConnection, FakeDatabase } from "../testing/fake-database.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { maskedFrame } from "../testing/masked-frame.ts";
import { openTestServer } from "../testing/test-server.ts";
import type { TestServer } from "../testing/test-server.ts";
import { gatherMs } from "./connection.ts";

let host: TestServer;
/** One that is open keeps a server from stopping while the clock stands still. */
const rawSockets = new Set<Socket>();
afterEach(() => {
  for (const socket of rawSockets) socket.destroy();
  rawSockets.clear();
  return host.server.stop();
});

async function open(overrides: Partial<ServerOptions> = {}): Promise<{ token: string; fake: FakeDatabase }> {
  host = await openTestServer(overrides);
  const { token } = await host.identity();
  await host.ask("PUT", "/v1/database/harbor", { token, body: "program" });
  const [fake] = host.databases.values();
  if (fake === undefined) throw new Error("no database was opened");
  return { token, fake };
}

function dial(
  query = "",
  protocols: readonly string[] = ["v1.bsatn.spacetimedb"],
  headers: Record<string, string> = {},
): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${host.port}/v1/database/harbor/subscribe${query}`, [...protocols], { headers });
}

async function opened(socket: WebSocket): Promise<WebSocket> {
  await once(socket, "open");
  return socket;
}

async function nextMessage(socket: WebSocket): Promise<{ data: Buffer; isBinary: boolean }> {
  const [data, isBinary] = await once(socket, "message");
  return { data, isBinary };
}

/** A socket that has been upgraded by hand; `frames` is what came after the answer. */
async function dialRaw(
  headers: Record<string, string> = {},
  path = "/v1/database/harbor/subscribe?compression=None",
): Promise<{ socket: Socket; head: string; bytes: () => Buffer }> {
  const socket = connect(host.port, "127.0.0.1");
  rawSockets.add(socket);
  socket.on("error", () => undefined);
  const all: Record<string, string> = {
    host: "x",
    connection: "keep-alive, Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "v1.bsatn.spacetimedb",
    ...headers,
  };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  let received = Buffer.alloc(0);
  const whole = new Promise<string>((resolve) => {
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf("\r\n\r\n");
      if (end >= 0) resolve(received.subarray(0, end).toString());
    });
    socket.on("close", () => resolve(received.toString()));
  });
  const head = await whole;
  return { socket, head, bytes: () => received.subarray(received.indexOf("\r\n\r\n") + 4) };
}

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error("waited too long");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A request of somebody else's: what was sent before has been read, and answered, when this is over. */
async function roundTrip(): Promise<void> {
  expect((await host.ask("GET", "/v1/ping")).status).toBe(200);
}

describe("upgrade", () => {
  test("the answer carries the accept key, the protocol, and who one is", async () => {
    const { token } = await open();
    const { head, socket } = await dialRaw({ authorization: `Bearer ${token}` });
    expect(head.split("\r\n")[0]).toBe("HTTP/1.1 101 Switching Protocols");
    // The sample of RFC 6455.
    expect(head).toContain("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    expect(head).toContain("sec-websocket-protocol: v1.bsatn.spacetimedb");
    expect(head).toContain(`spacetime-identity-token: ${token}`);
    expect(head).not.toMatch(/extensions/i);
    socket.destroy();
  });

  const zero = "0".repeat(32);
  test.each([
    {
      why: "malformed header before all else",
      headers: { authorization: "Basic x", upgrade: "" },
      status: 400,
      body: "Authorization is invalid: malformed token",
    },
    { why: "bad token", headers: { authorization: "Bearer x.y.z" }, status: 401 },
    { why: "bad name", path: "/v1/database/No/subscribe", status: 400 },
    { why: "bad query", path: "/v1/database/nowhere/subscribe?compression=gzip", status: 400 },
    { why: "bad connection id", path: "/v1/database/nowhere/subscribe?connection_id=12", status: 400 },
    {
      why: "no upgrade",
      path: "/v1/database/nowhere/subscribe",
      headers: { upgrade: "", connection: "close" },
      status: 426,
    },
    {
      why: "connection header missing",
      path: "/v1/database/harbor/subscribe",
      headers: { connection: "close" },
      status: 426,
    },
    {
      why: "old version",
      path: "/v1/database/nowhere/subscribe",
      headers: { "sec-websocket-version": "8" },
      status: 400,
    },
    { why: "no key", path: "/v1/database/nowhere/subscribe", headers: { "sec-websocket-key": "" }, status: 400 },
    {
      why: "zero connection id",
      path: `/v1/database/nowhere/subscribe?connection_id=${zero}`,
      status: 400,
      body: "Invalid connection ID: the all-zeros ConnectionId is reserved.",
    },
    {
      why: "unknown name",
      path: "/v1/database/nowhere/subscribe",
      headers: { "sec-websocket-protocol": "x" },
      status: 404,
      body: "`nowhere` not found",
    },
    {
      why: "no common protocol",
      headers: { "sec-websocket-protocol": "v9.bsatn.spacetimedb, V1.bsatn.spacetimedb" },
      status: 400,
      body: "no valid protocol selected",
    },
    {
      why: "no protocol at all",
      headers: { "sec-websocket-protocol": "" },
      status: 400,
      body: "no valid protocol selected",
    },
    { why: "unknown identity", path: `/v1/database/${"ab".repeat(32)}/subscribe`, status: 404 },
    { why: "another path", path: "/v1/ping", status: 404 },
  ])("refused: $why, $status", async ({ headers, path, status, body }) => {
    await open();
    const { head, bytes, socket } = await dialRaw(headers ?? {}, path);
    expect(head.split(" ")[1]).toBe(String(status));
    await until(() => bytes().length >= (body ?? "").length);
    expect(body === undefined || bytes().toString() === body).toBe(true);
    socket.destroy();
    const minted = /spacetime-identity-token/.test(head);
    expect(minted).toBe(status !== 401 && path !== "/v1/ping" && !(headers ?? {}).authorization);
  });

  test("the server's order of preference decides, and the query reaches the database", async () => {
    const { token, fake } = await open();
    const both = ["v1.json.spacetimedb", "v1.bsatn.spacetimedb"];
    const first = await opened(
      dial("?compression=None&light=true&confirmed=false&connection_id=000102030405060708090a0b0c0d0eff", both, {
        authorization: `Bearer ${token}`,
      }),
    );
    expect(first.protocol).toBe("v1.bsatn.spacetimedb");
    const second = await opened(dial(`?token=${token}`, ["v1.json.spacetimedb"]));
    const third = await opened(dial());
    const [a, b, c] = fake.infos;
    expect(a).toMatchObject({ protocol: "v1.bsatn", compression: "none", light: true, confirmed: false, token });
    expect(Buffer.from(a?.caller.connectionId ?? []).toString("hex")).toBe("ff0e0d0c0b0a09080706050403020100");
    expect(a?.caller.isOwner).toBe(true);
    expect(b).toMatchObject({ protocol: "v1.json", compression: "brotli", light: false, confirmed: true, token });
    expect(c?.caller.isOwner).toBe(false);
    expect(JSON.parse(c?.caller.claims ?? "")).toMatchObject({ iss: "localhost", exp: null });
    const best = await opened(dial("", ["v1.bsatn.spacetimedb", "v9.other", "v2.bsatn.spacetimedb"]));
    expect(best.protocol).toBe("v2.bsatn.spacetimedb");
    expect(fake.infos[3]).toMatchObject({ protocol: "v2.bsatn", confirmed: true });
    const newest = await opened(dial("", ["v2.bsatn.spacetimedb", "v3.bsatn.spacetimedb"]));
    expect(newest.protocol).toBe("v3.bsatn.spacetimedb");
    expect(fake.infos[4]).toMatchObject({ protocol: "v3.bsatn", confirmed: true });
    for (const socket of [first, second, third, best, newest]) socket.terminate();
  });

  test("over `connectionsMax`", async () => {
    await open({ limits: { connectionsMax: 1 } });
    const first = await opened(dial());
    const second = dial();
    const [error] = await once(second, "error");
    expect(error.message).toContain("503");
    first.terminate();
  });
});

describe("messages", () => {
  test("binary and text come back as they went, whole or in fragments", async () => {
    await open();
    const binary = await opened(dial());
    binary.send(Buffer.from("hello world"));
    expect((await nextMessage(binary)).isBinary).toBe(true);
    binary.send(Buffer.from("one two "), { fin: false });
    binary.send(Buffer.from("three"), { fin: true });
    expect((await nextMessage(binary)).data.toString()).toBe("one two three");
    const large = Buffer.alloc(3_000_000, 5);
    binary.send(large);
    expect((await nextMessage(binary)).data.equals(large)).toBe(true);
    const text = await opened(dial("", ["v1.json.spacetimedb"]));
    text.send("é".repeat(40));
    const answer = await nextMessage(text);
    expect(answer.isBinary).toBe(false);
    expect(answer.data.toString()).toBe("é".repeat(40));
    binary.terminate();
    text.terminate();
  });

  test("parts of a message arrive as one; many messages keep their order", async () => {
    await open();
    const socket = await opened(dial("?compression=None"));
    socket.send("big");
    const big = await nextMessage(socket);
    expect(big.data.length).toBe(bigBytes);
    expect(big.data.every((byte, at) => byte === bigByte(at))).toBe(true);
    const seen: string[] = [];
    socket.on("message", (data) => seen.push(Buffer.isBuffer(data) ? data.toString() : "?"));
    socket.send("flood");
    await until(() => seen.length === floodMessages);
    expect(seen).toEqual(Array.from({ length: floodMessages }, (_, i) => `flood ${i}`));
    socket.terminate();
  });

  test("what comes with the upgrade request in one packet is not lost", async () => {
    const { fake } = await open();
    const socket = connect(host.port, "127.0.0.1");
    const request =
      "GET /v1/database/harbor/subscribe HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: v1.bsatn.spacetimedb\r\n\r\n";
    socket.write(Buffer.concat([Buffer.from(request), maskedFrame(2, true, Buffer.from("early bird"))]));
    await until(() => [...fake.connections].some((connection) => connection.received.length === 1));
    const [connection] = fake.connections;
    expect(connection?.received[0]?.bytes.length).toBe("early bird".length);
    socket.destroy();
  });
});

describe("endings", () => {
  test("the client's Close is echoed, and the database hears of it once", async () => {
    const { fake } = await open();
    const socket = await opened(dial());
    const [connection] = fake.connections;
    socket.close(4001, "enough");
    const [code] = await once(socket, "close");
    expect(code).toBe(4001);
    expect(connection?.closedCount).toBe(1);
    await until(() => fake.connections.size === 0);
  });

  test("the database closes with a code", async () => {
    const { fake } = await open();
    const socket = await opened(dial());
    const [connection] = fake.connections;
    socket.send("close");
    const [code, reason] = await once(socket, "close");
    expect([code, String(reason)]).toEqual([1013, "too many requests"]);
    await until(() => connection?.closedCount === 1);
  });

  test("the database drops the socket: no Close frame", async () => {
    await open();
    const socket = await opened(dial());
    socket.send("drop");
    const [code] = await once(socket, "close");
    expect(code).toBe(1006);
  });

  test("a database that fails closes with 1011, a stopping server with 1001, a deleted database too", async () => {
    const { token } = await open();
    const first = await opened(dial());
    first.send("fail");
    expect((await once(first, "close"))[0]).toBe(1011);
    const second = await opened(dial());
    const closed = once(second, "close");
    await host.ask("DELETE", "/v1/database/harbor", { token });
    expect((await closed).map(String)).toEqual(["1001", "module exited: the database was deleted"]);
    await host.ask("PUT", "/v1/database/harbor", { token, body: "again" });
    const third = await opened(dial());
    const last = once(third, "close");
    await host.server.stop();
    expect((await last)[0]).toBe(1001);
  });

  test.each([
    { why: "a frame without a mask", frame: Buffer.from("820101", "hex"), code: 1002 },
    { why: "text that is not UTF-8", frame: maskedFrame(1, true, Uint8Array.of(0xff)), code: 1007 },
    { why: "a message over `frameBytesMax`", frame: maskedFrame(2, true, new Uint8Array(1001)), code: 1009 },
  ])("$why: Close $code", async ({ frame, code }) => {
    const { fake } = await open({ limits: { frameBytesMax: 1000 } });
    const { socket, bytes } = await dialRaw();
    await until(() => fake.connections.size === 1);
    socket.write(frame);
    await once(socket, "end");
    // The first Ping, then the Close with its code.
    expect(bytes().subarray(0, 3).toString("hex")).toBe("890088");
    expect(bytes().readUInt16BE(4)).toBe(code);
    await until(() => fake.connections.size === 0);
  });

  test("a client that never answers our Close is dropped after `closeTimeoutMs`", async () => {
    const clock = new ManualClock();
    const { fake } = await open({ clock });
    const { socket, bytes } = await dialRaw();
    await until(() => fake.connections.size === 1);
    const [connection] = fake.connections;
    connection?.sink.close(1008, "go");
    await until(() => fake.connections.size === 0);
    // Its time starts to run once the Close has left.
    await until(() => bytes().toString("latin1").endsWith("go"));
    expect(socket.destroyed).toBe(false);
    clock.advance(250);
    await once(socket, "close");
  });
});

describe("row 9: what nobody asked for, by a hand-moved clock", () => {
  async function idle(): Promise<{
    clock: ManualClock;
    connection: FakeConnection;
    send: (text: string) => void;
    texts: () => string;
    wait: (bytes: number) => Promise<void>;
  }> {
    const clock = new ManualClock();
    const { fake } = await open({ clock });
    const { bytes } = await dialRaw();
    await until(() => fake.connections.size === 1);
    const [connection] = fake.connections;
    if (connection === undefined) throw new Error("no connection");
    connection.isIdle = true;
    const send = (text: string): void => connection.sink.send(Buffer.from(text), 0, text.length, true);
    // The first Ping has left, and is as long ago as it takes.
    await until(() => bytes().length === 2);
    clock.advance(gatherMs);
    const texts = (): string =>
      bytes()
        .subarray(2)
        .toString("latin1")
        .replaceAll(/[^a-z]/g, "");
    const wait = (count: number): Promise<void> => until(() => bytes().length >= count);
    return { clock, connection, send, texts, wait };
  }

  test("leaves at once, and with one write what comes within `gatherMs` after it", async () => {
    const { clock, send, texts } = await idle();
    send("a");
    await until(() => texts() === "a");
    send("b");
    await roundTrip();
    send("c");
    await roundTrip();
    expect(texts()).toBe("a");
    clock.advance(gatherMs);
    await until(() => texts() === "abc");
    clock.advance(gatherMs);
    send("d");
    await until(() => texts() === "abcd");
  });

  test("leaves with an answer, and before it", async () => {
    const { clock, connection, send, texts } = await idle();
    send("a");
    await until(() => texts() === "a");
    send("b");
    connection.isIdle = false;
    send("answer");
    await until(() => texts() === "abanswer");
    // The time of what was written is over without a write.
    connection.isIdle = true;
    send("c");
    clock.advance(gatherMs - 1);
    await roundTrip();
    expect(texts()).toBe("abanswer");
    clock.advance(1);
    await until(() => texts() === "abanswerc");
  });

  test("does not wait where it is much, and leaves before a Close", async () => {
    const { connection, send, texts, wait } = await idle();
    send("a");
    await until(() => texts() === "a");
    const large = new Uint8Array(70_000);
    connection.sink.send(large, 0, large.length, true);
    connection.sink.send(large, 0, large.length, true);
    await wait(140_000);
    send("b");
    connection.sink.close(1000, "");
    await until(() => texts().endsWith("b"));
    expect(connection.closedCount).toBe(1);
  });
});

describe("a slow client", () => {
  test("that does not read is dropped at `outboundBytesMax`", async () => {
    const { fake } = await open({ limits: { outboundBytesMax: 1_000_000 } });
    const { socket } = await dialRaw();
    socket.pause();
    await until(() => fake.connections.size === 1);
    const [connection] = fake.connections;
    const payload = new Uint8Array(200_000);
    for (let i = 0; i < 200 && fake.connections.size > 0; i += 1) {
      connection?.sink.send(payload, 0, payload.length, true);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(connection?.closedCount).toBe(1);
    socket.destroy();
  });

  test("that does not read is dropped at `outboundMessagesMax`", async () => {
    const { fake } = await open({ limits: { outboundMessagesMax: 50 } });
    const { socket } = await dialRaw();
    await until(() => fake.connections.size === 1);
    const [connection] = fake.connections;
    for (let i = 0; i < 60; i += 1) connection?.sink.send(new Uint8Array(1), 0, 1, true);
    await until(() => connection?.closedCount === 1);
    expect(fake.connections.size).toBe(0);
    socket.destroy();
  });

  test("that reads as fast as it can is never dropped, however much there is in all", async () => {
    const { fake } = await open({ limits: { outboundMessagesMax: 200, outboundBytesMax: 100_000 } });
    const socket = await opened(dial());
    let count = 0;
    socket.on("message", () => (count += 1));
    for (let round = 1; round <= 30; round += 1) {
      socket.send("flood");
      await until(() => count === round * floodMessages);
    }
    expect(fake.connections.size).toBe(1);
    socket.terminate();
  });

  test("that says Close with ours on its way to it gets all that waits, and ours behind it", async () => {
    const { fake } = await open();
    const { socket } = await dialRaw();
    await until(() => fake.connections.size === 1);
    const [{ sink }] = [...fake.connections] as [FakeConnection];
    socket.pause().removeAllListeners("data");
    const count = 30;
    for (let i = 0; i < count; i += 1) sink.send(new Uint8Array(bigBytes), 0, bigBytes, true);
    sink.close(4001, "enough");
    socket.write(maskedFrame(8, true, Buffer.from([0x03, 0xe8])));
    await roundTrip();
    let read = 0;
    let last = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      read += chunk.length;
      last = Buffer.concat([last, chunk]).subarray(-10);
    });
    socket.resume();
    await once(socket, "close");
    expect(last).toEqual(Buffer.concat([Buffer.from([0x88, 8, 0x0f, 0xa1]), Buffer.from("enough")]));
    expect(read).toBeGreaterThan(count * bigBytes);
  });

  test("is not read while the database is not ready", async () => {
    const { fake } = await open();
    const socket = await opened(dial());
    socket.send("slow");
    await until(() => [...fake.connections].some((connection) => !connection.ready));
    const [connection] = fake.connections;
    for (let i = 0; i < 400; i += 1) socket.send(new Uint8Array(100_000));
    // Each takes the server round its loop, in which it would read a part of what is there.
    for (let turn = 0; turn < 50; turn += 1) await roundTrip();
    const stalled = connection?.received.length ?? 0;
    expect(stalled).toBeLessThan(5);
    connection?.resume();
    await until(() => connection?.received.length === 401);
    socket.terminate();
  });
});

describe("liveness, by a hand-moved clock", () => {
  test("a Ping at once and `pingIntervalMs` after the Pong; silence for `idleTimeoutMs` ends it without a Close", async () => {
    const clock = new ManualClock();
    await open({ clock });
    const { socket, bytes } = await dialRaw();
    const pings = (): number => bytes().toString("hex").split("8900").length - 1;
    await until(() => pings() === 1);
    clock.advance(16_000);
    await roundTrip();
    expect(pings()).toBe(1);
    socket.write(maskedFrame(10, true, new Uint8Array(0)));
    await roundTrip();
    clock.advance(1000);
    await until(() => pings() === 2);
    clock.advance(28_000);
    await roundTrip();
    expect(socket.destroyed).toBe(false);
    clock.advance(2000);
    await once(socket, "close");
    expect(bytes().toString("hex")).not.toContain("88");
    socket.destroy();
  });

  test.each([
    { what: "in pieces", isOneFrame: false },
    { what: "in one", isOneFrame: true },
  ])(
    "a client on a slow network is there while it reads a message $what, and is dropped `idleTimeoutMs` after that",
    async ({ isOneFrame }) => {
      const clock = new ManualClock();
      const { fake } = await open({ clock });
      const { socket } = await dialRaw();
      await until(() => fake.connections.size === 1);
      const [connection] = fake.connections;
      if (connection === undefined) throw new Error("nobody is connected");
      const { sink } = connection;
      socket.pause().removeAllListeners("data");
      let read = 0;
      socket.on("data", (chunk) => {
        read += chunk.length;
        if (read >= 3 * bigBytes) socket.pause();
      });
      const piece = new Uint8Array(bigBytes);
      if (isOneFrame) sink.send(new Uint8Array(60 * bigBytes), 0, 60 * bigBytes, true);
      else for (let i = 0; i < 60; i += 1) sink.send(piece, 0, bigBytes, i === 59);
      // Two minutes of a network that carries 300,000 bytes a second.
      for (let step = 0; step < 12; step += 1) {
        const before = sink.queuedBytes;
        read = 0;
        socket.resume();
        await until(() => sink.queuedBytes < before && read >= 3 * bigBytes);
        clock.advance(10_000);
        await roundTrip();
        expect(connection.closedCount).toBe(0);
      }
      clock.advance(10_000);
      await roundTrip();
      expect(connection.closedCount).toBe(0);
      clock.advance(22_000);
      await until(() => connection.closedCount === 1);
      socket.destroy();
    },
  );

  test("a client's Ping is answered with its payload", async () => {
    await open();
    const socket = await opened(dial());
    socket.ping(Buffer.from("are you there"));
    const [payload] = await once(socket, "pong");
    expect(String(payload)).toBe("are you there");
    socket.terminate();
  });
});

describe("row 16: what many clients have begun to send has a bound together, `incomingBytesMax`", () => {
  const part = new Uint8Array(150_000);
  const requestOf = (path: string, bytes: number): string =>
    `PUT ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${bytes}\r\n\r\n`;

  /** Sends the head of a publish and a part of its body. */
  function publish(path: string, bytes: number, sent: number): { socket: Socket; answer: Promise<string> } {
    const socket = connect(host.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(requestOf(path, bytes));
    socket.write(part.subarray(0, sent));
    const answer = new Promise<string>((resolve) => {
      let text = "";
      socket.on("data", (chunk) => (text += String(chunk)));
      socket.on("close", () => resolve(text));
    });
    return { socket, answer };
  }

  test.each(["finished", "left"])("requests: one more is refused until the first has %s", async (how) => {
    await open({ limits: { incomingBytesMax: 100_000 } });
    let first = publish("/v1/database/first", 150_001, 150_000);
    let refused = await publish("/v1/database/second", 150_000, 150_000).answer;
    // The second may have been the quicker one: then the first was refused.
    while (!refused.startsWith("HTTP/1.1 429")) {
      first.socket.destroy();
      first = publish("/v1/database/first", 150_001, 150_000);
      refused = await publish("/v1/database/second", 150_000, 150_000).answer;
    }
    expect(refused).toContain("incomingBytesMax");
    expect(refused).toContain("lightcone-error: LimitExceeded");
    // Short ones pass all the while.
    expect(await publish("/v1/database/short", 60_000, 60_000).answer).toContain('"created"');
    if (how === "finished") {
      first.socket.write("x");
      expect(await first.answer).toContain('"created"');
    } else first.socket.destroy();
    await expect
      .poll(() => publish("/v1/database/second", 150_000, 150_000).answer)
      .toMatch(/"(created|updated)"|not authorized/);
  });

  test("messages in parts: one more is refused with 1013 until the first is whole, or its client has left", async () => {
    await open({ limits: { incomingBytesMax: 200_000 } });
    const begin = async (): Promise<Socket> => {
      const { socket } = await dialRaw();
      socket.write(maskedFrame(2, false, part));
      return socket;
    };
    const lastCode = async (): Promise<string> => {
      const { socket, bytes } = await dialRaw();
      socket.write(maskedFrame(2, false, part));
      socket.write(maskedFrame(9, true, Uint8Array.of(7)));
      // Either a Close with its code, or the Pong for the Ping that came behind.
      for (;;) {
        await Promise.race([once(socket, "data"), once(socket, "close")]);
        const received = bytes().toString("hex");
        if (received.includes("03f5")) return "1013";
        if (received.includes("8a0107")) {
          socket.destroy();
          return "open";
        }
      }
    };
    let first = await begin();
    while ((await lastCode()) !== "1013") {
      first.destroy();
      first = await begin();
    }
    first.write(maskedFrame(0, true, Uint8Array.of(1)));
    await expect.poll(lastCode).toBe("open");
    let second = await begin();
    while ((await lastCode()) !== "1013") {
      second.destroy();
      second = await begin();
    }
    second.destroy();
    await expect.poll(lastCode).toBe("open");
    first.destroy();
  });
});
