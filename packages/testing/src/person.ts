/** Who acts on a database under test: an identity, and the connections that it has. */
import { isQuery } from "@lightcone/module/query";
import { ConnectionId, readU128, type Identity } from "@lightcone/sats";
import type { CalledFunction } from "./functions.ts";
import type { TestConnection } from "./connection.ts";
import type { Person } from "./api.ts";
import type { QueryStart } from "./from.ts";
import { helpful } from "./helpful.ts";
import type { ModuleExports } from "./types.ts";

/** What those who act have of their world. */
export interface PersonSite {
  readonly functions: ReadonlyMap<string, CalledFunction>;
  readonly from: QueryStart;
  connect(identity: Uint8Array, claims: string, isOwner: boolean): TestConnection;
  /** Runs a request of a test: time goes on by a microsecond, and what failed meanwhile is thrown. */
  request<T>(run: () => Promise<T>): Promise<T>;
  settle(): Promise<void>;
}

type AnyQuery = string | ((from: QueryStart) => unknown);

function sqlOf(site: PersonSite, query: AnyQuery): string {
  if (typeof query === "string") return query;
  const made = typeof query === "function" ? query(site.from) : undefined;
  if (isQuery(made)) return made.toSql();
  throw new TypeError("a query is SQL, or made of the module's tables and views: (from) => from.player");
}

function callsOf(
  site: PersonSite,
  call: (called: CalledFunction, args: unknown) => Promise<unknown>,
): { readonly own: object; readonly reducers: object; readonly procedures: object } {
  const reducers: Record<string, unknown> = {};
  const procedures: Record<string, unknown> = {};
  for (const [name, called] of site.functions)
    (called.kind === "procedure" ? procedures : reducers)[name] = (args?: unknown) => call(called, args);
  return {
    own: { ...procedures, ...reducers },
    reducers: helpful(reducers, "`reducers`", Object.keys(reducers)),
    procedures: helpful(procedures, "`procedures`", Object.keys(procedures)),
  };
}

export function makePerson(
  site: PersonSite,
  name: string,
  identity: Identity,
  claims: string,
  isOwner = false,
): Person<ModuleExports> {
  const bytes = identity.toUint8Array();
  const opened = new Set<TestConnection>();
  let usual: TestConnection | undefined;
  const open = (): TestConnection => {
    const connection = site.connect(bytes, claims, isOwner);
    opened.add(connection);
    return connection;
  };
  const over = (): TestConnection => {
    if (usual === undefined || usual.isOver) usual = open();
    return usual;
  };
  const end = (those: Iterable<TestConnection>): Promise<void> =>
    site.request(async () => {
      for (const each of those) {
        each.close();
        opened.delete(each);
      }
      await site.settle();
    });
  const acts = (use: () => TestConnection) => {
    const { own, reducers, procedures } = callsOf(site, (called, args) => site.request(() => use().call(called, args)));
    return {
      ...own,
      identity,
      reducers,
      procedures,
      subscribe: (query: AnyQuery) => site.request(() => use().subscribe(sqlOf(site, query))),
      query: (query: AnyQuery) => site.request(() => use().query(sqlOf(site, query))),
    };
  };
  const connect = async (): Promise<object> => {
    const connection = open();
    await site.request(() => connection.open());
    const connectionId = new ConnectionId(readU128(viewOf(connection.caller.connectionId), 0));
    const disconnect = (): Promise<void> => end([connection]);
    return helpful({ ...acts(() => connection), connectionId, disconnect }, "a connection", site.functions.keys());
  };
  const made = { ...acts(over), name, connect, disconnect: () => end(opened) };
  return helpful(made, `\`${name}\``, site.functions.keys()) as unknown as Person<ModuleExports>; // by the module's own shape
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
