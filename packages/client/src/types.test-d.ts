// Goal: a client's types follow from the module's file alone, and wrong use does not compile.
// Method: compiled, never run. `is` compares types exactly; each expected error stands under its reason.
import { schema, t, table } from "@lightcone/module";
import type { Identity } from "@lightcone/sats";
import { connect } from "./connect.ts";
import type { RowOf } from "./types.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<A, B>(same: Same<A, B>): void;

const spacetime = schema({
  user: table({ public: true }, { identity: t.identity().primaryKey(), name: t.string().optional(), online: t.bool() }),
  message: table({ public: true }, { text: t.string() }),
  audit: table({}, { text: t.string() }),
});
const module = {
  default: spacetime,
  started: spacetime.init(() => {}),
  came: spacetime.clientConnected(() => {}),
  say: spacetime.reducer({ text: t.string(), to: t.identity().optional() }, () => {}),
  ping: spacetime.reducer(() => {}),
  maybe: spacetime.reducer({ note: t.string().optional() }, () => {}),
  ask: spacetime.procedure({ of: t.string(), to: t.identity().optional() }, t.array(t.u64()), async () => [1n]),
  rest: spacetime.procedure(t.unit(), async () => {}),
  online: spacetime.view({ public: true }, t.array(spacetime.tables.user.rowType), (ctx) => [...ctx.db.user]),
  first: spacetime.anonymousView({ public: true }, t.option(t.row("First", { n: t.u8() })), () => undefined),
  counted: spacetime.reducer({ by: t.u32() }, t.u64(), () => 1n),
  group: spacetime.exportGroup({
    grouped: spacetime.reducer({ by: t.u32() }, () => {}),
    asked: spacetime.procedure(t.u8(), () => 1),
  }),
};
const db = connect<typeof module>({ uri: "http://server", database: "chat" });

type User = { identity: Identity; name: string | undefined; online: boolean };
is<RowOf<typeof module, "user">, User>(true);
is<keyof typeof db.tables, "user" | "message" | "online" | "first">(true);
is<ReturnType<typeof db.tables.online.rows>, readonly User[]>(true);
is<ReturnType<typeof db.tables.first.rows>, readonly { n: number }[]>(true);
is<keyof typeof db.reducers, "say" | "ping" | "maybe" | "counted" | "grouped">(true);
is<keyof typeof db.procedures, "ask" | "rest" | "asked">(true);
is<ReturnType<typeof db.reducers.counted>, Promise<bigint>>(true);
is<ReturnType<typeof db.reducers.say>, Promise<void>>(true);
is<ReturnType<typeof db.procedures.ask>, Promise<bigint[]>>(true);
is<ReturnType<typeof db.procedures.rest>, Promise<void>>(true);
void db.procedures.ask({ of: "x" });
void db.procedures.rest();
// @ts-expect-error a parameter is missing
void db.procedures.ask({});
// @ts-expect-error a procedure is no reducer
void db.reducers.ask;
is<ReturnType<typeof db.tables.user.rows>, readonly User[]>(true);
is<ReturnType<typeof db.tables.user.get>, User | undefined>(true);

declare const someone: Identity;
db.tables.user.onUpdate((before, after) => [before.name, after.online]);
db.tables.message.onInsert(({ text }) => text.length);
void db.reducers.say({ text: "hello" });
void db.reducers.say({ text: "hello", to: someone });
void db.reducers.ping();
void db.reducers.maybe();
void db.reducers.grouped({ by: 1 });
// @ts-expect-error a parameter of another type, in a group too
void db.reducers.grouped({ by: "one" });
void db.reducers.maybe({ note: "x" });
db.subscribe(db.tables.user, "SELECT * FROM message").unsubscribe();

const open = db.tables.user
  .where({ online: true, name: { gte: "a" } })
  .orderBy("name", "desc")
  .limit(3);
is<ReturnType<typeof open.rows>, readonly User[]>(true);
const asked = db.query(open);
is<typeof asked, Promise<readonly User[]>>(true);
void (db.query(db.tables.message) satisfies Promise<readonly { text: string }[]>);
void (db.query("SELECT * FROM user") satisfies Promise<readonly object[]>);
db.subscribe(open.after(open.rows().at(-1)));
// @ts-expect-error a column of another type
open.where({ online: "yes" });
// @ts-expect-error no such column
open.where({ onlin: true });
declare const maybe: string | undefined;
// @ts-expect-error what may be missing would ask for every row
open.where({ name: maybe });
// @ts-expect-error nor one to order by
open.orderBy("onlin");

// @ts-expect-error the key is an identity
db.tables.user.get("c200");
// @ts-expect-error without a primary key there is nothing to get by
db.tables.message.get("x");
// @ts-expect-error and no update is told
db.tables.message.onUpdate(() => {});
// @ts-expect-error a private table is not there
void db.tables.audit;
// @ts-expect-error what the database calls by itself is not there
void db.reducers.started;
// @ts-expect-error a parameter is missing
void db.reducers.say({});
// @ts-expect-error a parameter has another type
void db.reducers.say({ text: 5 });
// @ts-expect-error no parameters at all
void db.reducers.say();
// @ts-expect-error no such parameter
void db.reducers.ping({ text: "x" });
// @ts-expect-error something must be subscribed to
db.subscribe();
// @ts-expect-error a module's default export is its schema
connect<{ default: number }>({ uri: "", database: "" });

// What submodules have goes by their keys and a dot.
const chat = schema({
  line: table({ public: true }, { id: t.u32().primaryKey() }),
  secret: table({}, { id: t.u32() }),
});
const chatFile = {
  default: chat,
  send: chat.reducer({ text: t.string() }, () => {}),
  count: chat.procedure(t.u64(), () => 1n),
  helper: 5,
};
const mid = schema({ chat: chatFile });
const clubFile = {
  default: schema({ member: table({ public: true }, { name: t.string() }), mid: { default: mid }, chat: chatFile }),
};
const club = connect<typeof clubFile>({ uri: "http://server", database: "club" });
is<keyof typeof club.tables, "member" | "chat.line" | "mid.chat.line">(true);
is<ReturnType<(typeof club.tables)["mid.chat.line"]["get"]>, { id: number } | undefined>(true);
is<keyof typeof club.reducers, "chat.send" | "mid.chat.send">(true);
is<ReturnType<(typeof club.procedures)["chat.count"]>, Promise<bigint>>(true);
void club.reducers["chat.send"]({ text: "x" });
// @ts-expect-error a parameter has another type
void club.reducers["mid.chat.send"]({ text: 5 });

// Without a module's types: any name, rows as objects.
const plain = connect({ uri: "http://server", database: "chat" });
plain.tables["user"]?.rows()[0]?.["name"] satisfies unknown;
plain.tables["user"]?.onUpdate((before, after) => [before["name"], after["name"]]);
void plain.reducers["say"]?.({ text: "hello" });
void (plain.procedures["ask"]?.({ of: "x" }) satisfies Promise<unknown> | undefined);
