/**
 * The connection behind a client: it finds its way back by itself, and what the application sees changes only by
 * differences. No types here; `connect.ts` puts them on.
 *
 *   connecting ──first message, all subscriptions answered──▶ open
 *       ▲  └──lost, too slow───────────┐                        │ lost
 *       └──backoff over, retry()── waiting ◀────────────────────┘        any ──close(), refused──▶ closed
 *
 * Laws
 *   Each attempt is a `Link` with bags of its own. Until its subscriptions are answered the application goes on
 *   seeing the rows of the link before; then the bags change places and only the difference is told.
 *   A message is applied as a whole before any callback runs.
 *   A call that was sent and not answered fails when its link is lost: nobody knows what became of it. One that
 *   was not sent waits for the next link.
 *   What a page cannot read (`Malformed`) closes the client: trying again would read the same. So does an answer
 *   that would be the same next time: no such database, not allowed. Whoever waits for something is told the error;
 *   if nobody waits, `events.failed` is.
 */
import { LightconeError } from "@lightcone/base";
import {
  decodeServerMessage,
  encodeClientMessage,
  type ClientMessage,
  type IdentityToken,
  type MultiApplied,
  type ServerMessage,
  type TableUpdate,
  type TransactionUpdate,
} from "@lightcone/protocol";
import { ByteWriter, ConnectionId, Identity, toHexReversed } from "@lightcone/sats";
import { backoffMs } from "./backoff.ts";
import type { Platform, Probed, Socket } from "./platform.ts";
import { RowBag, type BagTable, type TableChange } from "./row-bag.ts";
import { Subscription } from "./subscription.ts";
import type { TokenStore } from "./token-store.ts";

export type ConnectionState = "connecting" | "open" | "waiting" | "closed";

export interface ConnectionOptions {
  readonly uri: string;
  readonly database: string;
  readonly token: string | undefined;
  readonly tokenStore: TokenStore | undefined;
  readonly confirmed: boolean | undefined;
  readonly tables: readonly BagTable[];
  readonly platform: Platform;
}

/** What a connection tells whoever holds it. */
export interface ConnectionEvents {
  state(state: ConnectionState, reason: string | undefined): void;
  /** A whole message, or a reconnection, is in the tables; these changed. */
  changed(changes: ReadonlyMap<string, TableChange>): void;
  /** Whether errors are heard: then nobody need look at each promise that they reject. */
  readonly hearsErrors: boolean;
  /** An error that no caller waits for; or that whoever waits for something is told as well. */
  failed(error: LightconeError, isTold: boolean): void;
  /** The server cannot be reached, and is tried again; once each time that it goes away. */
  unreachable(reason: string): void;
}

const subprotocol = "v1.bsatn.spacetimedb";

/** How long an attempt may take until the server's first message. */
const connectTimeoutMs = 15_000;

/** Calls that wait for a connection. */
export const heldCallsMax = 1_000;

interface Call {
  readonly id: number;
  readonly reducer: string;
  readonly args: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: LightconeError) => void;
}

/** One attempt, and the connection that came of it. */
interface Link {
  readonly bags: ReadonlyMap<string, RowBag>;
  socket: Socket | undefined;
  /** Whether the server's first message came. */
  isReady: boolean;
  /** Whether the application sees its bags. */
  isLive: boolean;
  /** Subscriptions that must be answered first. */
  readonly awaited: Set<number>;
  /** What to tell once it is live: callers whose calls were answered, and subscriptions. */
  readonly answers: (() => void)[];
  readonly applied: Subscription[];
  cancelTimeout: () => void;
}

export class Connection {
  state: ConnectionState = "connecting";
  identity: Identity | undefined;
  connectionId: ConnectionId | undefined;
  token: string | undefined;

  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  readonly #out = new ByteWriter(1024);
  readonly #subscriptions = new Map<number, Subscription>();
  /** Sent on the link that there is, and not answered. */
  readonly #sent = new Map<number, Call>();
  #held: Call[] = [];
  #bags: ReadonlyMap<string, RowBag>;
  #link: Link | undefined;
  #attempt = 0;
  #saidUnreachable = false;
  /** What closed the client, if the application did not. */
  #end: LightconeError | undefined;
  #nextId = 1;
  #cancelWait: () => void = () => {};

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
    this.token = options.token;
    this.#bags = makeBags(options.tables);
    this.#open();
  }

  /** The rows of a table that the client knows. */
  bag(table: string): RowBag {
    const bag = this.#bags.get(table);
    if (bag === undefined) throw new LightconeError("NoSuchTable", { table });
    return bag;
  }

  call(reducer: string, args: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.state === "closed") throw this.#closedBefore();
      const call: Call = { id: this.#newId(), reducer, args, resolve, reject };
      if (this.#link?.isReady === true) return this.#sendCall(call);
      if (this.#held.length >= heldCallsMax) {
        const value = this.#held.length + 1;
        throw new LightconeError("LimitExceeded", { limit: "heldCallsMax", value, max: heldCallsMax });
      }
      this.#held.push(call);
    });
  }

  subscribe(queries: readonly string[]): Subscription {
    const subscription = new Subscription(this.#newId(), queries);
    if (this.state === "closed") {
      subscription.fail(this.#closedBefore());
      return subscription;
    }
    this.#subscriptions.set(subscription.id, subscription);
    if (this.#link?.isReady === true) this.#sendSubscribe(subscription);
    return subscription;
  }

  unsubscribe(subscription: Subscription): void {
    if (!this.#subscriptions.delete(subscription.id)) return;
    subscription.end(new LightconeError("ConnectionClosed", { reason: "it was unsubscribed" }));
    if (this.#link?.isReady !== true) return;
    const requestId = this.#newId();
    this.#send({ kind: "UnsubscribeMulti", requestId, queryId: subscription.id });
  }

  /** Tries to connect at once instead of waiting for the backoff to end. */
  retry(): void {
    if (this.state !== "waiting") return;
    this.#cancelWait();
    this.#open();
  }

  close(): void {
    this.#close(undefined);
  }

  #closedBefore(): LightconeError {
    const reason = this.#end?.message ?? "it was closed before";
    return new LightconeError("ConnectionClosed", { reason }, { cause: this.#end });
  }

  // --- the way to a link

  #open(): void {
    const { platform, tables } = this.#options;
    const link: Link = {
      bags: makeBags(tables),
      socket: undefined,
      isReady: false,
      isLive: false,
      awaited: new Set(),
      answers: [],
      applied: [],
      cancelTimeout: platform.clock.after(connectTimeoutMs, () => this.#lost(link, "the server did not answer")),
    };
    this.#link = link;
    this.#setState("connecting", undefined);
    // What the last link was given keeps the identity where there is no store.
    const token = this.#options.token ?? this.#options.tokenStore?.get() ?? this.token;
    this.token = token;
    if (token === undefined) return this.#openSocket(link, undefined);
    platform.exchangeToken(this.#url("v1/identity/websocket-token"), token).then(
      (exchanged) => {
        if (this.#link !== link) return;
        if (exchanged.kind === "ShortLived") this.#openSocket(link, exchanged.token);
        else this.#tokenRefused(link, exchanged.reason);
      },
      (error: unknown) => this.#askWhy(link, error instanceof Error ? error.message : String(error)),
    );
  }

  /** There is no connection. Why, a page can only learn by asking: what is final ends the client. */
  #askWhy(link: Link, reason: string): void {
    if (this.#link !== link) return;
    if (link.isReady) return this.#lost(link, reason);
    const { platform, database } = this.#options;
    link.socket?.close();
    platform.probe(this.#url(`v1/database/${encodeURIComponent(database)}`)).then(
      (probed) => {
        if (this.#link !== link) return;
        if (probed.kind === "Refused") this.#close(refusalOf(database, probed));
        else this.#lost(link, `${reason}: the database is there and takes no connection; its module may refuse it`);
      },
      () => this.#lost(link, reason),
    );
  }

  /** A token that was kept is worth nothing to this server any more: go on as somebody new. A given one is final. */
  #tokenRefused(link: Link, reason: string): void {
    if (this.#options.token !== undefined) return this.#close(new LightconeError("Unauthorized", { reason }));
    this.#options.tokenStore?.remove();
    this.token = undefined;
    this.#openSocket(link, undefined);
  }

  #openSocket(link: Link, shortLived: string | undefined): void {
    const url = new URL(this.#url(`v1/database/${encodeURIComponent(this.#options.database)}/subscribe`));
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("compression", "None");
    url.searchParams.set("light", "true");
    if (this.#options.confirmed !== undefined) url.searchParams.set("confirmed", String(this.#options.confirmed));
    if (shortLived !== undefined) url.searchParams.set("token", shortLived);
    link.socket = this.#options.platform.openSocket(url.href, subprotocol, {
      message: (payload) => this.#receive(link, payload),
      closed: (reason) => this.#askWhy(link, reason),
    });
  }

  /** An address under the server's, which may have a path of its own. */
  #url(path: string): string {
    const base = new URL(this.#options.uri);
    base.protocol = base.protocol.replace("ws", "http");
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    return new URL(path, base).href;
  }

  #lost(link: Link, reason: string): void {
    if (this.#link !== link) return;
    this.#drop(link);
    const waitMs = backoffMs(this.#attempt, this.#options.platform.random);
    this.#attempt += 1;
    if (!link.isReady && !this.#saidUnreachable) {
      this.#saidUnreachable = true;
      this.#tell(() => this.#events.unreachable(reason));
    }
    this.#cancelWait = this.#options.platform.clock.after(waitMs, () => this.#open());
    this.#setState("waiting", reason);
  }

  /** Lets go of a link; what was sent on it stays unknown. */
  #drop(link: Link): void {
    this.#link = undefined;
    link.cancelTimeout();
    link.socket?.close();
    // Answered already: the outcome is known, though its rows come only with the next link.
    for (const tell of link.answers) tell();
    const lost = [...this.#sent.values()];
    this.#sent.clear();
    for (const { reducer, reject } of lost) reject(new LightconeError("ConnectionLost", { reducer }));
  }

  #close(error: LightconeError | undefined): void {
    if (this.state === "closed") return;
    this.#cancelWait();
    if (this.#link !== undefined) this.#drop(this.#link);
    const held = this.#held;
    this.#held = [];
    const waiting = [...this.#subscriptions.values()].filter((subscription) => !subscription.isSettled);
    this.#subscriptions.clear();
    this.#end = error;
    const told = error ?? new LightconeError("ConnectionClosed", { reason: "the application closed it" });
    for (const { reject } of held) reject(told);
    for (const subscription of waiting) {
      if (error === undefined || this.#events.hearsErrors) subscription.end(told);
      else subscription.fail(told);
    }
    this.#setState("closed", error?.message);
    if (error !== undefined) this.#tell(() => this.#events.failed(error, held.length + waiting.length > 0));
  }

  #setState(state: ConnectionState, reason: string | undefined): void {
    if (this.state === state && reason === undefined) return;
    this.state = state;
    this.#tell(() => this.#events.state(state, reason));
  }

  // --- what the client says

  #newId(): number {
    const id = this.#nextId;
    this.#nextId += 1;
    return id;
  }

  #send(message: ClientMessage): void {
    this.#out.reset();
    encodeClientMessage(this.#out, message);
    this.#link?.socket?.send(this.#out.toBytes());
  }

  #sendCall(call: Call): void {
    this.#sent.set(call.id, call);
    const { reducer, args, id: requestId } = call;
    this.#send({ kind: "CallReducer", reducer, args, argsText: undefined, requestId, notify: true });
  }

  #sendSubscribe({ id, queries }: Subscription): void {
    this.#send({ kind: "SubscribeMulti", queries, requestId: id, queryId: id });
  }

  // --- what the server says

  #receive(link: Link, payload: Uint8Array): void {
    if (this.#link !== link) return;
    try {
      if (payload[0] !== 0)
        throw new LightconeError("Malformed", { what: "payload", reason: "it is compressed; nothing was asked to be" });
      this.#understand(link, decodeServerMessage(payload.subarray(1)));
    } catch (error) {
      if (!(error instanceof LightconeError)) throw error;
      this.#close(error);
    }
  }

  #understand(link: Link, message: ServerMessage): void {
    switch (message.kind) {
      case "IdentityToken":
        return this.#begin(link, message);
      case "SubscribeMultiApplied":
        return this.#subscriptionApplied(link, message);
      case "UnsubscribeMultiApplied":
        return this.#apply(link, message.tables, undefined);
      case "TransactionUpdate":
        return this.#apply(
          link,
          message.status.kind === "Committed" ? message.status.tables : [],
          this.#answer(message),
        );
      case "TransactionUpdateLight":
        return this.#apply(link, message.tables, undefined);
      case "SubscriptionError":
        return this.#subscriptionFailed(link, message.queryId, message.message);
      case "InitialSubscription":
      case "SubscribeApplied":
      case "UnsubscribeApplied":
      case "OneOffQueryResponse":
      case "ProcedureResult":
        throw new LightconeError("Malformed", { what: message.kind, reason: "nothing was asked that it answers" });
    }
  }

  #begin(link: Link, message: IdentityToken): void {
    link.cancelTimeout();
    link.isReady = true;
    this.identity = Identity.fromBytes(message.identity.slice());
    this.connectionId = ConnectionId.fromString(toHexReversed(message.connectionId));
    if (this.token === undefined) {
      // Of a token that was shown, the server gives back the short-lived one: not to be kept.
      this.token = message.token;
      this.#options.tokenStore?.set(message.token);
    }
    for (const subscription of this.#subscriptions.values()) {
      link.awaited.add(subscription.id);
      this.#sendSubscribe(subscription);
    }
    const held = this.#held;
    this.#held = [];
    for (const call of held) this.#sendCall(call);
    if (link.awaited.size === 0) this.#goLive(link);
  }

  /** What to tell the caller whose call this answers, if it is one of ours. */
  #answer(message: TransactionUpdate): (() => void) | undefined {
    if (toHexReversed(message.callerConnectionId) !== this.connectionId?.toHexString()) return undefined;
    const call = this.#answered(message);
    if (call === undefined) return undefined;
    this.#sent.delete(call.id);
    const { status } = message;
    if (status.kind === "Committed") return call.resolve;
    const text = status.kind === "Failed" ? status.message : "the call used up what it may use";
    return () => call.reject(new LightconeError("ReducerFailed", { message: text }));
  }

  #answered({ requestId, reducerName, status }: TransactionUpdate): Call | undefined {
    const call = this.#sent.get(requestId);
    if (call !== undefined || requestId !== 0 || status.kind === "Committed") return call;
    // Some servers refuse a call before it runs without saying which: it is the oldest of that name.
    for (const one of this.#sent.values()) if (one.reducer === reducerName || reducerName === "") return one;
    return undefined;
  }

  #subscriptionApplied(link: Link, { queryId, tables }: MultiApplied): void {
    const subscription = this.#subscriptions.get(queryId); // none when it was ended meanwhile
    if (link.isLive) return this.#apply(link, tables, () => subscription?.markApplied());
    this.#apply(link, tables, undefined);
    if (subscription !== undefined) link.applied.push(subscription);
    link.awaited.delete(queryId);
    if (link.awaited.size === 0) this.#goLive(link);
  }

  #subscriptionFailed(link: Link, id: number | undefined, message: string): void {
    const subscription = id === undefined ? undefined : this.#subscriptions.get(id);
    // One without an id ended every subscription of the link: a new link has them all again.
    if (id === undefined) return this.#lost(link, message);
    if (subscription !== undefined) {
      this.#subscriptions.delete(subscription.id);
      const error = new LightconeError("SubscriptionRefused", { message });
      if (subscription.isSettled) this.#tell(() => this.#events.failed(error, false));
      else subscription.fail(error);
    }
    link.awaited.delete(id);
    if (!link.isLive && link.awaited.size === 0) this.#goLive(link);
  }

  // --- rows

  #apply(link: Link, tables: readonly TableUpdate[], tell: (() => void) | undefined): void {
    const changes = new Map<string, TableChange>();
    const touched = new Set<RowBag>();
    for (const { tableName, updates } of tables) {
      const bag = link.bags.get(tableName);
      if (bag === undefined) continue; // a table that the module of this page does not have
      touched.add(bag);
      for (const { deletes, inserts } of updates) {
        for (const row of deletes) bag.count(row, -1);
        for (const row of inserts) bag.count(row, 1);
      }
    }
    for (const bag of touched) changes.set(bag.table.name, bag.settle());
    if (link.isLive) {
      this.#tell(() => this.#events.changed(changes));
      return tell?.();
    }
    if (tell !== undefined) link.answers.push(tell);
  }

  /** The link has every row: it takes the place of the one before, and the difference is told. */
  #goLive(link: Link): void {
    const before = this.#bags;
    const changes = new Map<string, TableChange>();
    for (const [name, bag] of link.bags) {
      const old = before.get(name);
      if (old !== undefined) changes.set(name, bag.replace(old));
    }
    this.#bags = link.bags;
    link.isLive = true;
    this.#attempt = 0;
    this.#saidUnreachable = false;
    this.#tell(() => this.#events.changed(changes));
    for (const subscription of link.applied.splice(0)) subscription.markApplied();
    for (const tell of link.answers.splice(0)) tell();
    if (this.#link === link) this.#setState("open", undefined);
  }

  /** Runs the application's code: what it throws is its own, and must not stop the connection. */
  #tell(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#options.platform.report(error);
    }
  }
}

/** What an answer that is final means for whoever wants to connect. */
function refusalOf(database: string, { status, reason }: Probed & { readonly kind: "Refused" }): LightconeError {
  const said = reason === "" ? `the server answered ${status}` : reason;
  switch (status) {
    case 401:
      return new LightconeError("Unauthorized", { reason: said });
    case 403:
      return new LightconeError("Forbidden", { reason: said });
    case 404:
      return new LightconeError("NoSuchDatabase", { name: database });
    default:
      return new LightconeError("BadRequest", { reason: said });
  }
}

function makeBags(tables: readonly BagTable[]): ReadonlyMap<string, RowBag> {
  return new Map(tables.map((table) => [table.name, new RowBag(table)]));
}
