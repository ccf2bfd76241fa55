/**
 * What one client is subscribed to: sets of queries under ids that the client chose, and the legacy set.
 *
 * Law: of each row the client has been sent as many inserts less deletes as queries held here return it. A Multi
 * shares the query of a text that a set has already: nothing is sent for it, and its rows go back with the last set
 * that has it. The rows of a Single and of the legacy set always come, so there the query is held once more.
 * docs/wire/websocket-v1.md.
 */
import { defined, isLightconeError } from "@lightcone/base";
import type { OneOffQuery, Subscribe, SubscribeMulti, SubscribeSingle, Unsubscribe } from "@lightcone/protocol";
import { bindParams, compileSubscription, type Catalog, type SelectPlan } from "@lightcone/sql";
import type { Piece } from "../message-buffer.ts";
import type { QueryRows } from "../wire-format.ts";
import type { ResumeNote } from "../../link/link.ts";
import { SlicedRead } from "../../subscriptions/sliced-read.ts";
import type { DatabaseContext } from "../../core/context.ts";
import type { Session } from "../../session/session.ts";
import type { HeldQuery } from "../../subscriptions/fan-out.ts";

interface QuerySet {
  readonly held: readonly HeldQuery[];
  /** The client's message that made it, and the id of that request. */
  readonly message: number;
  readonly requestId: number;
}

/** A query of a request, not held yet. */
interface Wanted {
  readonly text: string;
  readonly plan: SelectPlan;
}

/** Rows on their way: of queries that are asked for at one offset. */
interface Read {
  readonly reading: SlicedRead;
  readonly queries: readonly QueryRows[];
}

type SharedQueries = ReadonlyMap<string, HeldQuery>;
const nothingShared: SharedQueries = new Map();

const eventTablesText =
  "Subscribing to event tables requires WebSocket v2. Please upgrade your client SDK and regenerate your module bindings.";

export class QuerySets {
  private readonly context: DatabaseContext;
  private readonly session: Session;
  /** The queries that a Multi shares, by text. */
  private readonly shared = new Map<string, HeldQuery>();
  private readonly sets = new Map<number, QuerySet>();
  private legacy: QuerySet | undefined;
  /** Queries that are held in all. */
  private heldCount = 0;

  constructor(context: DatabaseContext, session: Session) {
    this.context = context;
    this.session = session;
  }

  handle(message: Subscribe | SubscribeSingle | SubscribeMulti | Unsubscribe | OneOffQuery): void {
    if (message.kind === "OneOffQuery") {
      this.oneOff(message);
      return;
    }
    const { subscriptions } = this.context;
    subscriptions.isChanging = true;
    this.change(message);
    subscriptions.isChanging = false;
  }

  private change(message: Subscribe | SubscribeSingle | SubscribeMulti | Unsubscribe): void {
    switch (message.kind) {
      case "SubscribeSingle":
        this.subscribeSingle(message);
        break;
      case "SubscribeMulti":
        this.subscribeMulti(message);
        break;
      case "Subscribe":
        this.replaceLegacy(message);
        break;
      case "Unsubscribe":
      case "UnsubscribeMulti":
        this.unsubscribe(message);
        break;
    }
  }

  /** Lets go of everything: the connection is over. */
  clear(): void {
    for (const set of this.all()) this.release(set);
    this.sets.clear();
    this.legacy = undefined;
  }

  /** Ends the sets over tables that may not be read any more: their rows are taken back, and it is said why. */
  endUnreadable(): void {
    const catalog = this.context.catalog(this.session.info.caller, false);
    for (const [queryId, set] of this.sets) {
      const lost = lostBy(set, catalog);
      if (lost !== undefined) this.withdraw(set, lost, undefined, queryId, () => this.end(queryId, set));
    }
    const legacy = this.legacy;
    const lost = legacy === undefined ? undefined : lostBy(legacy, catalog);
    // Without an id of its own it is named by its request.
    if (legacy !== undefined && lost !== undefined)
      this.withdraw(legacy, lost, legacy.requestId, undefined, () => this.endLegacy(legacy));
  }

  private withdraw(
    set: QuerySet,
    lost: Lost,
    requestId: number | undefined,
    queryId: number | undefined,
    end: () => void,
  ): void {
    const session = this.session;
    const { store } = this.context;
    const there = set.held.filter(({ plan }) => plan.sources.every(({ table }) => store.table(table.id) !== undefined));
    const sent = this.overRows(there.filter((held) => held.uses === 1));
    end();
    const text = `table \`${lost.table}\` may not be read any more, since the module was updated, executing: \`${lost.text}\``;
    const fail = (reason: string): Piece => {
      session.end(1011, reason); // it would go on to count rows that are not its
      return this.failure(requestId, queryId, reason);
    };
    const read = this.read(plansOf(sent));
    if (typeof read === "string") fail(read);
    else if (sent.length > 0) this.send(read, (queries) => session.encoder.withdrawn(queries), fail, undefined);
    session.told(this.failure(requestId, queryId, text), false);
  }

  /** Words that a request about a set failed. */
  private failure(requestId: number | undefined, queryId: number | undefined, text: string): Piece {
    return this.session.encoder.subscriptionError(this.duration(), requestId, queryId, text);
  }

  private subscribeSingle({ query, requestId, queryId }: SubscribeSingle): void {
    const { encoder } = this.session;
    const set = this.begin([query], requestId, queryId, false);
    if (set === undefined) return;
    const word = (rows: readonly QueryRows[]): readonly Piece[] =>
      encoder.applied("SubscribeApplied", requestId, this.duration(), queryId, rows);
    this.applySet(set, queryId, set.held, word);
  }

  private subscribeMulti({ queries, requestId, queryId }: SubscribeMulti): void {
    const { encoder } = this.session;
    const texts = queries.map((query) => query.trim());
    const set = this.begin(texts, requestId, queryId, true);
    if (set === undefined) return;
    const word = (rows: readonly QueryRows[]): readonly Piece[] =>
      encoder.applied("SubscribeMultiApplied", requestId, this.duration(), queryId, rows);
    this.applySet(set, queryId, this.overRows(set.held.filter((held) => held.uses === 1)), word);
  }

  /** Holds the queries of a new set, or answers why not. */
  private begin(texts: readonly string[], requestId: number, queryId: number, isMulti: boolean): QuerySet | undefined {
    const session = this.session;
    const fail = (text: string): void => session.answer(this.failure(requestId, queryId, text));
    if (this.sets.has(queryId)) {
      fail(`Subscription with id ${queryId} already exists for client`);
      return undefined;
    }
    const { subscriptionsPerConnectionMax } = this.context.limits;
    if (this.sets.size >= subscriptionsPerConnectionMax) {
      fail(overLimit(this.sets.size + 1, subscriptionsPerConnectionMax));
      return undefined;
    }
    const wanted = this.compile(texts, isMulti, isMulti ? this.shared : nothingShared, this.heldCount, fail);
    if (wanted === undefined) return undefined;
    const held = wanted.map((each) => this.share(each, isMulti));
    const set: QuerySet = { held, message: session.messageNumber, requestId };
    this.sets.set(queryId, set);
    return set;
  }

  /** Answers with the rows of a new set, which ends again if they cannot be had. */
  private applySet(
    set: QuerySet,
    queryId: number,
    sent: readonly HeldQuery[],
    word: (queries: readonly QueryRows[]) => readonly Piece[],
  ): void {
    const fail = (text: string): Piece => {
      // It may have ended before its rows were there, and its id stand for another by now.
      if (this.sets.get(queryId) === set) this.end(queryId, set);
      return this.failure(set.requestId, queryId, text);
    };
    const read = this.read(plansOf(sent));
    if (typeof read === "string") this.session.answer(fail(read));
    else this.send(read, word, (text) => this.lateFailure(text, fail), { kind: "kept", message: set.message });
  }

  /**
   * Rows that were on their way in slices cannot be had after all. What waits behind them tells of their changes, or
   * counts on them: a client that it would be told to is let go, since it could not count right any more.
   */
  private lateFailure(text: string, fail: (text: string) => Piece): Piece {
    if (this.session.holdsBack) this.session.end(1011, text);
    return fail(text);
  }

  private replaceLegacy({ queries, requestId }: Subscribe): void {
    const session = this.session;
    const refuse = (text: string): void => session.answer(this.failure(requestId, undefined, text));
    const texts = queries.map((query) => query.trim());
    const before = this.legacy;
    const kept = this.heldCount - (before?.held.length ?? 0);
    const wanted = this.compile(texts, true, nothingShared, kept, refuse);
    if (wanted === undefined) return;
    const legacy: QuerySet = {
      held: wanted.map((each) => this.hold(each)),
      message: session.messageNumber,
      requestId,
    };
    const read = this.read(plansOf(this.overRows(legacy.held)));
    if (typeof read === "string") {
      this.release(legacy);
      refuse(read);
      return;
    }
    if (before !== undefined) this.endLegacy(before);
    this.legacy = legacy;
    this.send(
      read,
      (rows) => session.encoder.initial(requestId, this.duration(), rows),
      (reason) =>
        this.lateFailure(reason, (text) => {
          if (this.legacy === legacy) this.endLegacy(legacy);
          return this.failure(requestId, undefined, text);
        }),
      { kind: "kept", message: legacy.message },
    );
  }

  private unsubscribe({ kind, requestId, queryId }: Unsubscribe): void {
    const session = this.session;
    const fail = (text: string): Piece => this.failure(requestId, queryId, text);
    const set = this.sets.get(queryId);
    if (set === undefined) {
      session.answer(fail(`Subscription not found: ${queryId}`));
      return;
    }
    const isMulti = kind === "UnsubscribeMulti";
    const ending = set.held.filter((held) => held.uses === 1);
    const sent = isMulti ? this.overRows(ending) : ending;
    this.end(queryId, set);
    if (!isMulti && set.held.length !== 1) {
      session.answer(fail("Internal error"));
      return;
    }
    const read = this.read(plansOf(sent));
    if (typeof read === "string") {
      session.answer(fail(read));
      return;
    }
    // The form for one query has an entry even where other sets keep its rows.
    const queries = sent.length > 0 || isMulti ? read.queries : plansOf(set.held).map((plan) => this.rowsOf(plan));
    const applied = isMulti ? "UnsubscribeMultiApplied" : "UnsubscribeApplied";
    const word = (rows: readonly QueryRows[]): readonly Piece[] =>
      session.encoder.applied(applied, requestId, this.duration(), queryId, rows);
    this.send({ reading: read.reading, queries }, word, fail, undefined);
  }

  private oneOff({ messageId, query }: OneOffQuery): void {
    const session = this.session;
    const fail = (text: string): Piece => session.encoder.oneOffError(messageId, this.duration(), text);
    let plans: readonly SelectPlan[];
    try {
      plans = compileSubscription(query, this.context.catalog(session.info.caller, false)).slice(0, 1);
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      session.answer(fail(error.told));
      return;
    }
    const word = ([rows]: readonly QueryRows[]): readonly Piece[] =>
      rows === undefined ? [] : session.encoder.oneOff(messageId, this.duration(), rows);
    const read = this.read(plans);
    if (typeof read === "string") session.answer(fail(read));
    else this.send(read, word, fail, undefined);
  }

  /**
   * All texts, or none: the first that does not compile fails the request.
   *
   * @param shared queries that need not be held anew
   * @param heldCount queries that are held besides
   */
  private compile(
    texts: readonly string[],
    expandsAll: boolean,
    shared: SharedQueries,
    heldCount: number,
    fail: (message: string) => void,
  ): readonly Wanted[] | undefined {
    const wanted = new Map<string, Wanted>();
    const catalog = this.context.catalog(this.session.info.caller, expandsAll);
    for (const text of texts) {
      try {
        const plans = compileSubscription(text, catalog);
        if (plans.some((plan) => plan.sources.some((source) => source.table.def.isEvent))) {
          fail(eventTablesText);
          return undefined;
        }
        for (const plan of plans) {
          // One text that stands for many queries: each is held by itself.
          const own = plans.length === 1 ? text : `${text} #${plan.key}`;
          wanted.set(own, { text: own, plan });
        }
      } catch (error) {
        if (!isLightconeError(error)) throw error;
        fail(text === "" ? "SubscriptionError: Empty string, executing: ``" : `${error.told}, executing: \`${text}\``);
        return undefined;
      }
    }
    const { subscriptionsPerConnectionMax } = this.context.limits;
    let count = heldCount;
    for (const text of wanted.keys()) if (!shared.has(text)) count++;
    if (count > subscriptionsPerConnectionMax) {
      fail(overLimit(count, subscriptionsPerConnectionMax));
      return undefined;
    }
    return [...wanted.values()];
  }

  /** Holds a query that others may share. @param shares whether it may be one that is held already */
  private share(wanted: Wanted, shares: boolean): HeldQuery {
    const known = this.shared.get(wanted.text);
    if (known !== undefined && shares) {
      known.uses++;
      return known;
    }
    const held = this.hold(wanted);
    if (known === undefined) this.shared.set(wanted.text, held);
    return held;
  }

  private hold({ text, plan }: Wanted): HeldQuery {
    this.heldCount++;
    const params = bindParams(plan, this.session.info.caller.identity);
    return this.context.subscriptions.hold(this.session, text, plan, params);
  }

  private all(): readonly QuerySet[] {
    return [...this.sets.values(), ...(this.legacy === undefined ? [] : [this.legacy])];
  }

  private end(queryId: number, set: QuerySet): void {
    this.sets.delete(queryId);
    this.release(set);
    this.session.note({ kind: "dropped", message: set.message });
  }

  private endLegacy(set: QuerySet): void {
    this.legacy = undefined;
    this.release(set);
    this.session.note({ kind: "dropped", message: set.message });
  }

  private release(set: QuerySet): void {
    for (const held of set.held) {
      held.uses--;
      if (held.uses > 0) continue;
      if (this.shared.get(held.text) === held) this.shared.delete(held.text);
      this.context.subscriptions.release(held);
      this.heldCount--;
    }
  }

  /** Queries over tables that have rows: the others have no entry in an answer. */
  private overRows(queries: readonly HeldQuery[]): readonly HeldQuery[] {
    const { store } = this.context;
    return queries.filter(({ plan }) => plan.sources.every(({ table }) => store.table(table.id)?.rowCount !== 0));
  }

  /** Begins to read the rows that plans have now; the text of why there are none. */
  private read(plans: readonly SelectPlan[]): Read | string {
    // A client that is resumed has these rows.
    const queries = this.session.isSilent ? [] : plans.map((plan) => this.rowsOf(plan));
    try {
      return { reading: new SlicedRead(this.context, queries, this.session.info.caller.identity), queries };
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      return error.told;
    }
  }

  private rowsOf(plan: SelectPlan): QueryRows & { readonly plan: SelectPlan } {
    const id = defined(plan.sources[0], "the source").table.id;
    const table = defined(this.context.store.table(id), `table ${id}`);
    return { plan, table, rows: this.session.encoder.gather(table) };
  }

  /**
   * Answers with the rows of a reading, in slices if there are many.
   *
   * @param word makes the message of them
   * @param fail undoes what the message did, and words why
   * @param note said with the end of the answer, and before it: the answer lets go of the message
   */
  private send(
    { reading, queries }: Read,
    word: (queries: readonly QueryRows[]) => readonly Piece[],
    fail: (text: string) => Piece,
    note: ResumeNote | undefined,
  ): void {
    const session = this.session;
    if (session.isSilent) return;
    if (reading.isWhole) {
      if (note !== undefined) session.note(note);
      session.answerParts(word(queries));
    } else session.answerInSlices({ reading, word: () => word(queries), note, fail });
  }

  private duration(): number {
    return this.context.subscriptions.durationMicros();
  }
}

/** What a set may not read any more. */
interface Lost {
  readonly table: string;
  readonly text: string;
}

function lostBy({ held }: QuerySet, catalog: Catalog): Lost | undefined {
  for (const { plan, text } of held)
    for (const { table } of plan.sources)
      if (catalog.table(table.def.name)?.id !== table.id) return { table: table.def.name, text };
  return undefined;
}

function plansOf(queries: readonly HeldQuery[]): readonly SelectPlan[] {
  return queries.map((held) => held.plan);
}

function overLimit(count: number, max: number): string {
  return `subscriptionsPerConnectionMax: ${count} is over ${max}`;
}
