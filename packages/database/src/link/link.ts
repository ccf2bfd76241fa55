/**
 * What the front knows of a database: the same whether it runs in this thread, in a child process or
 * elsewhere. The front speaks of connections and requests; what a frame says is the database's business.
 */
import type { Client } from "./client.ts";
import type { HttpHeaders } from "@lightcone/host";
import type { SchemaForm } from "@lightcone/schema";

import type { Rest, WakeReason } from "./rest.ts";

/** Who acts. Claims are the token's payload as the token has it; they never enter a log. */
export interface Caller extends Client {
  readonly claims: string;
  /** Whether this identity owns the database: private tables, SQL writes, publishing. */
  readonly isOwner: boolean;
}

/** The protocols that are spoken, in no order. */
export const wireProtocols = ["v1.bsatn", "v1.json", "v2.bsatn", "v3.bsatn", "v1.bsatn.lightcone"] as const;
export type WireProtocol = (typeof wireProtocols)[number];
export type Compression = "none" | "gzip" | "brotli";

export interface ConnectionInfo {
  readonly caller: Caller;
  /** The credential to hand back in the first message. */
  readonly token: string;
  readonly protocol: WireProtocol;
  readonly compression: Compression;
  readonly light: boolean;
  /** Whether results wait until what they saw is durable. */
  readonly confirmed: boolean;
  /** Whether versions 2 and 3 tell what reducers give: official Rust clients break on it, so a client asks. */
  readonly results?: boolean;
}

/** A part of a client's subscriptions. */
export interface KeptPart {
  /** The message that made it. */
  readonly message: number;
  /** What its protocol restores it from. What a message makes may depend on what there was, so the message would not do. */
  readonly state: Uint8Array;
}

/** What must be known of a connection to hand it to the next host; messages are the client's own, counted from 1. */
export type ResumeNote =
  /** The message has made a part of the client's subscriptions: the next host gets it again. Said before it is answered. */
  | ({ readonly kind: "kept" } & KeptPart)
  /** It does so no more. */
  | { readonly kind: "dropped"; readonly message: number }
  /** The message waits: that later ones are answered does not say that it is, until it is done. */
  | { readonly kind: "waits" | "done"; readonly message: number }
  /** The client has been sent less than the others, and cannot be resumed, until it is level again. */
  | { readonly kind: "behind" }
  | { readonly kind: "level" };

/** Where a database sends what a connection should get. Called in order; must not call back in. */
export interface ConnectionSink {
  /**
   * A WebSocket message, or a part of one: `bytes[at … at + length)`, the compression tag at its start.
   * The bytes may be shared between sinks and are never written again, so a sink may keep or compare them.
   *
   * @param last whether this ends the message; a large one comes in parts
   */
  send(bytes: Uint8Array, at: number, length: number, last: boolean): void;
  /** Bytes handed to `send` that the socket has not yet taken. */
  readonly queuedBytes: number;
  /** Every message of the client up to this one, counted from 1, has had all of its answers, but for those that wait. */
  answered(messageCount: number): void;
  /** For whoever would hand the connection to the next host. */
  note(note: ResumeNote): void;
  /** Ends the connection from the database's side: a Close frame, or none (`code` undefined: the socket just drops). */
  close(code: number | undefined, reason: string): void;
}

/** A connection as the front holds it. */
export interface ConnectionHandle {
  /** One message from the client. The bytes are the database's from now on. `isText` as the WebSocket frame had it. */
  receive(bytes: Uint8Array, at: number, length: number, isText: boolean): void;
  /** The socket is gone. */
  closed(): void;
  /** False while the front should stop reading this socket. `onReady` is called when it may go on. */
  readonly ready: boolean;
  onReady: (() => void) | undefined;
  /** Whether the client waits for no answer: what it is sent now, it did not ask for. Undefined where that is not known. */
  readonly isIdle?: boolean;
}

export type OperatorLevel = "info" | "warn";
/** Says something to whoever runs the server: it may name files, and needs no database to be read. */
export type TellOperator = (level: OperatorLevel, message: string) => void;

export type HostType = "wasm" | "js";

export type DatabaseRequest =
  | { readonly kind: "call"; readonly caller: Caller; readonly functionName: string; readonly args: string }
  | { readonly kind: "sql"; readonly caller: Caller; readonly text: string; readonly confirmed: boolean }
  /** To a route of the module. The caller is nobody, under a connection id that is the request's own. */
  | {
      readonly kind: "route";
      readonly caller: Caller;
      readonly method: string;
      /** Whose the request is, as far as limits go. */
      readonly peer: string;
      /** What follows `/route`. */
      readonly path: string;
      /** The whole address, as the module sees it. */
      readonly uri: string;
      readonly headers: HttpHeaders;
      /** As `1.1`. */
      readonly version: string;
      readonly body: Uint8Array;
    }
  | { readonly kind: "schema"; readonly form: SchemaForm }
  /** Replaces the program. Refused changes leave the running module untouched. */
  | {
      readonly kind: "publish";
      /** Names it among work of its kind; `workIdBytes` bytes. */
      readonly id?: Uint8Array;
      readonly program: Uint8Array;
      readonly hostType: HostType;
      readonly breakClients: boolean;
      /** What the caller was given with the plan, as JSON spells a hash; must match when `breakClients` is set. */
      readonly migrationToken?: string;
      /** Whether data may go that tables and columns held which are gone. */
      readonly dropsData?: boolean;
    }
  /** Says what publishing this program would do, and does nothing. */
  | {
      readonly kind: "plan";
      readonly id?: Uint8Array;
      readonly program: Uint8Array;
      readonly hostType: HostType;
      /** Whether the plan's text is coloured for a terminal. */
      readonly style?: "ansi" | "plain";
      readonly dropsData?: boolean;
      /** Whether the answer has more than the reference's: cost, what breaks, what is lost. */
      readonly isDetailed?: boolean;
    }
  /** The program that runs, as the body. */
  | { readonly kind: "program" }
  /** Takes a snapshot; answers `{"offset":…}` when it is published. */
  | { readonly kind: "snapshot" };

/** An answer in HTTP's terms: the database makes the texts of its errors itself. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Header fields that may repeat. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

export interface DatabaseLink {
  connect(info: ConnectionInfo, sink: ConnectionSink): ConnectionHandle;
  /** @param left aborted when nobody is there any more to take the reply; looked at for requests to routes alone */
  request(request: DatabaseRequest, left?: AbortSignal): Promise<Reply>;
  /** Resolves when what was added to the module's log by now is in its files, where `LogReader` finds it. */
  flushLog(): Promise<void>;
  /**
   * Finishes the queue, runs the disconnects, syncs, takes a snapshot if `withinMs` suffices.
   *
   * @returns undefined when something of that was left to the next start
   */
  stop(withinMs: number): Promise<Rest | undefined>;
  /**
   * Ends if the database has nothing to do. Clients do not notice: their connections go on with the next host.
   *
   * @returns undefined when it has something to do, and goes on
   */
  park?(): Promise<Rest | undefined>;
  /** Sees to it that the database has a host, if it rests. */
  wake?(why: WakeReason): void;
  /** Batches that have crossed either way; left out where there are none. */
  readonly traffic?: number;
  /** Resolves when the database is gone without having been asked to. */
  readonly failed: Promise<Error>;
  /** The last offset whose results every sink has been handed; -1 or left out when it is not known. */
  readonly releasedOffset?: number;
}

/** A database that is created: what it needs to know before its first commit. */
export interface DatabaseIdentity {
  /** 32 bytes, little-endian. */
  readonly database: Uint8Array;
  readonly owner: Uint8Array;
}
