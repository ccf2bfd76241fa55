/** Sockets, time and chance of a page, or of Node. */
import { LightconeError, plainClock, realRandom } from "@lightcone/base";
import { answerBytesMax, type Answered, type Platform, type Socket, type SocketEvents } from "./platform.ts";

/** The part of the class `WebSocket` that a client uses: a browser's, Node's, or that of the package `ws`. */
interface WebSocketLike {
  binaryType: string;
  readonly protocol: string;
  addEventListener(kind: string, run: (event: never) => void): void;
  send(message: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** `WebSocket` of a browser, of Node 22 and later, or of the package `ws`. */
// Each of them declares its events in a way of its own; what they have in common is `WebSocketLike`.
export type WebSocketClass = new (url: string, protocols: string[]) => object;

/**
 * The platform that there is.
 *
 * @param given the class to use instead of the global one
 * @throws {LightconeError} `NoWebSocket` when there is neither
 */
export function makeRealPlatform(given: WebSocketClass | undefined): Platform {
  const Socket = given ?? (globalThis as { readonly WebSocket?: WebSocketClass }).WebSocket;
  if (Socket === undefined) throw new LightconeError("NoWebSocket", {});
  return {
    clock: plainClock,
    random: realRandom,
    openSocket: (url, protocols, events) => openSocket(Socket, url, protocols, events),
    ask,
    onWake,
    // oxlint-disable-next-line no-console -- where developers of pages look
    warn: (text) => console.warn(text),
    // oxlint-disable-next-line no-console -- as above
    error: (text) => console.error(text),
    report: (error) => {
      // Thrown where nobody catches, it reaches `window.onerror`, or ends a Node process, as any error would.
      queueMicrotask(() => {
        throw error;
      });
    },
  };
}

function openSocket(Class: WebSocketClass, url: string, protocols: readonly string[], events: SocketEvents): Socket {
  const socket = new Class(url, [...protocols]) as WebSocketLike;
  let isClosed = false;
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
    if (isClosed) return;
    if (data instanceof ArrayBuffer) events.message(new Uint8Array(data));
    else events.closed(1003, "the server sent text");
  });
  socket.addEventListener("close", ({ code, reason }: { readonly code: number; readonly reason: string }) => {
    // Of a socket that broke, or never was, Deno says 0.
    if (!isClosed) events.closed(code === 0 ? 1006 : code, reason);
  });
  // Always followed by a "close", which says what there is to say; `ws` would throw one that nobody hears.
  socket.addEventListener("error", () => {});
  return {
    get protocol() {
      return socket.protocol;
    },
    send: (message) => socket.send(message),
    close: () => {
      isClosed = true;
      socket.close();
    },
  };
}

/** What a page hears that it has come back by. */
const wakeEvents = ["online", "pageshow", "resume", "visibilitychange"] as const;
/**
 * A Node process, and a page that was shown when its laptop went to sleep, hear nothing: by the wall clock alone they see that they
 * were away. So often they look, and so late is too late: a server has given up by then who does not answer it.
 */
const lookMs = 15_000;
const awayMs = 45_000;

interface Hearing {
  addEventListener?(kind: string, run: () => void, isCaught: boolean): void;
  removeEventListener?(kind: string, run: () => void, isCaught: boolean): void;
  readonly document?: { readonly visibilityState: string };
}

function onWake(run: () => void): () => void {
  const page = globalThis as unknown as Hearing; // not all of them are everywhere
  const woken = (): void => {
    if (page.document?.visibilityState !== "hidden") run();
  };
  // Two of them happen to the document, and pass by here on their way.
  for (const kind of wakeEvents) page.addEventListener?.(kind, woken, true);
  let lookedMs = Date.now();
  const looking = setInterval(() => {
    const nowMs = Date.now();
    // The timers of a page that is not shown are late as well, and what it misses it learns when it is.
    if (nowMs - lookedMs > awayMs) woken();
    lookedMs = nowMs;
  }, lookMs);
  return () => {
    clearInterval(looking);
    for (const kind of wakeEvents) page.removeEventListener?.(kind, woken, true);
  };
}

/** Answers that another time may bring another of. */
const passing: readonly number[] = [408, 425, 429];
const askTimeoutMs = 10_000;

async function ask(url: string, token?: string): Promise<Answered> {
  const shown = token === undefined ? {} : { method: "POST", headers: { authorization: `Bearer ${token}` } };
  const response = await fetch(url, { ...shown, signal: AbortSignal.timeout(askTimeoutMs) });
  const { status } = response;
  const text = await readText(response);
  if (response.ok) return { kind: "Text", text };
  const said = text.trim();
  if (status < 500 && !passing.includes(status)) return { kind: "Refused", status, reason: said };
  return { kind: "NotNow", reason: said === "" ? `the server answered ${status}` : said };
}

/** @throws {LightconeError} `LimitExceeded` */
async function readText(response: Response): Promise<string> {
  let text = "";
  let bytes = 0;
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    bytes += part.value.length;
    if (bytes > answerBytesMax) {
      await reader?.cancel();
      throw new LightconeError("LimitExceeded", { limit: "answerBytesMax", value: bytes, max: answerBytesMax });
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}
