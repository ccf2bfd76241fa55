/**
 * Hooks for React over live queries: docs/react.md.
 *
 * Each hook reads one store of `@lightcone/live` by `useSyncExternalStore`, so that all that is rendered at once is of one
 * state of the client. Nothing is subscribed to while rendering but by the hooks that suspend, which have no other time.
 */
import {
  createContext,
  createElement,
  useCallback,
  useContext,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactElement,
  type ReactNode,
} from "react";
import type {
  Client,
  ClientProcedures,
  ClientReducers,
  ClientTables,
  LightconeError,
  ModuleExports,
  UntypedModule,
} from "@lightcone/client";
import {
  ConnectionWatch,
  liveQueries,
  noRows,
  type LiveConnection,
  type LiveOptions,
  type LiveQueries,
  type LiveRows,
  type Source,
} from "@lightcone/live";

/** How the calls of one hook are doing. */
export interface CallState {
  /** Whether one is on its way, or waits for a connection. */
  readonly pending: boolean;
  /** Why the last one failed; nothing once another has begun. Who never reads it hears of failures by the call's promise. */
  readonly error: LightconeError | undefined;
}

/** What is called, with what it takes and gives. */
type AnyCall = (...args: never[]) => Promise<unknown>;
/** What is false is no query: nothing is asked for, and there are no rows. */
type PickRows<From, Row> = (from: From) => Source<Row> | undefined | null | false;

/** What `useRow` shows. */
export interface LiveRow<Row> extends Omit<LiveRows<Row>, "rows"> {
  /** The row; undefined while there is none. */
  readonly row: Row | undefined;
}

/** What `createHooks` makes: the provider, and hooks that are typed by the module. */
export interface Hooks<M extends ModuleExports> {
  /** Gives the hooks below it their client, which is made once, outside, and closed by who made it. */
  readonly LightconeProvider: (props: { readonly client: Client<M>; readonly children?: ReactNode }) => ReactElement;
  /** The client itself. */
  readonly useClient: () => Client<M>;
  /** The rows of a table, a view or a query, and whether they are all there. */
  readonly useQuery: <Row>(pick: PickRows<ClientTables<M>, Row>) => LiveRows<Row>;
  /** As `useQuery`, of one row: the first that there is. Rendered again when that row is another. */
  readonly useRow: <Row>(pick: PickRows<ClientTables<M>, Row>) => LiveRow<Row>;
  /** As `useQuery`, for what is below a `Suspense`: waits there for the rows, and throws what refuses them. */
  readonly useSuspenseQuery: <Row>(pick: (tables: ClientTables<M>) => Source<Row>) => readonly Row[];
  /** A reducer, and how its calls are doing. The function is the same each time. */
  readonly useReducer: <Call extends AnyCall>(
    pick: (reducers: ClientReducers<M>) => Call,
  ) => readonly [Call, CallState];
  /** A procedure, in the same way. */
  readonly useProcedure: <Call extends AnyCall>(
    pick: (procedures: ClientProcedures<M>) => Call,
  ) => readonly [Call, CallState];
  /** The connection: its state, who one is, and `retry`. */
  readonly useConnection: () => LiveConnection & { readonly retry: () => void };
}

/** What a provider has for those below it. */
interface Provided<M extends ModuleExports> {
  readonly client: Client<M>;
  readonly queries: LiveQueries;
  readonly connection: ConnectionWatch;
  readonly retry: () => void;
}

const isServer = !("document" in globalThis);

/**
 * Makes the hooks of a module, typed by it: once for a database, in a file of its own.
 *
 * @example
 * export const { LightconeProvider, useQuery, useReducer } = createHooks<typeof chat>();
 */
export function createHooks<M extends ModuleExports = UntypedModule>(options?: LiveOptions): Hooks<M> {
  const Context = createContext<Provided<M> | undefined>(undefined);

  function useProvided(): Provided<M> {
    const provided = useContext(Context);
    if (provided === undefined)
      throw new TypeError("a hook of createHooks is used outside of its <LightconeProvider client={…}>");
    return provided;
  }

  function useQuery<Row>(pick: PickRows<ClientTables<M>, Row>): LiveRows<Row> {
    const { client, queries } = useProvided();
    const source = pick(client.tables);
    const query = source === undefined || source === null || source === false ? undefined : queries.of(source);
    return useSyncExternalStore(query?.watch ?? watchNothing, query?.now ?? nothing, () => {
      if (query === undefined) return noRows;
      // In a page this is what its server showed: nothing that has come since.
      return isServer ? query.pinned() : (query.handed ?? noRows);
    });
  }

  function useCall<Call extends AnyCall>(call: Call): readonly [Call, CallState] {
    const [{ count, error }, setCalls] = useState<Calls>(noCalls);
    const isLookedAt = useRef(false);
    const state = useMemo(
      () => ({
        pending: count > 0,
        get error() {
          isLookedAt.current = true;
          return error;
        },
      }),
      [count, error],
    );
    const counted = useCallback(
      (...args: never[]) => {
        setCalls((calls) => ({ count: calls.count + 1, error: undefined }));
        const done = call(...args).then(
          (value) => {
            setCalls((calls) => ({ ...calls, count: calls.count - 1 }));
            return value;
          },
          (error: LightconeError) => {
            setCalls((calls) => ({ count: calls.count - 1, error }));
            throw error;
          },
        );
        // Who shows the error need not also catch it.
        if (isLookedAt.current) done.catch(() => {});
        return done;
      },
      [call],
    );
    // It takes and gives what `call` does.
    return [counted as Call, state];
  }

  return {
    LightconeProvider({ client, children }) {
      // Plain JavaScript has no compiler that would say it.
      if (!("subscribe" in Object(client)))
        throw new TypeError("<LightconeProvider> needs client={…}, which `connect` of lightcone/client makes");
      const value = useMemo(
        (): Provided<M> => ({
          client,
          queries: liveQueries(client, options),
          connection: new ConnectionWatch(client),
          retry: () => client.retry(),
        }),
        [client],
      );
      return createElement(Context.Provider, { value }, children);
    },
    useClient: () => useProvided().client,
    useQuery,
    useRow(pick) {
      const { rows, ready, error } = useQuery(pick);
      const [row] = rows;
      return useMemo(() => ({ row, ready, error }), [row, ready, error]);
    },
    useSuspenseQuery(pick) {
      const { client, queries } = useProvided();
      const query = queries.of(pick(client.tables));
      const { ready, error } = query.now();
      if (!ready) {
        if (error !== undefined) throw error;
        throw query.load();
      }
      return useSyncExternalStore(query.watch, query.now, () =>
        isServer ? query.pinned() : (query.handed ?? query.now()),
      ).rows;
    },
    useReducer: (pick) => useCall(pick(useProvided().client.reducers)),
    useProcedure: (pick) => useCall(pick(useProvided().client.procedures)),
    useConnection() {
      const { connection, retry } = useProvided();
      const now = useSyncExternalStore(connection.watch, connection.now, connection.first);
      return useMemo(() => ({ ...now, retry }), [now, retry]);
    },
  };
}

interface Calls {
  readonly count: number;
  readonly error: LightconeError | undefined;
}
const noCalls: Calls = { count: 0, error: undefined };

const nothing = (): typeof noRows => noRows;
const watchNothing = () => (): void => {};
