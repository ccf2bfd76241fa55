/**
 * The connection behind a client: it finds its way back by itself, and what the application sees changes only by
 * differences. No types here; `connect.ts` puts them on.
 *
 *   connecting ──link ready, all subscriptions answered──▶ open
 *       ▲  └──lost, too slow───────────┐                     │ lost
 *       └──backoff over, retry()── waiting ◀─────────────────┘        any ──close(), refused──▶ closed
 *
 * Laws
 *   Each link has bags of its own. Until its subscriptions are answered the application goes on seeing the rows of the
 *   link before; then the bags change places and only the difference is told.
 *   A message is applied as a whole before any callback runs, or not at all.
 *   A call that was sent and not answered fails when its link is lost: nobody knows what became of it. One that
 *   was not sent waits for the next link.
 *   What would be the same next time closes the client: no such database, not allowed, refused by the module, rows
 *   that do not decode by the schema of now. Whoever waits for something is told; if nobody waits, `events.failed` is.
 */
import { LightconeError } from "@lightcone/base";
import { resultLostStart } from "@lightcone/protocol";
import { ConnectionId, Identity, toHexReversed } from "@lightcone/sats";
import { backoffMs, steadyAfterMs } from "./backoff.ts";
import type { Catalog, FunctionKind } from "./catalog.ts";
import { Link, type LinkOptions } from "./link.ts";
import { noChange, RowBag, rowsIn, type TableChange } from "./row-bag.ts";
import { RowQuery } from "./row-query.ts";
import { Subscription, type Query } from "./subscription.ts";
import { decodeValue, isObject } from "./value-codec.ts";
import type { Answer, Ask, Greeting, Rows, Said } from "./wire.ts";

export type ConnectionState = "connecting" | "open" | "waiting" | "closed";

export interface ConnectionOptions extends LinkOptions {
  readonly catalog: Catalog;
}

/** What a connection tells whoever holds it. */
export interface ConnectionEvents {
  state(state: ConnectionState, reason: string | undefined): void;
  /** The schema is known, or another than before. */
  named(): void;
  /** Whether anybody hears which rows of a table come and go. */
  hears(accessor: string): boolean;
  /** A whole message, or a reconnection, is in the tables; these changed. */
  changed(changes: ReadonlyMap<string, TableChange>): void;
  /** Whether errors are heard: then nobody need look at each promise that they reject. */
  readonly hearsErrors: boolean;
  /** An error that no caller waits for; or that whoever waits for something is told as well. */
  failed(error: LightconeError, isTold: boolean): void;
  /** The server cannot be reached, and is tried again; once each time that it goes away. */
  unreachable(reason: string): void;
}

/** So long a call may wait without a word before the server is asked whether it is there, and so long that may take. */
const silenceMs = 20_000;
const probeMs = 10_000;

/** Calls that wait for a connection. */
export const heldCallsMax = 1_000;

interface Call {
  readonly id: number;
  readonly kind: FunctionKind;
  /** As the module's code has it. */
  readonly reducer: string;
  readonly args: unknown;
  /** Takes what it gives. */
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What waits for a connection. */
interface Held {
  readonly what: string;
  readonly send: () => void;
  readonly reject: (error: unknown) => void;
}

/** What was sent and is not answered. */
interface Sent {
  /** As the application calls it. */
  readonly what: string;
  /** The reducer's name on the wire. */
  readonly reducer?: string;
  /** Takes the answer. What it gives tells whoever waits, once the rows are there. */
  readonly take: (answer: Answer) => () => void;
  readonly reject: (error: unknown) => void;
  /** Of what may be asked again without harm. */
  readonly again?: Held;
}

/** A link, and what came over it. */
interface Attempt {
  readonly link: Link;
  readonly bags: Map<string, RowBag>;
  /** Since when the application sees its bags. */
  liveSinceMs: number | undefined;
  /** Subscriptions that must be answered first. */
  readonly awaited: Set<number>;
  /** What to tell once it is live: callers whose calls were answered, and subscriptions. */
  readonly answers: (() => void)[];
  readonly applied: Subscription[];
}

export class Connection {
  state: ConnectionState = "connecting";
  identity: Identity | undefined;
  connectionId: ConnectionId | undefined;
  /** What closed the client, if the application did not. */
  end: LightconeError | undefined;

  readonly #options: ConnectionOptions;
  /** Of the hashes of rows. */
  readonly #seed: number;
  readonly #events: ConnectionEvents;
  readonly #subscriptions = new Map<number, Subscription>();
  /** Sent on the link that there is, and not answered. */
  readonly #sent = new Map<number, Sent>();
  #held: Held[] = [];
  #bags: ReadonlyMap<string, RowBag> = new Map();
  #attempt: Attempt | undefined;
  /** Attempts since a connection lasted. */
  #attemptCount = 0;
  #saidUnreachable = false;
  /** Tables that the application uses, and what was told to differ in them. */
  readonly #used = new Set<string>();
  readonly #told = new Set<string>();
  #nextId = 1;
  /** Messages heard over all links. */
  #heard = 0;
  #cancelWatch: (() => void) | undefined;
  #cancelProbe: (() => void) | undefined;
  readonly #endWakes: () => void;
  #cancelWait: () => void = () => {};

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#seed = new DataView(options.platform.random.fill(new Uint8Array(4)).buffer).getUint32(0);
    this.#events = events;
    this.#endWakes = options.platform.onWake?.(() => this.#woken()) ?? (() => {});
    this.#open();
  }

  /** The rows of a table; none before there are any. What keeps the page from using it is told once. */
  bag(accessor: string): RowBag | undefined {
    this.use(accessor);
    return this.#bags.get(accessor);
  }

  /** Notes that the application uses a table. */
  use(accessor: string): void {
    if (this.#used.has(accessor)) return;
    this.#used.add(accessor);
    if (this.#options.catalog.isKnown) this.#checkUse(accessor);
  }

  /** @param args what the application gave; what is no object is refused as `BadArguments` */
  call(kind: FunctionKind, reducer: string, args: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.state === "closed") throw this.#closedBefore();
      const call: Call = { id: this.#newId(), kind, reducer, args, resolve, reject };
      if (this.#attempt?.link.isReady === true) return this.#sendCall(call);
      // What is wrong with it is said now, as far as that is known.
      if (this.#options.catalog.isKnown) this.#options.catalog.encodeCall(kind, reducer, args);
      // The application may change its object meanwhile.
      const kept = isObject(args) ? { ...call, args: { ...args } } : call;
      this.#hold({ what: reducer, send: () => this.#sendCall(kept), reject });
    });
  }

  /** Rows as the database has them now. */
  query(query: Query): Promise<readonly object[]> {
    return new Promise((resolve, reject) => {
      if (this.state === "closed") throw this.#closedBefore();
      const held: Held = { what: "query", reject, send: () => this.#sendQuery(query, held, resolve) };
      if (this.#attempt?.link.isReady === true) held.send();
      else this.#hold(held);
    });
  }

  #hold(held: Held): void {
    if (this.#held.length >= heldCallsMax) {
      const value = this.#held.length + 1;
      throw new LightconeError("LimitExceeded", { limit: "heldCallsMax", value, max: heldCallsMax });
    }
    this.#held.push(held);
  }

  subscribe(queries: readonly Query[]): Subscription {
    const subscription = new Subscription(this.#newId(), queries);
    if (this.state === "closed") {
      subscription.fail(this.#closedBefore());
      return subscription;
    }
    this.#subscriptions.set(subscription.id, subscription);
    if (this.#attempt?.link.isReady === true) this.#sendSubscribe(this.#attempt, subscription);
    return subscription;
  }

  unsubscribe(subscription: Subscription): void {
    if (!this.#subscriptions.delete(subscription.id)) return;
    subscription.end(new LightconeError("Unsubscribed", {}));
    if (this.#attempt?.link.isReady !== true) return;
    this.#attempt.link.send({ kind: "unsubscribe", id: this.#newId(), subscription: subscription.id });
  }

  /** Tries to connect at once instead of waiting for the backoff to end. */
  retry(): void {
    if (this.state !== "waiting") return;
    this.#cancelWait();
    this.#open();
  }

  close(): void {
    this.#closeWith(undefined);
  }

  #closedBefore(): LightconeError {
    const reason = this.end?.message ?? "it was closed before";
    return new LightconeError("ConnectionClosed", { reason }, { cause: this.end });
  }

  // --- the way to a link

  #open(): void {
    this.#setState("connecting", undefined);
    const only = (run: () => void): void => {
      if (this.#attempt === attempt) run();
    };
    const link = new Link(this.#options, {
      ready: (greeting, schema) => only(() => this.#begin(attempt, greeting, schema)),
      message: (message) => only(() => this.#understand(attempt, message)),
      unreadable: (error) => only(() => this.#unreadable(attempt, error)),
      refused: (error) => only(() => this.#closeWith(error)),
      lost: (reason) => only(() => this.#lost(attempt, reason)),
    });
    const attempt: Attempt = {
      link,
      bags: new Map(),
      liveSinceMs: undefined,
      awaited: new Set(),
      answers: [],
      applied: [],
    };
    this.#attempt = attempt;
  }

  #lost(attempt: Attempt, reason: string): void {
    const { platform } = this.#options;
    this.#drop(attempt, reason);
    const { liveSinceMs } = attempt;
    // One that ends as soon as it is there is no better than none.
    if (liveSinceMs !== undefined && platform.clock.steadyMs() - liveSinceMs >= steadyAfterMs) this.#attemptCount = 0;
    const waitMs = backoffMs(this.#attemptCount, platform.random);
    this.#attemptCount += 1;
    if (liveSinceMs === undefined && !this.#saidUnreachable) {
      this.#saidUnreachable = true;
      this.#tell(() => this.#events.unreachable(reason));
    }
    this.#cancelWait = platform.clock.after(waitMs, () => this.#open());
    this.#setState("waiting", reason);
  }

  /** Rows that do not decode: by the schema of another version, which is read again; else nothing can help. */
  #unreadable(attempt: Attempt, error: LightconeError): void {
    const end = (): void => {
      if (this.#attempt === attempt) this.#closeWith(error);
    };
    attempt.link.readSchema().then((answered) => {
      if (this.#attempt !== attempt) return;
      try {
        if (answered.kind === "Text" && this.#options.catalog.take(answered.text))
          return this.#lost(attempt, "the database has another schema now");
      } catch {
        // No better than what was read before.
      }
      end();
    }, end);
  }

  /** Lets go of a link; what was sent on it stays unknown. */
  #drop(attempt: Attempt, reason: string): void {
    this.#attempt = undefined;
    this.#cancelProbe?.();
    this.#cancelProbe = undefined;
    attempt.link.close();
    // Answered already: the outcome is known, though its rows come only with the next link.
    for (const tell of attempt.answers) tell();
    const lost = [...this.#sent.values()];
    this.#sent.clear();
    for (const { what, reject, again } of lost) {
      if (again === undefined) reject(new LightconeError("ConnectionLost", { reducer: what, reason }));
      else this.#held.push(again);
    }
  }

  #closeWith(error: LightconeError | undefined): void {
    if (this.state === "closed") return;
    this.#cancelWait();
    this.#cancelWatch?.();
    this.#endWakes();
    if (this.#attempt !== undefined)
      this.#drop(this.#attempt, error === undefined ? "the application closed the client" : error.message);
    const held = this.#held;
    this.#held = [];
    const subscriptions = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    this.end = error;
    const isTold = held.length > 0 || subscriptions.some(({ isSettled, isAwaited }) => isAwaited && !isSettled);
    const told = (what: string): LightconeError =>
      error ?? new LightconeError("ConnectionClosed", { reason: `the application closed it before ${what}` });
    for (const { reject, what } of held) reject(told(`\`${what}\` was sent`));
    for (const subscription of subscriptions) {
      if (subscription.isSettled) {
        if (error !== undefined) subscription.stop(error);
      } else if (error === undefined || this.#events.hearsErrors || !subscription.isAwaited)
        subscription.end(told("the rows came"));
      else subscription.fail(told("the rows came"));
    }
    this.#setState("closed", error?.message);
    if (error !== undefined) this.#tell(() => this.#events.failed(error, isTold));
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

  #sendCall({ id, kind, reducer, args: given, resolve, reject }: Call): void {
    try {
      const { name, args, returns } = this.#options.catalog.encodeCall(kind, reducer, given);
      const take = ({ failure, value, isDatabases }: Answer): (() => void) => {
        if (isDatabases === true && failure?.startsWith(resultLostStart) === true)
          return () => reject(new LightconeError("ResultLost", { reducer }));
        if (failure !== undefined) {
          const code = kind === "reducer" ? "ReducerFailed" : "ProcedureFailed";
          return () => reject(new LightconeError(code, { message: failure }));
        }
        // Some servers keep what a reducer gives to themselves.
        const isTold = returns !== undefined && value !== undefined && (kind === "procedure" || value.length > 0);
        const result = isTold ? decodeValue(returns, value, `the result of ${reducer}`) : undefined;
        return () => resolve(result);
      };
      this.#send({ kind, id, name, args }, { what: reducer, reducer: name, take, reject });
    } catch (error) {
      reject(error);
    }
  }

  #sendQuery(query: Query, again: Held, resolve: (rows: readonly object[]) => void): void {
    const { reject } = again;
    const { catalog } = this.#options;
    try {
      const take = ({ rows, failure }: Answer): (() => void) => {
        if (failure !== undefined) return () => reject(new LightconeError("SubscriptionRefused", { message: failure }));
        const found = rows.flatMap(({ table, list }) =>
          rowsIn(catalog.table(catalog.accessorOf(table) ?? table), list),
        );
        const isBuilt = query instanceof RowQuery;
        const picked = isBuilt ? query.pick(found, catalog.schemaOf(query.accessor).key?.name) : found;
        return () => resolve(picked);
      };
      this.#send({ kind: "query", id: this.#newId(), query: this.#textOf(query) }, { ...again, take, again });
    } catch (error) {
      reject(error);
    }
  }

  #send(ask: Ask, sent: Sent): void {
    this.#sent.set(ask.id, sent);
    this.#attempt?.link.send(ask);
    this.#watch();
  }

  /** The page was away: what time was to bring has waited with it, and its connection may have died unheard. */
  #woken(): void {
    this.retry();
    this.#probe();
  }

  /** Looks after what waits for an answer: of a network that is gone, nothing is heard. */
  #watch(): void {
    if (this.#cancelWatch !== undefined) return;
    const heard = this.#heard;
    this.#cancelWatch = this.#options.platform.clock.after(silenceMs, () => {
      this.#cancelWatch = undefined;
      if (this.#sent.size === 0) return;
      if (heard === this.#heard) this.#probe();
      this.#watch();
    });
  }

  /** Asks what any server answers, if only by a refusal; one that says nothing at all is not there any more. */
  #probe(): void {
    const attempt = this.#attempt;
    if (attempt?.link.isReady !== true || this.#cancelProbe !== undefined) return;
    const heard = this.#heard;
    this.#cancelProbe = this.#options.platform.clock.after(probeMs, () => {
      this.#cancelProbe = undefined;
      const isSilent = heard === this.#heard && attempt === this.#attempt;
      if (isSilent) this.#lost(attempt, "the server does not answer any more");
    });
    const nothing = (): void => {};
    this.#send(
      { kind: "query", id: this.#newId(), query: "SELECT 1" },
      { what: "probe", take: () => nothing, reject: nothing },
    );
  }

  /** Asks for a subscription's rows. One for a table that the page cannot use has ended before that. */
  #sendSubscribe({ link, awaited }: Attempt, subscription: Subscription): void {
    const { id, queries } = subscription;
    let texts: string[];
    try {
      texts = queries.map((query) => this.#textOf(query));
    } catch (error) {
      if (!(error instanceof LightconeError)) throw error;
      return this.#endSubscription(subscription, error);
    }
    awaited.add(id);
    link.send({ kind: "subscribe", id, queries: texts });
  }

  /** Quoted, since a table may be called what SQL has a meaning for. */
  #textOf(query: Query): string {
    if (typeof query === "string") return query;
    const schema = this.#options.catalog.schemaOf(query.accessor);
    return query instanceof RowQuery ? query.textOf(schema) : `SELECT * FROM "${schema.name}"`;
  }

  // --- what the server says

  #begin(attempt: Attempt, greeting: Greeting, schema: string): void {
    const { catalog, tokens } = this.#options;
    try {
      if (catalog.take(schema)) this.#events.named();
    } catch (error) {
      if (!(error instanceof LightconeError)) throw error;
      return this.#closeWith(error);
    }
    this.identity = Identity.fromBytes(greeting.identity);
    this.connectionId = ConnectionId.fromString(toHexReversed(greeting.connectionId));
    this.#tell(() => tokens.granted(greeting.token));
    for (const accessor of this.#used) this.#checkUse(accessor);
    if (this.#attempt !== attempt) return; // whoever was told may have closed the client
    for (const subscription of this.#subscriptions.values()) this.#sendSubscribe(attempt, subscription);
    const held = this.#held;
    this.#held = [];
    for (const { send } of held) send();
    if (attempt.awaited.size === 0) this.#goLive(attempt);
  }

  #understand(attempt: Attempt, said: Said): void {
    this.#heard += 1;
    switch (said.kind) {
      case "applied":
        return this.#subscriptionApplied(attempt, said.id, said.rows);
      case "changed":
        return this.#apply(attempt, said.rows, undefined);
      case "answer":
        return this.#answered(attempt, said);
      case "refused":
        return this.#subscriptionFailed(attempt, said.id, said.message);
      case "greeting":
    }
  }

  #answered(attempt: Attempt, answer: Answer): void {
    const { caller } = answer;
    const isMine = caller === undefined || toHexReversed(caller) === this.connectionId?.toHexString();
    const id = isMine ? this.#answeredId(answer) : undefined;
    const sent = id === undefined ? undefined : this.#sent.get(id);
    if (id === undefined || sent === undefined) {
      if (caller !== undefined) return this.#apply(attempt, answer.rows, undefined); // somebody else's
      throw new LightconeError("Malformed", { what: "answer", reason: "nothing was asked that it answers" });
    }
    this.#sent.delete(id);
    this.#apply(attempt, sent.again === undefined ? answer.rows : [], sent.take(answer));
  }

  #answeredId({ id, name, failure }: Answer): number | undefined {
    if (id !== 0 || failure === undefined) return id;
    // A call that no reducer could have run as is refused without its id: it is the oldest of that name.
    for (const [each, { reducer }] of this.#sent)
      if (reducer !== undefined && (name === reducer || name === "")) return each;
    return undefined;
  }

  #subscriptionApplied(attempt: Attempt, id: number, rows: readonly Rows[]): void {
    const subscription = this.#subscriptions.get(id); // none when it was ended meanwhile
    if (attempt.liveSinceMs !== undefined) return this.#apply(attempt, rows, () => subscription?.markApplied());
    this.#apply(attempt, rows, undefined);
    if (subscription !== undefined) attempt.applied.push(subscription);
    attempt.awaited.delete(id);
    if (attempt.awaited.size === 0) this.#goLive(attempt);
  }

  #subscriptionFailed(attempt: Attempt, id: number | undefined, message: string): void {
    // Without an id it ended them all: a new link has them again.
    if (id === undefined) return this.#lost(attempt, message);
    const subscription = this.#subscriptions.get(id);
    // Rows that it had were taken back before.
    if (subscription !== undefined)
      this.#endSubscription(subscription, new LightconeError("SubscriptionRefused", { message }));
    attempt.awaited.delete(id);
    if (attempt.liveSinceMs === undefined && attempt.awaited.size === 0) this.#goLive(attempt);
  }

  #endSubscription(subscription: Subscription, error: LightconeError): void {
    this.#subscriptions.delete(subscription.id);
    const { isSettled } = subscription;
    subscription.fail(error);
    const tell = (): void => this.#tell(() => this.#events.failed(error, false));
    if (isSettled) return tell();
    // It may have failed before whoever made it could look at it.
    queueMicrotask(() => {
      if (subscription.isAwaited) return;
      subscription.end(error);
      tell();
    });
  }

  // --- rows

  #apply(attempt: Attempt, rows: readonly Rows[], tell: (() => void) | undefined): void {
    const touched = new Set<RowBag>();
    try {
      for (const { table, by, list } of rows) {
        const bag = this.#bagOf(attempt, table);
        if (bag === undefined) continue;
        touched.add(bag);
        bag.take(list, by);
      }
      for (const bag of touched) bag.check();
    } catch (error) {
      for (const bag of touched) bag.undo();
      throw error;
    }
    const changes = new Map<string, TableChange>();
    for (const bag of touched) {
      const { accessor } = bag.table;
      const change = bag.settle(attempt.liveSinceMs !== undefined && this.#events.hears(accessor));
      if (change !== noChange) changes.set(accessor, change);
    }
    const announce = (): void => {
      this.#tell(() => this.#events.changed(changes));
      tell?.();
    };
    if (attempt.liveSinceMs !== undefined) return announce();
    // What happens and is not kept shows nowhere later.
    for (const [accessor, { events }] of changes) {
      if (events.length > 0) changes.set(accessor, { ...noChange, events });
      else changes.delete(accessor);
    }
    if (changes.size > 0) attempt.answers.push(announce);
    else if (tell !== undefined) attempt.answers.push(tell);
  }

  /** Undefined for a table that the client is not told of, or cannot use: its rows pass by. */
  #bagOf({ bags }: Attempt, tableName: string): RowBag | undefined {
    const { catalog } = this.#options;
    const accessor = catalog.accessorOf(tableName);
    if (accessor === undefined) return undefined;
    const known = bags.get(accessor);
    if (known !== undefined || !this.#checkUse(accessor)) return known;
    const bag = new RowBag(catalog.table(accessor), this.#seed);
    bags.set(accessor, bag);
    return bag;
  }

  /** Whether the page can use a table. If not, that is told, once. */
  #checkUse(accessor: string): boolean {
    try {
      this.#options.catalog.table(accessor);
      return true;
    } catch (error) {
      if (!(error instanceof LightconeError)) throw error;
      // Which others there are may have changed meanwhile: that is no news of this one.
      const [difference = ""] = error.message.split("; there are ");
      if (!this.#told.has(difference)) {
        this.#told.add(difference);
        this.#tell(() => this.#events.failed(error, false));
      }
      return false;
    }
  }

  /** The link has every row: it takes the place of the one before, and the difference is told. */
  #goLive(attempt: Attempt): void {
    const before = this.#bags;
    const changes = new Map<string, TableChange>();
    const note = (accessor: string, change: TableChange): void => {
      if (change !== noChange) changes.set(accessor, change);
    };
    for (const [accessor, bag] of attempt.bags)
      note(accessor, bag.replace(before.get(accessor), this.#events.hears(accessor)));
    for (const [accessor, old] of before)
      if (!attempt.bags.has(accessor))
        note(accessor, new RowBag(old.table, this.#seed).replace(old, this.#events.hears(accessor)));
    this.#bags = attempt.bags;
    attempt.liveSinceMs = this.#options.platform.clock.steadyMs();
    this.#saidUnreachable = false;
    this.#tell(() => this.#events.changed(changes));
    for (const subscription of attempt.applied.splice(0))
      if (this.#subscriptions.has(subscription.id)) subscription.markApplied();
    for (const tell of attempt.answers.splice(0)) tell();
    if (this.#attempt === attempt) this.#setState("open", undefined);
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
