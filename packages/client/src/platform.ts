/** The world as a connection sees it. Tests hand in their own; `real-platform.ts` has the one of pages and Node. */
import type { Clock, Random } from "@lightcone/base";

/** A socket that was asked for. Whether it ever opens shows in the events. */
export interface Socket {
  /** The one of those offered that the server chose, once it is open. */
  readonly protocol: string;
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Ends it; no event comes afterwards. */
  close(): void;
}

/** What a `Socket` tells. */
export interface SocketEvents {
  message(payload: Uint8Array): void;
  /** It ended, or could not be opened. @param code of the server's Close; 1006 when there was none */
  closed(code: number, reason: string): void;
}

/** What a server answered when it was asked for a text. */
export type Answered =
  | { readonly kind: "Text"; readonly text: string }
  /** Another time may bring another answer. */
  | { readonly kind: "NotNow"; readonly reason: string }
  /** An answer that will be the same next time. */
  | { readonly kind: "Refused"; readonly status: number; readonly reason: string };

/** Of an answer: a schema, of which the largest that a server takes has about a quarter of that. */
export const answerBytesMax = 16 * 1024 * 1024;

/**
 * What a client needs of the page or the process that it is in: a clock, chance, sockets, requests. Tests hand in
 * their own.
 */
export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  openSocket(url: string, protocols: readonly string[], events: SocketEvents): Socket;
  /**
   * Asks by plain HTTP. Rejects when the server cannot be reached, and with `LimitExceeded` when it says more than
   * `answerBytesMax`.
   *
   * @param token to show; what is asked then is a `POST`
   */
  ask(url: string, token?: string): Promise<Answered>;
  /** Runs when a page comes back: shown again, out of a frozen tab or a sleep, or with a network again;
   * and when a process was stopped for long. Returns what ends that. */
  onWake?(run: () => void): () => void;
  /** Throws an error where nobody catches it: the application's own, or one that the client ended of. */
  report(error: unknown): void;
  /** Says that something failed to whoever develops the page or the program. */
  error(text: string): void;
  /** Says something to whoever develops the page or the program. */
  warn(text: string): void;
}
