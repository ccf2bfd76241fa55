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
import { ConnectionId, Identity, toHexReversed } from "@lightcone/sats";
import { backoffMs, steadyAfterMs } from "./backoff.ts";
import { Bags } from "./bags.ts";
import type { Catalog, FunctionKind } from "./catalog.ts";
import type { GuessWorld, PendingGuesses } from "./guessing.ts";
import type { Keeping, KeepingWorld, ShownRows } from "./keeping.ts";
import { Link, type LinkOptions } from "./link.ts";
import { Requests, textOf } from "./requests.ts";
import { noChange, type RowBag, type TableChange } from "./row-bag.ts";
import type { Standing } from "./standing.ts";
import { Subscription, type Query } from "./subscription.ts";
import type { Answer, Greeting, Resumed, Rows, Said } from "./wire.ts";

/**
 * How a client stands: on its way, with live rows, with rows as they were until it has tried again, or ended for good.
 */
export type ConnectionState = "connecting" | "open" | "waiting" | "closed";

export interface ConnectionOptions extends LinkOptions {
  readonly catalog: Catalog;
  readonly optimistic?: ((world: GuessWorld) => PendingGuesses) | undefined;
  readonly persist?: ((world: KeepingWorld) => Keeping) | undefined;
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

/** A link, and what came over it. */
interface Attempt {
  readonly link: Link;
  readonly bags: Bags;
  /** Whether calls go over it. */
  isOpen: boolean;
  /** Since when the application sees its bags. */
  liveSinceMs: number | undefined;
  /** Subscriptions that must be answered first. */
  readonly awaited: Set<number>;
  /** The texts of what was subscribed to on it, or goes on on it, by id. */
  readonly texts: Map<number, readonly string[]>;
  /** The id of the `Resume` that is not answered yet. */
  resuming: number | undefined;
  /** Whether what is subscribed to is asked for at once: from the start all are, or when `resuming` is answered. */
  subscribes: boolean;
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
  readonly #requests: Requests;
  readonly #guesses: PendingGuesses | undefined;
  readonly #keeping: Keeping | undefined;
  /** Those that the application sees. */
  #bags: Bags | undefined;
  #attempt: Attempt | undefined;
  /** Attempts since a connection lasted. */
  #attemptCount = 0;
  #saidUnreachable = false;
  /** Tables that the application uses, and what was told to differ in them. */
  readonly #used = new Set<string>();
  readonly #told = new Set<string>();
  /** Changes that are in the tables and are being told. */
  readonly #untold: ReadonlyMap<string, TableChange>[] = [];
  readonly #endWakes: () => void;
  #cancelWait: () => void = () => {};

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#seed = new DataView(options.platform.random.fill(new Uint8Array(4)).buffer).getUint32(0);
    this.#events = events;
    this.#requests = new Requests(options.catalog, options.platform.clock, {
      isOpen: () => this.#attempt?.isOpen === true && this.#attempt.link.isReady,
      awaitsRows: () => (this.#attempt?.awaited.size ?? 0) > 0,
      send: (ask) => this.#attempt?.link.send(ask),
      lost: (reason) => {
        if (this.#attempt !== undefined) this.#lost(this.#attempt, reason);
      },
    });
    this.#guesses = options.optimistic?.({
      catalog: options.catalog,
      platform: options.platform,
      connection: this,
      queries: () => [...this.#subscriptions.values()].flatMap(({ queries }) => queries),
      show: () => {
        if (this.#bags !== undefined) this.#changed(this.#bags.apply([], true));
      },
    });
    this.#keeping = options.persist?.({
      ...options,
      token: () => options.tokens.last,
      bags: () => (this.#attempt?.liveSinceMs === undefined ? undefined : this.#bags),
      identity: () => this.identity,
      show: (kept, fill) => this.#show(kept, fill),
    });
    this.#endWakes = options.platform.onWake?.(() => this.#woken()) ?? (() => {});
    this.#open();
  }

  /** The rows of a table; none before there are any. What keeps the page from using it is told once. */
  bag(accessor: string): RowBag | undefined {
    this.#guesses?.checkRead();
    this.use(accessor);
    return this.#bags?.get(accessor);
  }

  /** Notes that the application uses a table. */
  use(accessor: string): void {
    if (this.#used.has(accessor)) return;
    this.#used.add(accessor);
    if (this.#options.catalog.isKnown) this.#checkUse(accessor);
  }

  /** @param args what the application gave; what is no object is refused as `BadArguments` */
  call(kind: FunctionKind, reducer: string, args: unknown): Promise<unknown> {
    if (this.state === "closed") return Promise.reject(this.#closedBefore());
    const guess = kind === "reducer" ? this.#guesses?.guess(reducer, args) : undefined;
    return this.#requests.call(kind, reducer, args, guess);
  }

  /** Rows as the database has them now. */
  query(query: Query): Promise<readonly object[]> {
    if (this.state === "closed") return Promise.reject(this.#closedBefore());
    return this.#requests.query(query);
  }

  subscribe(queries: readonly Query[]): Subscription {
    const subscription = new Subscription(this.#requests.newId(), queries);
    if (this.state === "closed") {
      subscription.fail(this.#closedBefore());
      return subscription;
    }
    this.#subscriptions.set(subscription.id, subscription);
    const attempt = this.#attempt;
    if (attempt?.link.isReady === true && attempt.subscribes) this.#sendSubscribe(attempt, subscription);
    return subscription;
  }

  unsubscribe(subscription: Subscription): void {
    if (!this.#subscriptions.delete(subscription.id)) return;
    subscription.end(new LightconeError("Unsubscribed", {}));
    const attempt = this.#attempt;
    if (attempt?.link.isReady === true && attempt.texts.has(subscription.id))
      this.#sendUnsubscribe(attempt, subscription.id);
  }

  #sendUnsubscribe({ link }: Attempt, subscription: number): void {
    link.send({ kind: "unsubscribe", id: this.#requests.newId(), subscription });
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
      token: (token) => this.#keeping?.load(token),
      greeted: (token) => only(() => this.#tell(() => this.#options.tokens.granted(token))),
      told: (schema) =>
        this.#options.catalog.prepare(schema).catch((error: LightconeError) => only(() => this.#failed(error))),
      ready: (greeting, schema) => only(() => this.#begin(attempt, greeting, schema)),
      message: (message) => only(() => this.#understand(attempt, message)),
      unreadable: (error) => only(() => this.#unreadable(attempt, error)),
      refused: (error) => only(() => this.#closeWith(error)),
      lost: (reason) => only(() => this.#lost(attempt, reason)),
    });
    const attempt: Attempt = {
      link,
      bags: this.#newBags(),
      liveSinceMs: undefined,
      awaited: new Set(),
      texts: new Map(),
      isOpen: false,
      resuming: undefined,
      subscribes: false,
      answers: [],
      applied: [],
    };
    this.#attempt = attempt;
  }

  #newBags(): Bags {
    return new Bags({
      catalog: this.#options.catalog,
      seed: this.#seed,
      canUse: (accessor) => this.#checkUse(accessor),
      hears: (accessor) => this.#events.hears(accessor),
      guesses: this.#guesses,
    });
  }

  /** Shows rows of an earlier start, until a link has those of now. */
  #show({ schema, identity }: ShownRows, fill: (bags: Bags, newId: () => number) => void): void {
    if (this.#bags !== undefined || this.state === "closed") return;
    this.#options.catalog.restore(schema);
    const bags = this.#newBags();
    fill(bags, () => this.#requests.newId());
    // The kept rows say who the caller is, before there is a connection.
    this.identity ??= identity;
    this.#tell(() => this.#events.named());
    const changes = bags.replace(undefined);
    this.#bags = bags;
    this.#changed(changes);
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
    attempt.link.close();
    // Answered already: the outcome is known, though its rows come only with the next link.
    this.#together(() => {
      for (const tell of attempt.answers) tell();
      this.#requests.lost(reason);
    });
  }

  /** Guesses that end meanwhile are taken away in one step. */
  #together(run: () => void): void {
    if (this.#guesses === undefined) run();
    else this.#guesses.together(run);
  }

  #closeWith(error: LightconeError | undefined): void {
    if (this.state === "closed") return;
    this.#keeping?.close();
    this.#cancelWait();
    this.#requests.close();
    this.#endWakes();
    if (this.#attempt !== undefined)
      this.#drop(this.#attempt, error === undefined ? "the application closed the client" : error.message);
    const held = this.#requests.takeHeld();
    const subscriptions = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    this.end = error;
    const isTold = held.length > 0 || subscriptions.some(({ isSettled, isAwaited }) => isAwaited && !isSettled);
    const told = (what: string): LightconeError =>
      error ?? new LightconeError("ConnectionClosed", { reason: `the application closed it before ${what}` });
    this.#together(() => {
      for (const { reject, what } of held) reject(told(`\`${what}\` was sent`));
      this.#guesses?.close();
    });
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

  /** The page was away: what time was to bring has waited with it, and its connection may have died unheard. */
  #woken(): void {
    this.retry();
    this.#requests.probe();
  }

  /** Asks for a subscription's rows. One for a table that the page cannot use has ended before that. */
  #sendSubscribe({ link, awaited, texts: asked }: Attempt, subscription: Subscription): void {
    const { id, queries } = subscription;
    if (asked.has(id)) return;
    let texts: string[];
    try {
      texts = queries.map((query) => textOf(query, this.#options.catalog));
    } catch (error) {
      if (!(error instanceof LightconeError)) throw error;
      return this.#endSubscription(subscription, error);
    }
    awaited.add(id);
    asked.set(id, texts);
    link.send({ kind: "subscribe", id, queries: texts });
    this.#requests.watch();
  }

  // --- what the server says

  #begin(attempt: Attempt, greeting: Greeting, schema: string): void {
    const { catalog, tokens } = this.#options;
    this.#tell(() => {
      if (tokens.settle()) return;
      this.#drop(attempt, "");
      this.#open();
    });
    if (this.#attempt !== attempt) return;
    let isOther: boolean;
    try {
      isOther = catalog.take(schema);
      if (isOther) this.#events.named();
    } catch (error) {
      if (!(error instanceof LightconeError)) throw error;
      return this.#closeWith(error);
    }
    this.identity = Identity.fromBytes(greeting.identity);
    this.connectionId = ConnectionId.fromString(toHexReversed(greeting.connectionId));
    for (const accessor of this.#used) this.#checkUse(accessor);
    if (this.#attempt !== attempt) return; // whoever was told may have closed the client
    attempt.bags.standing.lineage = greeting.lineage;
    const before = this.#bags?.standing;
    if (before !== undefined) this.#keeping?.match(before, this.#subscriptions.values());
    if (!isOther && before?.isOf(greeting.lineage) === true) this.#sendResume(attempt, before);
    else this.#subscribeAll(attempt);
    if (this.#attempt !== attempt) return;
    // A client that guesses sends calls once its rows are there: else a guess and the row that it guessed would both show.
    if (this.#guesses === undefined) this.#sendHeld(attempt);
    this.#goLive(attempt);
  }

  /** The application, told that one has failed, may subscribe to more, which are included, or unsubscribe. */
  #subscribeAll(attempt: Attempt): void {
    attempt.subscribes = true;
    for (const subscription of this.#subscriptions.values()) this.#sendSubscribe(attempt, subscription);
  }

  #sendHeld(attempt: Attempt): void {
    attempt.isOpen = true;
    this.#requests.sendHeld();
  }

  #understand(attempt: Attempt, said: Said): void {
    this.#requests.heard();
    this.#take(attempt, said);
    // What cannot be taken has thrown, and changed nothing.
    attempt.bags.standing.note(said, attempt.texts);
  }

  #take(attempt: Attempt, said: Said): void {
    switch (said.kind) {
      case "applied":
        return this.#subscriptionApplied(attempt, said.id, said.rows);
      case "changed":
        return this.#apply(attempt, said.rows, undefined);
      case "answer":
        return this.#answered(attempt, said);
      case "refused":
        return this.#subscriptionFailed(attempt, said.id, said.message);
      case "resumed":
        return this.#resumed(attempt, said);
      case "greeting":
    }
  }

  /** Asks what of the rows that there are is still good, and what has changed. */
  #sendResume(attempt: Attempt, from: Standing): void {
    attempt.resuming = this.#requests.newId();
    attempt.awaited.add(attempt.resuming);
    from.tries += 1;
    attempt.link.send({ kind: "resume", id: attempt.resuming, from });
    this.#requests.watch();
  }

  #resumed(attempt: Attempt, { id, sets, tables, rows }: Resumed): void {
    const before = this.#bags;
    if (before === undefined || id !== attempt.resuming)
      throw new LightconeError("Malformed", { what: "answer", reason: "nothing was asked that it answers" });
    attempt.resuming = undefined;
    attempt.bags.goOnWith(before, tables);
    for (const set of sets) {
      const texts = before.standing.sets.get(set) ?? [];
      attempt.bags.standing.sets.set(set, texts);
      attempt.texts.set(set, texts);
      const subscription = this.#subscriptions.get(set);
      if (subscription !== undefined) attempt.applied.push(subscription);
      else this.#sendUnsubscribe(attempt, set); // it was ended meanwhile
    }
    this.#subscribeAll(attempt);
    if (this.#attempt !== attempt) return;
    this.#apply(attempt, rows, undefined);
    attempt.awaited.delete(id);
    this.#goLive(attempt);
  }

  #answered(attempt: Attempt, answer: Answer): void {
    const { caller } = answer;
    const isMine = caller === undefined || toHexReversed(caller) === this.connectionId?.toHexString();
    const sent = isMine ? this.#requests.answered(answer) : undefined;
    if (sent === undefined) {
      if (caller !== undefined) return this.#apply(attempt, answer.rows, undefined); // somebody else's
      throw new LightconeError("Malformed", { what: "answer", reason: "nothing was asked that it answers" });
    }
    const tell = sent.take(answer);
    if (sent.guess !== undefined) this.#guesses?.answered(sent.guess);
    this.#apply(attempt, sent.again === undefined ? answer.rows : [], tell);
  }

  #subscriptionApplied(attempt: Attempt, id: number, rows: readonly Rows[]): void {
    const subscription = this.#subscriptions.get(id); // none when it was ended meanwhile
    attempt.awaited.delete(id);
    if (attempt.liveSinceMs !== undefined) return this.#apply(attempt, rows, () => subscription?.markApplied());
    this.#apply(attempt, rows, undefined);
    if (subscription !== undefined) attempt.applied.push(subscription);
    this.#goLive(attempt);
  }

  #subscriptionFailed(attempt: Attempt, id: number | undefined, message: string): void {
    // Without an id it ended them all: a new link has them again.
    if (id === undefined) return this.#lost(attempt, message);
    const subscription = this.#subscriptions.get(id);
    // Rows that it had were taken back before.
    if (subscription !== undefined)
      this.#endSubscription(subscription, new LightconeError("SubscriptionRefused", { message }));
    attempt.awaited.delete(id);
    this.#goLive(attempt);
  }

  #endSubscription(subscription: Subscription, error: LightconeError): void {
    this.#subscriptions.delete(subscription.id);
    const { isSettled } = subscription;
    subscription.fail(error);
    const tell = (): void => this.#failed(error);
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
    const changes = attempt.bags.apply(rows, attempt.liveSinceMs !== undefined);
    const announce = (): void => {
      this.#changed(changes);
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

  /** Tells changes in the order in which they were made: what is told may call a reducer, which is guessed at once. */
  #changed(changes: ReadonlyMap<string, TableChange>): void {
    this.#keeping?.changed();
    if (this.#untold.push(changes) > 1) return;
    for (const each of this.#untold) this.#tell(() => this.#events.changed(each));
    this.#untold.length = 0;
  }

  /** Whether the page can use a table. If not, that is told, once. */
  #checkUse(accessor: string): boolean {
    try {
      this.#options.catalog.table(accessor);
      return true;
    } catch (error) {
      if (!(error instanceof LightconeError)) throw error;
      this.#failed(error);
      return false;
    }
  }

  /** Tells an error that does not end the client. A difference of versions is told once, however much it ends. */
  #failed(error: LightconeError): void {
    if (error.code === "VersionDiffers") {
      // Which others there are may have changed meanwhile: that is no news of this one.
      const [difference = ""] = error.message.split("; there are ");
      if (this.#told.has(difference)) return;
      this.#told.add(difference);
    }
    this.#tell(() => this.#events.failed(error, false));
  }

  /** Once the link has every row, it takes the place of the one before, and the difference is told. */
  #goLive(attempt: Attempt): void {
    if (attempt.liveSinceMs !== undefined || attempt.awaited.size > 0) return;
    let changes: Map<string, TableChange>;
    try {
      changes = attempt.bags.replace(this.#bags);
    } catch (error) {
      // The rows are not those that the server took them for: the next link brings all of them.
      if (!(error instanceof LightconeError) || this.#bags === undefined) throw error;
      this.#bags.standing.place = undefined;
      return this.#lost(attempt, error.message);
    }
    this.#bags = attempt.bags;
    attempt.liveSinceMs = this.#options.platform.clock.steadyMs();
    this.#saidUnreachable = false;
    this.#changed(changes);
    if (this.#attempt === attempt && !attempt.isOpen) this.#sendHeld(attempt);
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
