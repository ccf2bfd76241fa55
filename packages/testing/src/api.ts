/** What a test holds: the world of a module, those who act in it, and what they see. Types alone. */
import type { ConnectionId, Identity, Timestamp } from "@lightcone/sats";
import type { Fields, InferTypeOfRow } from "@lightcone/module";
import type { Duration } from "./duration.ts";
import type { Calls, ModuleExports, Procedures, Reducers, TestQuery, WorldDb } from "./types.ts";

/** What changed, commit by commit. */
export interface Changed<Row> {
  readonly inserted: readonly Row[];
  readonly deleted: readonly Row[];
  /** Rows that took the place of others with the same primary key. */
  readonly updated: readonly { readonly before: Row; readonly after: Row }[];
}

/** A subscription of a person of the test: its rows, and what has changed in them. */
export interface Subscription<Row> {
  /** The rows at present, in no particular order. */
  readonly rows: readonly Row[];
  /** What has changed since this was last asked, or since the subscription began. Rows of event tables are inserted alone. */
  take(): Changed<Row>;
  /** Ends it. */
  unsubscribe(): Promise<void>;
}

/** What `world.as` may say of a person besides the name. */
export interface PersonOptions {
  /** What the token claims besides who it is of: `ctx.senderAuth.jwt` has it. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

interface Acts<M extends ModuleExports> {
  readonly identity: Identity;
  /** The module's reducers and procedures, where a name of theirs is one of this object's own. */
  readonly reducers: Reducers<M>;
  readonly procedures: Procedures<M>;
  /** Subscribes to a query, with the rights of this identity. @throws {LightconeError} `SubscriptionRefused` */
  subscribe<F extends Fields>(query: TestQuery<M, F>): Promise<Subscription<InferTypeOfRow<F>>>;
  subscribe<Row = Readonly<Record<string, unknown>>>(sql: string): Promise<Subscription<Row>>;
  /** The rows of a query, once. @throws {LightconeError} `SubscriptionRefused` */
  query<F extends Fields>(query: TestQuery<M, F>): Promise<InferTypeOfRow<F>[]>;
  query<Row = Readonly<Record<string, unknown>>>(sql: string): Promise<Row[]>;
  /** Ends the connection, or all that an identity has, and lets the module's `clientDisconnected` run. */
  disconnect(): Promise<void>;
}

/** A connection: what an identity calls over it has its `ctx.connectionId`. */
export type Connection<M extends ModuleExports> = Calls<M> & Acts<M> & { readonly connectionId: ConnectionId };

/** An identity. What it calls goes over a connection of its own, which the first call opens. */
export type Person<M extends ModuleExports> = Calls<M> &
  Acts<M> & {
    readonly name: string;
    /** Opens one connection more. @throws {LightconeError} `Refused` by the module's `clientConnected` */
    connect(): Promise<Connection<M>>;
  };

/** A request of a procedure. */
export interface StubbedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Its body, as text. */
  readonly body: string;
}

/** What is answered: a body as text, as JSON or as bytes, with a status; or an error, for a network that fails. */
export type HttpReply =
  | string
  | Error
  | {
      /** 200 if left out. */
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
      /** A body that is sent as JSON. */
      readonly json?: unknown;
    };

/** An answer, or what makes one of the request. */
export type Answer = HttpReply | ((request: StubbedRequest) => HttpReply | Promise<HttpReply>);

/**
 * The network of the module's procedures, which the test answers. A request that nothing answers fails the test, and
 * says so.
 */
export interface HttpStubs {
  /**
   * Answers requests to an address. What was said last counts.
   *
   * @param url whole, or a pattern; with a method before it (`"POST https://…"`) for that method alone
   */
  on(url: string | RegExp, answer: Answer): void;
  /** What was requested, in order. */
  readonly requests: readonly StubbedRequest[];
}

/** A line of the module's log. */
export interface LogEntry {
  readonly level: string;
  readonly message: string;
  readonly function?: string;
}

/** What `world.request` may say besides the path. */
export interface RouteInit {
  /** GET if left out. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** What a route of the module answered. */
export interface RouteReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  text(): string;
  json(): unknown;
}

/**
 * A database of a test's own, who acts in it, and what is in it. `testModule` makes one; `await using world = …` ends
 * it with the test.
 */
export interface World<M extends ModuleExports> extends AsyncDisposable {
  /** An identity, the same for the same name. */
  as(name: string, options?: PersonOptions): Person<M>;
  /** Who has published the module: `init` runs as the owner. */
  readonly owner: Person<M>;
  /** The database's own identity. */
  readonly identity: Identity;
  readonly now: Timestamp;
  /** Every table, private ones too, as it is now: `world.db.player.id.find(1n)`. */
  readonly db: WorldDb<M>;
  /** Runs a statement as the owner. @returns its rows, by the columns' names in the database */
  sql<Row = Readonly<Record<string, unknown>>>(statement: string): Promise<Row[]>;
  /** Lets time pass: what is scheduled by then runs, each at its time. @throws {TypeError} */
  advance(by: Duration): Promise<void>;
  /** The network of procedures. */
  readonly http: HttpStubs;
  /** A request to a route of the module, by what follows `/route`. */
  request(path: string, init?: RouteInit): Promise<RouteReply>;
  /** What the module and the database wrote to its log. */
  readonly log: readonly LogEntry[];
  /** Ends it. What is called after that is refused. */
  close(): Promise<void>;
}
