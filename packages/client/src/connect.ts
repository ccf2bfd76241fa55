/** `connect`: a live, typed copy of a database's rows, without generated code. */
import type { LightconeError } from "@lightcone/base";
import type { ConnectionId, Identity } from "@lightcone/sats";
import { Catalog, type FunctionKind } from "./catalog.ts";
import { Connection, type ConnectionEvents, type ConnectionOptions, type ConnectionState } from "./connection.ts";
import { checkOptions, type ConnectOptions } from "./connect-options.ts";
import { listen } from "./listeners.ts";
import { makeRealPlatform } from "./real-platform.ts";
import type { Query, SubscriptionHandle } from "./subscription.ts";
import { TableView } from "./table-view.ts";
import { isObject, shown } from "./value-codec.ts";
import { Tokens } from "./token-store.ts";
import type {
  ClientProcedures,
  ClientReducers,
  ClientTables,
  ModuleExports,
  TableQuery,
  UntypedModule,
} from "./types.ts";

/**
 * A client of one database: its live rows, and what it may call. `connect` makes one; it goes on, over all
 * connections, until `close`.
 *
 * Rows change by whole transactions: what is read between two turns of the program is of one state of the database.
 */
export interface Client<M extends ModuleExports = UntypedModule> {
  readonly tables: ClientTables<M>;
  /**
   * Each resolves when the database has done the call, durably and its rows in the tables. It rejects with
   * `ReducerFailed` and the module's text; with `ConnectionLost` when nobody knows what became of it; with
   * `BadArguments` or `VersionDiffers` when it was not sent; or with what ended the client.
   */
  readonly reducers: ClientReducers<M>;
  /**
   * Each resolves to what the procedure gives, when what it committed is durable and in the tables. It rejects as reducers do,
   * with `ProcedureFailed` in the place of `ReducerFailed`: what it had committed by then stays.
   */
  readonly procedures: ClientProcedures<M>;
  /**
   * `connecting`: on its way; `open`: rows are live; `waiting`: the connection was lost, rows stay as they were
   * and the client will try again by itself; `closed`: for good.
   */
  readonly state: ConnectionState;
  /** Who this client is, once it was connected or shows rows that were kept. */
  readonly identity: Identity | undefined;
  readonly connectionId: ConnectionId | undefined;
  readonly token: string | undefined;
  /** What ended the client, if the application did not. */
  readonly error: LightconeError | undefined;
  /**
   * Asks for the rows of some queries, and for what changes in them from then on. Queries that are asked for together
   * belong together: their first rows come at once, one that is refused refuses all, now or at a later publish, and they
   * end together. What is to end by itself is asked for by itself.
   */
  subscribe(...queries: readonly [Query, ...Query[]]): SubscriptionHandle;
  /**
   * Asks for rows once, as the database has them now; those that are subscribed to stay as they are. It rejects as a subscription
   * does that is refused. One whose connection is lost is asked again.
   */
  query<Row>(query: TableQuery<Row>): Promise<readonly Row[]>;
  query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
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
 * Nothing of the module is needed but its types: names and codecs come from the server. Without types any name stands
 * for a table or a reducer, as the module's code spells it.
 *
 * @throws {TypeError} naming the option that is missing, or is not what it should be
 * @throws {LightconeError} `NoWebSocket` where there is none, as in Node 20; `Malformed` when `schema` is none
 *
 * @example
 * import type * as chat from "./module/src/index.ts";
 * const db = connect<typeof chat>({ uri: "http://127.0.0.1:3000", database: "chat" });
 * db.subscribe("SELECT * FROM message", "SELECT * FROM user");
 * db.tables.message.onInsert((message) => show(message.text));
 * await db.reducers.sendMessage({ text: "hello" });
 */
export function connect<M extends ModuleExports = UntypedModule>(options: ConnectOptions): Client<M> {
  checkOptions(options);
  const platform = options.platform ?? makeRealPlatform(options.WebSocket);
  const catalog = new Catalog(options.database, options.schema);
  const tokens = new Tokens(options.token, options.tokenStore);
  const listeners = new Set<{ readonly run: (state: ConnectionState, reason?: string) => void }>();
  if (options.onState !== undefined) listeners.add({ run: options.onState });
  const tell = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      platform.report(error);
    }
  };
  const tables = new Named((accessor) => new TableView(accessor, connection, tell));
  const callers = (kind: FunctionKind) =>
    new Named(
      (accessor) =>
        (...all: readonly unknown[]): Promise<unknown> =>
          // Several are shown to be refused as the list that they are.
          connection.call(kind, accessor, all.length > 1 ? all : all[0] === undefined ? {} : all[0]),
    );
  const [reducers, procedures] = [callers("reducer"), callers("procedure")];
  const events: ConnectionEvents = {
    hearsErrors: options.onError !== undefined,
    failed: (error, isTold) => {
      const { onError } = options;
      if (onError !== undefined) tell(() => onError(error));
      else if (isTold) return;
      else if (connection.state === "closed") platform.report(error);
      else platform.error(`lightcone: ${error.message}. ${error.hint}`);
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
    named: () => {
      for (const name of catalog.tableNames) tables.get(name);
      for (const name of catalog.functionNames("reducer")) reducers.get(name);
      for (const name of catalog.functionNames("procedure")) procedures.get(name);
    },
    hears: (name) => tables.get(name).isHeard,
    changed: (changes) => {
      for (const [name, change] of changes) tables.get(name).announce(change);
      for (const name of changes.keys()) tables.get(name).announceChange();
    },
  };
  const { uri, database, confirmed } = options;
  // `optimistic` made it so.
  const optimistic = options.optimistic as ConnectionOptions["optimistic"] | undefined;
  // And `persist` this.
  const persist = options.persist as ConnectionOptions["persist"] | undefined;
  const connection = new Connection(
    { uri, database, confirmed, tokens, platform, catalog, optimistic, persist },
    events,
  );

  const client: Omit<Client, Made> & Record<Made, object> = {
    tables: tables.all,
    reducers: reducers.all,
    procedures: procedures.all,
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
      return tokens.last;
    },
    get error() {
      return connection.end;
    },
    subscribe(...queries) {
      checkQueries(queries);
      const subscription = connection.subscribe(queries);
      return {
        get applied() {
          subscription.isAwaited = true;
          return subscription.applied;
        },
        get isApplied() {
          return subscription.isApplied;
        },
        get error() {
          return subscription.error;
        },
        onChange: (run) => listen(subscription.listeners, () => tell(run)),
        unsubscribe: () => connection.unsubscribe(subscription),
      };
    },
    query(query: Query) {
      checkQueries([query]);
      return connection.query(query);
    },
    onState: (run) => listen(listeners, run),
    retry: () => connection.retry(),
    close: () => connection.close(),
  };
  // What stands under a name is what the module's types say of it, or fails by that name.
  return client as unknown as Client<M>;
}

/** @throws {TypeError} when there is none, or something else */
function checkQueries(queries: readonly unknown[]): void {
  const isQuery = (given: unknown): boolean => typeof given === "string" || (isObject(given) && "accessor" in given);
  if (queries.length === 0 || !queries.every(isQuery))
    throw new TypeError(
      `a query is SQL, or made of a table: ${shown(queries.find((given) => !isQuery(given)))} is none`,
    );
}

/** What is made as it is asked for. */
type Made = "tables" | "reducers" | "procedures" | "query";

/** Things by name, each made when it is first asked for: which names there are is known only once connected. */
class Named<T extends object> {
  /** As properties: those of which the names are known, and any other that is asked for. */
  readonly all: object;
  readonly #make: (name: string) => T;
  readonly #made: Record<string, T> = Object.create(null);

  constructor(make: (name: string) => T) {
    this.#make = make;
    this.all = new Proxy(this.#made, {
      // What has a `then` is taken for a promise by whoever awaits it.
      get: (made, name) => (typeof name === "string" && (name !== "then" || name in made) ? this.get(name) : undefined),
    });
  }

  get(name: string): T {
    return (this.#made[name] ??= this.#make(name));
  }
}
