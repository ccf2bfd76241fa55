/**
 * What is asked once: calls and queries, from the application's promise to its answer. What cannot be sent yet is held for the
 * next link; what was sent on one that is lost is answered by nobody, so a query is held again and a call fails.
 *
 * While something waits, the server is asked now and then whether it is there: of a network that is gone, nothing is heard.
 */
import { LightconeError, type Clock } from "@lightcone/base";
import { resultLostStart } from "@lightcone/protocol";
import type { Catalog, FunctionKind } from "./catalog.ts";
import type { Guess } from "./guessing.ts";
import { rowsIn } from "./row-bag.ts";
import { RowQuery } from "./row-query.ts";
import type { Query } from "./subscription.ts";
import { decodeValue, isObject } from "./value-codec.ts";
import type { Answer, Ask } from "./wire.ts";

/** So long a call may wait without a word before the server is asked whether it is there, and so long that may take. */
const silenceMs = 20_000;
const probeMs = 10_000;
/** While rows are on their way the answer comes behind them, and of a message nothing is heard until it is whole. */
const probeBehindRowsMs = 120_000;

/** Calls that wait for a connection. */
export const heldCallsMax = 1_000;

/** The way to the server, as it is now. */
export interface Way {
  /** Whether there is a link that takes what is sent. */
  isOpen(): boolean;
  /** Whether the server owes rows that were subscribed to, or what has changed of them; they come before it is open too. */
  awaitsRows(): boolean;
  send(ask: Ask): void;
  /** The server does not answer any more. */
  lost(reason: string): void;
}

interface Call {
  readonly id: number;
  readonly kind: FunctionKind;
  /** As the module's code has it. */
  readonly reducer: string;
  readonly args: unknown;
  readonly guess: Guess | undefined;
  /** Takes what it gives. */
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What waits for a connection. */
export interface Held {
  readonly what: string;
  readonly send: () => void;
  readonly reject: (error: unknown) => void;
}

/** What was sent and is not answered. */
export interface Sent {
  /** As the application calls it. */
  readonly what: string;
  /** The reducer's name on the wire. */
  readonly reducer?: string;
  /** Takes the answer. What it gives tells whoever waits, once the rows are there. */
  readonly take: (answer: Answer) => () => void;
  readonly reject: (error: unknown) => void;
  readonly guess?: Guess | undefined;
  /** Of what may be asked again without harm. */
  readonly again?: Held;
}

export class Requests {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #way: Way;
  /** Sent on the link that there is, and not answered. */
  readonly #sent = new Map<number, Sent>();
  #held: Held[] = [];
  #nextId = 1;
  /** Messages heard over all links. */
  #heard = 0;
  #cancelWatch: (() => void) | undefined;
  #cancelProbe: (() => void) | undefined;

  constructor(catalog: Catalog, clock: Clock, way: Way) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#way = way;
  }

  /** For anything that is sent: no two are the same. */
  newId(): number {
    const id = this.#nextId;
    this.#nextId += 1;
    return id;
  }

  /** @param args what the application gave; what is no object is refused as `BadArguments` */
  call(kind: FunctionKind, reducer: string, args: unknown, guess?: Guess): Promise<unknown> {
    return new Promise((resolve, rejectPromise) => {
      const reject = (error: unknown): void => {
        guess?.end();
        rejectPromise(error);
      };
      const call: Call = { id: this.newId(), kind, reducer, args, guess, resolve, reject };
      if (this.#way.isOpen()) return this.#sendCall(call);
      // What is wrong with it is said now, as far as that is known.
      if (this.#catalog.isKnown) this.#catalog.encodeCall(kind, reducer, args);
      // The application may change its object meanwhile.
      const kept = isObject(args) ? { ...call, args: { ...args } } : call;
      this.#hold({ what: reducer, send: () => this.#sendCall(kept), reject });
      guess?.begin();
    });
  }

  /** Rows as the database has them now. */
  query(query: Query): Promise<readonly object[]> {
    return new Promise((resolve, reject) => {
      const held: Held = { what: "query", reject, send: () => this.#sendQuery(query, held, resolve) };
      if (this.#way.isOpen()) held.send();
      else this.#hold(held);
    });
  }

  /** Sends what waited for a link. */
  sendHeld(): void {
    for (const { send } of this.takeHeld()) send();
  }

  /** What waits for a link, which whoever takes it answers. */
  takeHeld(): readonly Held[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }

  /** Whom an answer is for, who is not waited for any more; undefined when nobody asked. */
  answered(answer: Answer): Sent | undefined {
    const id = this.#answeredId(answer);
    const sent = this.#sent.get(id);
    this.#sent.delete(id);
    return sent;
  }

  /** Something was heard from the server. */
  heard(): void {
    this.#heard += 1;
  }

  /** The link is gone; what was sent on it stays unknown. */
  lost(reason: string): void {
    this.#cancelProbe?.();
    this.#cancelProbe = undefined;
    const lost = [...this.#sent.values()];
    this.#sent.clear();
    for (const { what, reject, again } of lost) {
      if (again === undefined) reject(new LightconeError("ConnectionLost", { reducer: what, reason }));
      else this.#held.push(again);
    }
  }

  /** Nothing more is sent. */
  close(): void {
    this.#cancelWatch?.();
  }

  /** Asks what any server answers, if only by a refusal; one that says nothing at all is not there any more. */
  probe(): void {
    const awaitsRows = this.#way.awaitsRows();
    if (!(awaitsRows || this.#way.isOpen()) || this.#cancelProbe !== undefined) return;
    const heard = this.#heard;
    this.#cancelProbe = this.#clock.after(awaitsRows ? probeBehindRowsMs : probeMs, () => {
      this.#cancelProbe = undefined;
      if (heard === this.#heard) this.#way.lost("the server does not answer any more");
    });
    const nothing = (): void => {};
    this.#send(
      { kind: "query", id: this.newId(), query: "SELECT 1" },
      { what: "probe", take: () => nothing, reject: nothing },
    );
  }

  #hold(held: Held): void {
    if (this.#held.length >= heldCallsMax) {
      const value = this.#held.length + 1;
      throw new LightconeError("LimitExceeded", { limit: "heldCallsMax", value, max: heldCallsMax });
    }
    this.#held.push(held);
  }

  #sendCall({ id, kind, reducer, args: given, guess, resolve, reject }: Call): void {
    try {
      const { name, args, returns } = this.#catalog.encodeCall(kind, reducer, given);
      const take = ({ failure, value, isDatabases }: Answer): (() => void) => {
        if (isDatabases === true && failure?.startsWith(resultLostStart) === true)
          return () => reject(new LightconeError("ResultLost", { reducer }));
        if (failure !== undefined) {
          const code = kind === "reducer" ? "ReducerFailed" : "ProcedureFailed";
          const whose = isDatabases === true ? { database: this.#catalog.database } : {};
          return () => reject(new LightconeError(code, { message: failure, ...whose }));
        }
        // Some servers keep what a reducer gives to themselves.
        const isTold = returns !== undefined && value !== undefined && (kind === "procedure" || value.length > 0);
        const result = isTold ? decodeValue(returns, value, `the result of ${reducer}`) : undefined;
        return () => resolve(result);
      };
      this.#send({ kind, id, name, args }, { what: reducer, reducer: name, take, reject, guess });
      guess?.begin();
    } catch (error) {
      reject(error);
    }
  }

  #sendQuery(query: Query, again: Held, resolve: (rows: readonly object[]) => void): void {
    const { reject } = again;
    const catalog = this.#catalog;
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
      this.#send({ kind: "query", id: this.newId(), query: textOf(query, catalog) }, { ...again, take, again });
    } catch (error) {
      reject(error);
    }
  }

  #send(ask: Ask, sent: Sent): void {
    this.#sent.set(ask.id, sent);
    this.#way.send(ask);
    this.watch();
  }

  /** The server owes something. */
  watch(): void {
    if (this.#cancelWatch !== undefined) return;
    const heard = this.#heard;
    this.#cancelWatch = this.#clock.after(silenceMs, () => {
      this.#cancelWatch = undefined;
      if (this.#sent.size === 0 && !this.#way.awaitsRows()) return;
      if (heard === this.#heard) this.probe();
      this.watch();
    });
  }

  #answeredId({ id, name, failure }: Answer): number {
    if (id !== 0 || failure === undefined) return id;
    // A call that no reducer could have run as is refused without its id: it is the oldest of that name.
    for (const [each, { reducer }] of this.#sent)
      if (reducer !== undefined && (name === reducer || name === "")) return each;
    return id;
  }
}

/** A query as SQL. Names are quoted, since a table may be called what SQL has a meaning for. */
export function textOf(query: Query, catalog: Catalog): string {
  if (typeof query === "string") return query;
  const schema = catalog.schemaOf(query.accessor);
  if (!(query instanceof RowQuery)) return `SELECT * FROM "${schema.name}"`;
  query.check(catalog.table(query.accessor));
  return query.textOf(schema);
}
