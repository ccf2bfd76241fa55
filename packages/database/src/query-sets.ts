/**
 * What one client is subscribed to: sets of queries under ids that the client chose.
 *
 * A text that the client already holds under another id is counted, not sent again; its rows come back when
 * the last set that has it ends. `websocket.md` §5.5 and §5.6.
 */
import { defined, isLightconeError } from "@lightcone/base";
import type { OneOffQuery, Subscribe, SubscribeMulti, SubscribeSingle, Unsubscribe } from "@lightcone/protocol";
import { bindParams, compileSubscription, type SelectPlan } from "@lightcone/sql";
import type { Piece } from "./arena.ts";
import type { QueryRows } from "./encoder.ts";
import { Reading } from "./reading.ts";
import type { Room } from "./room.ts";
import type { Session } from "./session.ts";
import type { HeldQuery } from "./subscriptions.ts";

interface QuerySet {
  readonly held: readonly HeldQuery[];
  /** The client's message that made it. */
  readonly messageNumber: number;
}

/** A query of a request, not held yet. */
interface Wanted {
  readonly text: string;
  readonly plan: SelectPlan;
}

const eventTablesText =
  "Subscribing to event tables requires WebSocket v2. Please upgrade your client SDK and regenerate your module bindings.";

export class QuerySets {
  readonly #room: Room;
  readonly #session: Session;
  readonly #held = new Map<string, HeldQuery>();
  readonly #sets = new Map<number, QuerySet>();
  #legacy: QuerySet | undefined;

  constructor(room: Room, session: Session) {
    this.#room = room;
    this.#session = session;
  }

  handle(message: Subscribe | SubscribeSingle | SubscribeMulti | Unsubscribe | OneOffQuery): void {
    switch (message.kind) {
      case "SubscribeSingle":
        this.#subscribe(message.kind, [message.query], message.requestId, message.queryId);
        break;
      case "SubscribeMulti":
        this.#subscribe(
          message.kind,
          message.queries.map((query) => query.trim()),
          message.requestId,
          message.queryId,
        );
        break;
      case "Subscribe":
        this.#replaceLegacy(message);
        break;
      case "Unsubscribe":
      case "UnsubscribeMulti":
        this.#unsubscribe(message);
        break;
      case "OneOffQuery":
        this.#oneOff(message);
        break;
    }
  }

  /** Lets go of everything: the connection is over. */
  clear(): void {
    for (const held of this.#held.values()) this.#room.subscriptions.release(held);
    this.#held.clear();
    this.#sets.clear();
    this.#legacy = undefined;
  }

  #subscribe(
    kind: "SubscribeSingle" | "SubscribeMulti",
    texts: readonly string[],
    requestId: number,
    queryId: number,
  ): void {
    const session = this.#session;
    const fail = (message: string): void =>
      session.answer(session.encoder.subscriptionError(this.#duration(), requestId, queryId, message));
    if (this.#sets.has(queryId)) {
      fail(`Subscription with id ${queryId} already exists for client`);
      return;
    }
    const wanted = this.#compile(texts, kind === "SubscribeMulti", fail);
    if (wanted === undefined) return;
    const before = new Set(this.#held.keys());
    const set: QuerySet = { held: this.#hold(wanted), messageNumber: session.messageNumber };
    this.#sets.set(queryId, set);
    const isMulti = kind === "SubscribeMulti";
    const fresh = isMulti ? set.held.filter((held) => !before.has(held.text)) : set.held;
    this.#answer(
      this.#plansOf(fresh, isMulti),
      (rows) =>
        session.encoder.applied(
          isMulti ? "SubscribeMultiApplied" : "SubscribeApplied",
          requestId,
          this.#duration(),
          queryId,
          rows,
        ),
      (text) => {
        this.#sets.delete(queryId);
        this.#drop(set);
        return session.encoder.subscriptionError(this.#duration(), requestId, queryId, text);
      },
    );
  }

  #replaceLegacy(message: Subscribe): void {
    const session = this.#session;
    const wanted = this.#compile(
      message.queries.map((query) => query.trim()),
      true,
      (text) => session.answer(session.encoder.subscriptionError(this.#duration(), message.requestId, undefined, text)),
    );
    if (wanted === undefined) return;
    if (this.#legacy !== undefined) this.#drop(this.#legacy);
    const legacy: QuerySet = { held: this.#hold(wanted), messageNumber: session.messageNumber };
    this.#legacy = legacy;
    this.#answer(
      this.#plansOf(legacy.held, true),
      (rows) => session.encoder.initial(message.requestId, this.#duration(), rows),
      (text) => {
        this.#drop(legacy);
        if (this.#legacy === legacy) this.#legacy = undefined;
        return session.encoder.subscriptionError(this.#duration(), message.requestId, undefined, text);
      },
    );
  }

  #unsubscribe(message: Unsubscribe): void {
    const session = this.#session;
    const set = this.#sets.get(message.queryId);
    if (set === undefined) {
      const text = `Subscription not found: ${message.queryId}`;
      session.answer(session.encoder.subscriptionError(this.#duration(), message.requestId, message.queryId, text));
      return;
    }
    this.#sets.delete(message.queryId);
    const isMulti = message.kind === "UnsubscribeMulti";
    if (!isMulti && set.held.length !== 1) {
      this.#drop(set);
      this.#tellShape();
      session.answer(
        session.encoder.subscriptionError(this.#duration(), message.requestId, message.queryId, "Internal error"),
      );
      return;
    }
    const ending = isMulti ? set.held.filter((held) => held.uses === 1) : set.held;
    const plans = this.#plansOf(ending, isMulti);
    this.#drop(set);
    const kind = isMulti ? "UnsubscribeMultiApplied" : "UnsubscribeApplied";
    this.#answer(
      plans,
      (rows) => session.encoder.applied(kind, message.requestId, this.#duration(), message.queryId, rows),
      (text) => session.encoder.subscriptionError(this.#duration(), message.requestId, message.queryId, text),
    );
  }

  #oneOff(message: OneOffQuery): void {
    const session = this.#session;
    const fail = (text: string): Piece => session.encoder.oneOffError(message.messageId, this.#duration(), text);
    let plans: readonly SelectPlan[];
    try {
      plans = compileSubscription(message.query, this.#room.catalog(session.info.caller, false)).slice(0, 1);
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      session.answer(fail(error.message));
      return;
    }
    const word = ([rows]: readonly QueryRows[]): readonly Piece[] =>
      rows === undefined ? [] : session.encoder.oneOff(message.messageId, this.#duration(), rows);
    this.#answer(plans, word, fail);
  }

  /** All texts, or none: the first that does not compile fails the request. */
  #compile(
    texts: readonly string[],
    expandsAll: boolean,
    fail: (message: string) => void,
  ): readonly Wanted[] | undefined {
    const wanted = new Map<string, Wanted>();
    const catalog = this.#room.catalog(this.#session.info.caller, expandsAll);
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
        fail(
          text === "" ? "SubscriptionError: Empty string, executing: ``" : `${error.message}, executing: \`${text}\``,
        );
        return undefined;
      }
    }
    const { subscriptionsPerConnectionMax } = this.#room.limits;
    const fresh = [...wanted.keys()].filter((each) => !this.#held.has(each));
    const count = this.#held.size + fresh.length;
    if (fresh.length > 0 && count > subscriptionsPerConnectionMax) {
      fail(`subscriptionsPerConnectionMax: ${count} is over ${subscriptionsPerConnectionMax}`);
      return undefined;
    }
    return [...wanted.values()];
  }

  #hold(wanted: readonly Wanted[]): readonly HeldQuery[] {
    return wanted.map(({ text, plan }) => {
      const known = this.#held.get(text);
      if (known !== undefined) {
        known.uses++;
        return known;
      }
      const params = bindParams(plan, this.#session.info.caller.identity);
      const held = this.#room.subscriptions.hold(this.#session, text, plan, params);
      this.#held.set(text, held);
      return held;
    });
  }

  #drop(set: QuerySet): void {
    for (const held of set.held) {
      held.uses--;
      if (held.uses > 0) continue;
      this.#held.delete(held.text);
      this.#room.subscriptions.release(held);
    }
  }

  /** The plans of queries; of those over empty tables nothing, if asked. */
  #plansOf(queries: readonly HeldQuery[], leavesOutEmpty: boolean): readonly SelectPlan[] {
    return queries.map((held) => held.plan).filter((plan) => !leavesOutEmpty || !this.#isOverEmpty(plan));
  }

  /**
   * Answers with the rows that plans have now, in slices if there are many.
   *
   * @param word makes the message of them
   * @param fail undoes what the message did, and words why
   */
  #answer(
    plans: readonly SelectPlan[],
    word: (queries: readonly QueryRows[]) => readonly Piece[],
    fail: (text: string) => Piece,
  ): void {
    const session = this.#session;
    if (session.isSilent) return; // the client has these rows
    const queries = plans.map((plan) => {
      const id = defined(plan.sources[0], "the source").table.id;
      const table = defined(this.#room.store.table(id), `table ${id}`);
      return { plan, table, rows: session.encoder.gather(table) };
    });
    let reading: Reading;
    try {
      reading = new Reading(this.#room, queries, session.info.caller.identity);
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      const message = fail(error.message);
      this.#tellShape();
      session.answer(message);
      return;
    }
    if (reading.isWhole) {
      this.#tellShape();
      session.answerParts(word(queries));
    } else session.answerInSlices({ reading, word: () => word(queries), shape: this.#shape(), fail });
  }

  #isOverEmpty(plan: SelectPlan): boolean {
    return plan.sources.some((source) => this.#room.store.table(source.table.id)?.rowCount === 0);
  }

  /** Comes before the answer: the answer lets go of the message that is now part of the shape. */
  #tellShape(): void {
    this.#session.subscribed(this.#shape());
  }

  #shape(): readonly number[] {
    const numbers = [...this.#sets.values()].map((set) => set.messageNumber);
    if (this.#legacy !== undefined) numbers.push(this.#legacy.messageNumber);
    return numbers.sort((a, b) => a - b);
  }

  #duration(): number {
    return this.#room.subscriptions.durationMicros();
  }
}
