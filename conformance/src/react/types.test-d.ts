// Goal: what the hooks give follows from the module's file alone, and wrong use does not compile.
// Method: compiled, never run. `is` compares types exactly; each expected error stands under its reason.
import { schema, t, table } from "lightcone/module";
import type { Client, Identity, LightconeError } from "lightcone/client";
import { createHooks, preload, type CallState, type LiveRows } from "lightcone/react";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<A, B>(same: Same<A, B>): void;

const app = schema({
  user: table({ public: true }, { identity: t.identity().primaryKey(), name: t.string().optional() }),
  message: table({ public: true }, { text: t.string() }),
  audit: table({}, { text: t.string() }),
});
const module = {
  default: app,
  say: app.reducer({ text: t.string(), to: t.identity().optional() }, () => {}),
  ping: app.reducer(() => {}),
  ask: app.procedure({ of: t.string() }, t.array(t.u64()), async () => [1n]),
  online: app.view({ public: true }, t.array(app.tables.user.rowType), (ctx) => [...ctx.db.user]),
};
const { LightconeProvider, useClient, useConnection, useProcedure, useQuery, useReducer, useRow, useSuspenseQuery } =
  createHooks<typeof module>();

type User = { identity: Identity; name: string | undefined };
const users = useQuery((tables) => tables.user);
is<typeof users, LiveRows<User>>(true);
is<typeof users.rows, readonly User[]>(true);
is<typeof users.error, LightconeError | undefined>(true);
const online = useSuspenseQuery((tables) => tables.online);
is<typeof online, readonly User[]>(true);
const maybe = useQuery((tables) => users.ready && tables.message);
is<(typeof maybe.rows)[number], { text: string }>(true);

declare const someone: Identity;
const { row } = useRow((tables) => tables.user.where({ identity: someone }));
is<typeof row, User | undefined>(true);
void useRow((tables) => row?.identity && tables.user.where({ identity: row.identity }).limit(1));
const ordered = useSuspenseQuery((tables) =>
  tables.message
    .where({ text: { gte: "a" } })
    .orderBy("text")
    .limit(5),
);
is<typeof ordered, readonly { text: string }[]>(true);
// @ts-expect-error no such column
useQuery((tables) => tables.user.where({ mane: "x" }));
// @ts-expect-error a column of another type
useRow((tables) => tables.user.where({ identity: "c200" }));
// @ts-expect-error no such column to order by
useQuery((tables) => tables.message.orderBy("sent"));

const [say, saying] = useReducer((reducers) => reducers.say);
is<Parameters<typeof say>[0]["text"], string>(true);
is<ReturnType<typeof say>, Promise<void>>(true);
is<typeof saying, CallState>(true);
void say({ text: "hello" });
const [ping] = useReducer((reducers) => reducers.ping);
is<typeof ping, () => Promise<void>>(true);
const [ask] = useProcedure((procedures) => procedures.ask);
is<ReturnType<typeof ask>, Promise<bigint[]>>(true);

is<ReturnType<typeof useClient>, Client<typeof module>>(true);
const { state, identity, retry } = useConnection();
is<typeof state, "connecting" | "open" | "waiting" | "closed">(true);
is<typeof identity, Identity | undefined>(true);
retry();
void preload(useClient(), useClient().tables.user);

// @ts-expect-error a private table is not there
useQuery((tables) => tables.audit);
// @ts-expect-error a reducer has no rows
useQuery((tables) => tables.say);
// @ts-expect-error rows are not to be written to
users.rows.push({ identity: users.rows[0]?.identity, name: "" });
// @ts-expect-error what suspends cannot be left out
useSuspenseQuery((tables) => users.ready && tables.message);
// @ts-expect-error a parameter is missing
void say({});
// @ts-expect-error no parameters at all
void say();
// @ts-expect-error a parameter has another type
void say({ text: 5 });
// @ts-expect-error a procedure is no reducer
useReducer((reducers) => reducers.ask);
// @ts-expect-error the provider needs a client
LightconeProvider({});
// @ts-expect-error of this module
LightconeProvider({ client: useOther().useClient() });

const other = { default: schema({ ship: table({ public: true }, { name: t.string() }) }) };
declare function useOther(): ReturnType<typeof createHooks<typeof other>>;

// Without a module's types: any name, rows as objects.
const plain = createHooks();
plain.useQuery((tables) => tables["user"]).rows[0]?.["name"] satisfies unknown;
