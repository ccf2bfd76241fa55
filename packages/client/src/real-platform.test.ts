// Goal: why there is no connection is told by the server's answer, with the means of a page: sockets say nothing.
// Method: a server of Node's that answers as the row says, to the socket and to the question alike.
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { connect } from "./connect.ts";
import { answerBytesMax } from "./platform.ts";
import { makeRealPlatform } from "./real-platform.ts";

const server = createServer((request, response) => {
  if (request.url?.startsWith("/endless") === true) {
    const part = "x".repeat(1 << 20);
    const more = (): void => {
      while (!response.destroyed && response.write(part));
      if (!response.destroyed) response.once("drain", more);
    };
    return more();
  }
  response.writeHead(Number(/status-(\d+)/.exec(request.url ?? "")?.[1] ?? 500)).end("as it is");
});
// A socket that is not wanted is answered like any other request.
server.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n"));
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const uri = (status: number): string => `http://127.0.0.1:${port}/status-${status}`;
let close = (): void => undefined;
afterEach(() => close());

test.each([
  { status: 404, ends: "BadRequest" },
  { status: 401, ends: "Unauthorized" },
  { status: 403, ends: "Forbidden" },
  { status: 200, ends: "waiting" },
  { status: 429, ends: "waiting" },
  { status: 503, ends: "waiting" },
])("answered $status: $ends", async ({ status, ends }) => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const db = connect({
    uri: uri(status),
    database: "town",
    onState: (state) => void (state === "waiting" && resolve(state)),
    onError: (error) => resolve(error.code),
  });
  close = () => db.close();
  expect(await promise).toBe(ends);
});

test("issue 10, runtimes: a socket that is refused is asked after where its close has no code, as in Deno", async () => {
  class Codeless extends EventTarget {
    binaryType = "";
    readonly protocol = "";
    constructor() {
      super();
      queueMicrotask(() => this.dispatchEvent(new CloseEvent("close", { code: 0 })));
    }
    send(): void {}
    close(): void {}
  }
  const { promise, resolve } = Promise.withResolvers<string>();
  const db = connect({
    uri: uri(404),
    database: "town",
    WebSocket: Codeless,
    onState: (state) => void (state === "waiting" && resolve(state)),
    onError: (error) => resolve(error.code),
  });
  close = () => db.close();
  expect(await promise).toBe("BadRequest");
});

test("nobody listens: it is tried again", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const db = connect({ uri: "http://127.0.0.1:1", database: "town", onState: resolve });
  close = () => db.close();
  expect(await promise).toBe("waiting");
});

test("answerBytesMax: a server that goes on and on is heard no longer than that", async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const db = connect({ uri: `http://127.0.0.1:${port}/endless`, database: "town", onError: resolve });
  close = () => db.close();
  expect(await promise).toMatchObject({
    code: "LimitExceeded",
    detail: { limit: "answerBytesMax", max: answerBytesMax },
  });
});

test("issue 10: who slept and is told nothing sees it by the clock, once; timers that are a little late are no sleep", () => {
  vi.useFakeTimers({ now: 1_000_000 });
  try {
    const woken = vi.fn<() => void>();
    const end = makeRealPlatform(undefined).onWake?.(woken);
    const sleep = (ms: number): void => void vi.setSystemTime(Date.now() + ms);
    vi.advanceTimersByTime(3_600_000);
    sleep(25_000);
    vi.advanceTimersByTime(60_000);
    expect(woken).not.toHaveBeenCalled();
    sleep(3 * 3_600_000);
    vi.advanceTimersByTime(15_000);
    expect(woken).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(3_600_000);
    // A clock that is set back is no sleep.
    sleep(-3_600_000);
    vi.advanceTimersByTime(60_000);
    expect(woken).toHaveBeenCalledTimes(1);
    // In a tab that is not shown, timers run once a minute: it hears when it is shown again.
    vi.stubGlobal("document", { visibilityState: "hidden" });
    sleep(3 * 3_600_000);
    vi.advanceTimersByTime(60_000);
    expect(woken).toHaveBeenCalledTimes(1);
    end?.();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  }
});
