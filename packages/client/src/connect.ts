/** `connect`: a live, typed copy of a database's rows, without generated code. */
import { LightconeError } from "@lightcone/base";
import { describeExports, type ModuleDescription, type ModuleExports } from "@lightcone/module/description";
import type { ConnectionId, Identity } from "@lightcone/sats";
import { Connection, type ConnectionEvents, type ConnectionState } from "./connection.ts";
import type { Platform } from "./platform.ts";
import { realPlatform } from "./real-platform.ts";
import type { BagTable } from "./row-bag.ts";
import type { SubscriptionHandle } from "./subscription.ts";
import { TableView } from "./table-view.ts";
import type { TokenStore } from "./token-store.ts";
import type { ClientReducers, ClientTables } from "./types.ts";
import { encodeValue, makeCodec } from "./value-codec.ts";

export interface ConnectOptions<M extends ModuleExports> {
  /** The server: `http://127.0.0.1:3000`, or any other scheme of `http`, `https`, `ws`, `wss`. */
  readonly uri: string;
  /** The database's name or identity. */
  readonly database: string;
  /** The module's entry file: `import * as chat from "./module/src/index.ts"`. */
  readonly module: M;
  /** Whom to connect as. Without it, and nothing in the store, the server makes a new identity. */
  readonly token?: string;
  /** Where the token is kept for the next time. */
  readonly tokenStore?: TokenStore;
  /** Whether to see only what is durable. Left to the server when left out. */
  readonly confirmed?: boolean;
  readonly onState?: (state: ConnectionState, reason?: string) => void;
  /**
   * Runs when the client cannot go on: there is no such database (`NoSuchDatabase`), the token is not believed
   * (`Unauthorized`), the server speaks another language (`Malformed`); the error's `hint` says what to do. The state
   * is `closed` then. Runs also when a subscription that was applied is refused later.
   *
   * Without it such an error is thrown where nobody catches it, unless something waits for the connection: that it
   * rejects in any case.
   * A server that cannot be reached is no error: it is tried again, see `onState`.
   */
  readonly onError?: (error: LightconeError) => void;
  /** Another world than the page's or process's own: for tests. */
  readonly platform?: Platform;
}

/** A query's text, or a table for all of its rows. */
export type Query = string | { readonly name: string };

export interface Client<M extends ModuleExports> {
  readonly tables: ClientTables<M>;
  /**
   * Each resolves when the database has done the call, durably and its rows in the tables, and rejects with
   * `ReducerFailed` and the module's text, or `ConnectionLost` when the connection went first and nobody knows,
   * or with what `onError` is told when there can be no connection.
   */
  readonly reducers: ClientReducers<M>;
  /**
   * `connecting`: on its way; `open`: rows are live; `waiting`: the connection was lost, rows stay as they were
   * and the client will try again by itself; `closed`: for good.
   */
  readonly state: ConnectionState;
  /** Who this client is, once it was connected. */
  readonly identity: Identity | undefined;
  readonly connectionId: ConnectionId | undefined;
  readonly token: string | undefined;
  /** Asks for the rows of some queries, and for what changes in them from then on. */
  subscribe(...queries: readonly [Query, ...Query[]]): SubscriptionHandle;
  /** Runs whenever the state changes. Returns what ends that. */
  onState(run: (state: ConnectionState, reason?: string) => void): () => void;
  /** While `waiting`: tries now. */
  retry(): void;
  /** Ends it for good. What was not answered rejects. */
  close(): void;
}

/**
 * Connects to a database. Returns at once; what is asked before the connection is there waits for it. A connection
 * that is lost is made again by itself, until `close`: a Node program goes on as long.
 *
 * @throws {TypeError} when `module` is no module's entry file, or `uri` no address
 *
 * @example
 * import * as chat from "./module/src/index.ts";
 * const db = connect({ uri: "http://127.0.0.1:3000", database: "chat", module: chat });
 * db.subscribe("SELECT * FROM message", "SELECT * FROM user");
 * db.tables.message.onInsert((message) => show(message.text));
 * await db.reducers.sendMessage({ text: "hello" });
 */
export function connect<M extends ModuleExports>(options: ConnectOptions<M>): Client<M> {
  const platform = options.platform ?? realPlatform;
  const description = describeExports(options.module);
  checkUri(options.uri);
  const listeners = new Set<{ readonly run: (state: ConnectionState, reason?: string) => void }>();
  if (options.onState !== undefined) listeners.add({ run: options.onState });
  const tell = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      platform.report(error);
    }
  };
  const tables = bagTablesOf(description);
  const views = new Map<string, TableView>();
  const events: ConnectionEvents = {
    hearsErrors: options.onError !== undefined,
    failed: (error, isTold) => {
      const { onError } = options;
      if (onError !== undefined) tell(() => onError(error));
      else if (!isTold) platform.report(error);
    },
    unreachable: (reason) => {
      if (listeners.size === 0)
        platform.warn(
          `lightcone: no connection to ${options.database} at ${options.uri} (${reason}); trying again. Is the server there?`,
        );
    },
    state: (state, reason) => {
      for (const { run } of listeners) tell(() => run(state, reason));
    },
    changed: (changes) => {
      for (const name of changes.keys()) views.get(name)?.forget();
      const changed = [...changes].filter(([, { inserts, deletes, updates }]) =>
        [inserts, deletes, updates].some((list) => list.length > 0),
      );
      for (const [name, change] of changed) views.get(name)?.announce(change);
      for (const [name] of changed) views.get(name)?.announceChange();
    },
  };
  const connection = new Connection(
    {
      uri: options.uri,
      database: options.database,
      token: options.token,
      tokenStore: options.tokenStore,
      confirmed: options.confirmed,
      tables,
      platform,
    },
    events,
  );
  for (const { name } of tables) views.set(name, new TableView(name, () => connection.bag(name), tell));

  const client: Omit<Client<ModuleExports>, "tables" | "reducers"> & { tables: object; reducers: object } = {
    tables: Object.fromEntries(
      description.tables.flatMap(({ accessor, name, isPublic }) => (isPublic ? [[accessor, views.get(name)]] : [])),
    ),
    reducers: reducersOf(description, connection),
    get state() {
      return connection.state;
    },
    get identity() {
      return connection.identity;
    },
    get connectionId() {
      return connection.connectionId;
    },
    get token() {
      return connection.token;
    },
    subscribe(...queries) {
      const subscription = connection.subscribe(queries.map(textOf));
      return {
        applied: subscription.applied,
        get isApplied() {
          return subscription.isApplied;
        },
        unsubscribe: () => connection.unsubscribe(subscription),
      };
    },
    onState(run) {
      const listener = { run };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    retry: () => connection.retry(),
    close: () => connection.close(),
  };
  // Tables and reducers were made from the same exports that their types are inferred from.
  return client as Client<M>;
}

function checkUri(uri: string): void {
  if (!/^(?:https?|wss?):$/.test(new URL(uri).protocol))
    throw new TypeError(`the uri is an address of http, https, ws or wss, not ${uri}`);
}

function bagTablesOf({ tables }: ModuleDescription): BagTable[] {
  return tables.map(({ name, rowType, primaryKey }) => {
    const column = primaryKey === undefined ? undefined : rowType.elements[primaryKey];
    const key = column?.name === undefined ? undefined : { column: column.name, codec: makeCodec(column.type) };
    return { name, row: makeCodec(rowType), key };
  });
}

function reducersOf({ reducers }: ModuleDescription, connection: Connection): object {
  const calls = reducers.map(({ accessor, name, params }) => {
    const codec = makeCodec(params);
    const call = async (args: object = {}): Promise<void> => {
      await connection.call(
        name,
        encodeArguments(name, () => encodeValue(codec, args)),
      );
    };
    return [accessor, call];
  });
  return Object.fromEntries(calls);
}

function encodeArguments(reducer: string, encode: () => Uint8Array): Uint8Array {
  try {
    return encode();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new LightconeError("BadArguments", { reducer, reason: cause.message }, { cause });
  }
}

/** Quoted, since a table may be called what SQL has a meaning for. */
function textOf(query: Query): string {
  return typeof query === "string" ? query : `SELECT * FROM "${query.name}"`;
}
