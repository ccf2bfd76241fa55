/** What reducers, procedures and HTTP handlers are given. */
import type { DbView, ReadOnlyDb, Submodule, Tables, TablesWithin } from "./handles.ts";
import type { From } from "./query.ts";
import type { Wrong } from "./type-builder.ts";
import type { ConnectionId, Identity, TimeDuration, Timestamp, Uuid } from "./values.ts";

type IntegerArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Chance that is the same wherever the call is run again: seeded by the call's time and caller. */
export interface Random {
  /** A number in [0, 1) with 53 random bits. */
  (): number;
  fill<A extends IntegerArray>(array: A): A;
  uint32(): number;
  /** An integer; both ends are included. */
  integerInRange(min: number, max: number): number;
  bigintInRange(min: bigint, max: bigint): bigint;
}

/** What a token claims of its bearer. */
export interface JwtClaims {
  /** As it came: JSON. */
  readonly rawPayload: string;
  // oxlint-disable-next-line no-explicit-any -- as of `JSON.parse`: what an issuer puts in is known to the author alone
  readonly fullPayload: Readonly<Record<string, any>>;
  readonly subject: string;
  readonly issuer: string;
  /** A list, also where the token names one alone. */
  readonly audience: readonly string[];
  readonly identity: Identity;
}

/** By which right a call is made: the token of who calls, or that the database calls by itself. */
export interface AuthCtx {
  /** Whether the database itself calls: for a scheduled row, or `init`. */
  readonly isInternal: boolean;
  readonly hasJWT: boolean;
  readonly jwt: JwtClaims | null;
}

interface Ctx {
  /** Who calls. */
  readonly sender: Identity;
  /** By which token: what it claims besides who its bearer is. */
  readonly senderAuth: AuthCtx;
  /** Over which connection; null for a scheduled call, and in `init`. */
  readonly connectionId: ConnectionId | null;
  /** When: the only clock there is. */
  readonly timestamp: Timestamp;
  /** The database itself. */
  readonly identity: Identity;
  readonly databaseIdentity: Identity;
  readonly random: Random;
  /** A random UUID, from `random`. */
  newUuidV4(): Uuid;
  /** A UUID that sorts by when its call ran, and then by its order within the call. */
  newUuidV7(): Uuid;
}

/**
 * What a reducer is given as its first argument: the tables, who calls, when, and chance. All that a reducer can know
 * stands here,
 * so that a call that runs again does the same.
 *
 * @example
 * const app = schema({ note });
 * type Ctx = ReducerCtx<InferSchema<typeof app>>;
 * function mine(ctx: Ctx) {
 *   return ctx.db.note.owner.filter(ctx.sender);
 * }
 */
export interface ReducerCtx<S extends Tables = Tables> extends Ctx {
  readonly db: DbView<S>;
  /** What functions of each submodule are given: `chat.send(ctx.as.chat, { … })`. */
  readonly as: { readonly [K in SubmoduleKeys<S>]: ReducerCtx<TablesWithin<S[K]>> };
}

type SubmoduleKeys<S> = { [K in keyof S]: S[K] extends Submodule ? K : never }[keyof S];

/** What an anonymous view is given: rows to read, and queries to return instead of them. */
export interface AnonymousViewCtx<S extends Tables = Tables> {
  readonly db: ReadOnlyDb<S>;
  readonly from: From<S>;
}

/**
 * What a view is given that has rows of its own for each caller: rows to read, queries to return instead, and for
 * whom.
 */
export interface ViewCtx<S extends Tables = Tables> extends AnonymousViewCtx<S> {
  /** For whom. */
  readonly sender: Identity;
}

/** What a transaction of a procedure is given: the same as a reducer. */
export type TransactionCtx<S extends Tables = Tables> = ReducerCtx<S>;

/** What a request of a procedure is. */
export interface HttpInit {
  /** GET if left out. */
  readonly method?: string;
  /** Fields that repeat stand in a list: `[["accept", "text/plain"], …]`. */
  readonly headers?: Readonly<Record<string, string>> | Iterable<readonly [name: string, value: string]>;
  readonly body?: string | ArrayBuffer | ArrayBufferView | null;
  /** To the end of the answer's body; 30 s if left out, 180 s at most. */
  readonly timeout?: TimeDuration;
}

/** The headers of an answer, as the `Headers` of the web that nothing is written to. */
export interface HttpHeaders extends Iterable<[name: string, value: string]> {
  /** The values of a field, by comma; null when there is none. */
  get(name: string): string | null;
  getSetCookie(): string[];
  has(name: string): boolean;
  forEach(run: (value: string, name: string) => void): void;
  entries(): IterableIterator<[name: string, value: string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
}

/** An answer. It has come whole: what reads its body need not be awaited, and may be. */
export interface HttpResponse {
  readonly status: number;
  readonly statusText: string;
  /** Whether the status is from 200 to 299. */
  readonly ok: boolean;
  /** Where it came from, behind redirects. */
  readonly url: string;
  readonly type: string;
  readonly version: string;
  readonly headers: HttpHeaders;
  text(): string;
  // oxlint-disable-next-line no-explicit-any -- as on the web: what was sent is known to the author alone
  json(): any;
  bytes(): Uint8Array;
  arrayBuffer(): ArrayBuffer;
}

type NotAsync =
  "a transaction runs to its end at once: await before withTx, or behind it, and keep its function free of async";

type UnlessAsync<T> = [T] extends [never] ? unknown : [T] extends [PromiseLike<unknown>] ? Wrong<NotAsync> : unknown;

/** What may wait, and has no transaction but those that it makes: others run meanwhile. */
interface Waiting<S extends Tables> {
  readonly db: Wrong<"rows are reached within ctx.withTx((tx) => { … }), as tx.db">;
  readonly http: {
    /**
     * Sends a request. Any status is an answer.
     * @throws `errors.HttpError` when there is none
     */
    fetch(url: string | { readonly href: string }, init?: HttpInit): Promise<HttpResponse>;
  };
  /** Runs `body` in a transaction: kept when it returns, undone when it throws. Gives what `body` gives. */
  withTx<T>(body: ((tx: ReducerCtx<S>) => T) & UnlessAsync<T>): T;
  /** Waits for a time, or until one. `timestamp` is later by then. */
  sleep(how: TimeDuration | Timestamp): Promise<void>;
}

/**
 * What a procedure is given: requests over HTTP, sleep, and transactions that it makes itself. Rows are reached within
 * `withTx` alone.
 *
 * @example
 * export const rename = app.procedure({ name: t.string() }, t.unit(), async (ctx, { name }) => {
 *   const answer = await ctx.http.fetch(`https://names.example/${name}`);
 *   ctx.withTx((tx) => tx.db.player.insert({ who: tx.sender, name: answer.text() }));
 *   return {};
 * });
 */
export interface ProcedureCtx<S extends Tables = Tables> extends Ctx, Waiting<S> {
  /** What procedures of each submodule are given. */
  readonly as: { readonly [K in SubmoduleKeys<S>]: ProcedureCtx<TablesWithin<S[K]>> };
}

/** An HTTP handler is as a procedure that nobody has called: in its transactions the sender is all zero. */
export interface HandlerCtx<S extends Tables = Tables>
  extends Omit<Ctx, "sender" | "connectionId" | "databaseIdentity">, Waiting<S> {
  readonly as: { readonly [K in SubmoduleKeys<S>]: HandlerCtx<TablesWithin<S[K]>> };
}
