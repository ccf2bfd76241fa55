/**
 * Lightcone in Vue: what `lightcone/react` is for React, by the same core. Copy it into a project.
 *
 *   app.use(lightcone.plugin(db))                                     once
 *   const cards = lightcone.useQuery((tables) => tables.card)         in `setup`: cards.value.rows
 */
import { inject, onScopeDispose, shallowRef, watchEffect, type InjectionKey, type Plugin, type ShallowRef } from "vue";
import type { Client, ClientReducers, ClientTables, ModuleExports } from "lightcone/client";
import {
  ConnectionWatch,
  liveQueries,
  noRows,
  type LiveConnection,
  type LiveOptions,
  type LiveRows,
  type Source,
} from "lightcone/live";

export interface Lightcone<M extends ModuleExports> {
  readonly plugin: (client: Client<M>) => Plugin;
  readonly useClient: () => Client<M>;
  /** The rows of a table, a view or a query; those of another when a ref that `pick` reads is another. */
  readonly useQuery: <Row>(
    pick: (tables: ClientTables<M>) => Source<Row> | undefined,
  ) => Readonly<ShallowRef<LiveRows<Row>>>;
  readonly useReducer: <Call extends (...args: never[]) => Promise<unknown>>(
    pick: (reducers: ClientReducers<M>) => Call,
  ) => { readonly call: Call; readonly pending: Readonly<ShallowRef<number>>; readonly error: Readonly<ShallowRef> };
  readonly useConnection: () => Readonly<ShallowRef<LiveConnection>>;
}

export function createLightcone<M extends ModuleExports>(options?: LiveOptions): Lightcone<M> {
  const key: InjectionKey<Client<M>> = Symbol("lightcone");

  function useClient(): Client<M> {
    const client = inject(key);
    if (client === undefined) throw new TypeError("app.use(lightcone.plugin(client)) was not called");
    return client;
  }

  return {
    plugin: (client) => ({ install: (app) => void app.provide(key, client) }),
    useClient,
    useQuery<Row>(pick: (tables: ClientTables<M>) => Source<Row> | undefined) {
      const client = useClient();
      const shown = shallowRef<LiveRows<Row>>(noRows);
      watchEffect((onCleanup) => {
        const source = pick(client.tables);
        const query = source && liveQueries(client, options).of(source);
        const show = (): void => void (shown.value = query?.now() ?? noRows);
        if (query !== undefined) onCleanup(query.watch(show));
        show();
      });
      return shown;
    },
    useReducer(pick) {
      const pending = shallowRef(0);
      const error = shallowRef<unknown>();
      const reducer = pick(useClient().reducers);
      const call = async (...args: never[]): Promise<unknown> => {
        pending.value += 1;
        error.value = undefined;
        try {
          return await reducer(...args);
        } catch (failure) {
          error.value = failure;
          throw failure;
        } finally {
          pending.value -= 1;
        }
      };
      // It takes and gives what the reducer does.
      return { call: call as typeof reducer, pending, error };
    },
    useConnection() {
      const connection = new ConnectionWatch(useClient());
      const shown = shallowRef(connection.now());
      onScopeDispose(connection.watch(() => (shown.value = connection.now())));
      return shown;
    },
  };
}
