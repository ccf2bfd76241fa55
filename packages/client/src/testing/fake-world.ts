/** A world without sockets and time: what a client asks for is kept, and a test says what comes and when. */
import type { ClientMessage } from "@lightcone/protocol";
import type { Answered, Platform, SocketEvents } from "../platform.ts";
import type { TokenStore } from "../token-store.ts";
import { asksIn, translated, type TestedVersion } from "./translate.ts";

export class FakeSocket {
  readonly url: URL;
  readonly #events: SocketEvents;
  readonly #version: TestedVersion;
  readonly sent: ClientMessage[] = [];
  /** How many messages each frame had. */
  readonly frames: number[] = [];
  isClosed = false;

  constructor(url: string, events: SocketEvents, version: TestedVersion) {
    this.url = new URL(url);
    this.#events = events;
    this.#version = version;
  }

  /** A frame arrives. @param payload in version 1 */
  receive(payload: Uint8Array): void {
    this.#events.message(this.#version === 1 ? payload : translated(payload));
  }
  /** As it is. */
  receiveBytes(payload: Uint8Array): void {
    this.#events.message(payload);
  }
  take(frame: Uint8Array): void {
    const asks = asksIn(frame, this.#version);
    this.sent.push(...asks);
    this.frames.push(asks.length);
  }
  /** The connection ends. */
  drop(code = 1006, reason = ""): void {
    this.#events.closed(code, reason);
  }
  /** The queries and ids of what the client subscribed to. */
  get subscribes(): readonly { readonly queryId: number; readonly queries: readonly string[] }[] {
    return this.sent.filter((message) => message.kind === "SubscribeMulti");
  }
  get calls(): readonly { readonly reducer: string; readonly requestId: number; readonly args: Uint8Array }[] {
    return this.sent.filter((message) => message.kind === "CallReducer");
  }
}

export const answer = (text: string): Answered => ({ kind: "Text", text });
export const refusal = (status: number, reason = ""): Answered => ({ kind: "Refused", status, reason });

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

export class FakeWorld {
  readonly sockets: FakeSocket[] = [];
  readonly reported: unknown[] = [];
  readonly warned: string[] = [];
  readonly complained: string[] = [];
  readonly tokensShown: string[] = [];
  /** What was asked over HTTP but for tokens. */
  readonly asked: string[] = [];
  /** What runs when the page comes back. */
  readonly wakes = new Set<() => void>();
  /** What the server says of the database's schema. */
  schema: () => Promise<Answered>;
  /** What the server says of a token that is shown to it. */
  exchange: (token: string) => Promise<Answered> = async (token) => answer(JSON.stringify({ token: `short-${token}` }));
  readonly #version: TestedVersion;
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  /** @param version that its server speaks */
  constructor(schema: string, version: TestedVersion = 3) {
    this.#version = version;
    this.schema = async () => answer(schema);
  }

  /** The socket that was opened last. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  }

  /** The page comes back. */
  wake(): void {
    for (const run of this.wakes) run();
  }

  /** Lets time pass; what is due runs in order. */
  pass(ms: number): void {
    this.#nowMs += ms;
    for (const timer of [...this.#timers].toSorted((a, b) => a.at - b.at)) {
      if (timer.at <= this.#nowMs && this.#timers.delete(timer)) timer.run();
    }
  }

  readonly platform: Platform = {
    clock: {
      nowMicros: () => this.#nowMs * 1000,
      steadyMs: () => this.#nowMs,
      after: (delayMs, run) => {
        const timer = { at: this.#nowMs + delayMs, run };
        this.#timers.add(timer);
        return () => void this.#timers.delete(timer);
      },
    },
    onWake: (run) => {
      this.wakes.add(run);
      return () => void this.wakes.delete(run);
    },
    random: { fill: (target) => target.fill(255) }, // always the longest wait
    openSocket: (url, protocols, events) => {
      const socket = new FakeSocket(url, events, this.#version);
      this.sockets.push(socket);
      return {
        protocol: protocols.find((name) => name === `v${this.#version}.bsatn.spacetimedb`) ?? "",
        send: (bytes) => socket.take(bytes),
        close: () => {
          socket.isClosed = true;
        },
      };
    },
    ask: (url, token) => {
      if (token === undefined) {
        this.asked.push(url);
        return this.schema();
      }
      this.tokensShown.push(token);
      return this.exchange(token);
    },
    warn: (text) => void this.warned.push(text),
    error: (text) => void this.complained.push(text),
    report: (error) => void this.reported.push(error),
  };
}

/** Promises that are ready get their turn. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function memoryTokenStore(token?: string): TokenStore & { token: string | undefined } {
  return {
    token,
    get() {
      return this.token;
    },
    set(next) {
      this.token = next;
    },
    remove() {
      this.token = undefined;
    },
  };
}
