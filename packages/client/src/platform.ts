/** The world as a connection sees it. Tests hand in their own; `real-platform.ts` has the one of pages and Node. */
import type { Clock, Random } from "@lightcone/base";

/** A socket that was asked for. Whether it ever opens shows in the events. */
export interface Socket {
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Ends it; no event comes afterwards. */
  close(): void;
}

export interface SocketEvents {
  message(payload: Uint8Array): void;
  /** It ended, or could not be opened. */
  closed(reason: string): void;
}

/** What became of a token that was shown to a server. */
export type Exchanged =
  | { readonly kind: "ShortLived"; readonly token: string }
  /** The server does not take the token, and will not take it later. */
  | { readonly kind: "Refused"; readonly reason: string };

/** What a server says of a database that no socket could be opened to. */
export type Probed =
  | { readonly kind: "There" }
  /** An answer that will be the same next time. */
  | { readonly kind: "Refused"; readonly status: number; readonly reason: string };

export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  openSocket(url: string, protocol: string, events: SocketEvents): Socket;
  /**
   * Asks the server for a short-lived token, which may stand in an address where others read it.
   * Rejects when the server cannot be reached.
   */
  exchangeToken(url: string, token: string): Promise<Exchanged>;
  /**
   * Asks by plain HTTP why there is no connection: a page is told nothing of what a refused socket was answered.
   * Rejects when the server cannot be reached, or cannot answer now.
   */
  probe(url: string): Promise<Probed>;
  /** Tells the page, or the process, of an error that no caller waits for. */
  report(error: unknown): void;
  /** Says something to whoever develops the page or the program. */
  warn(text: string): void;
}
