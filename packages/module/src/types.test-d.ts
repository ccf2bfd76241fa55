// Goal: an author's types follow from the schema alone, and wrong use does not compile.
// Method: compiled, never run. `is` compares types exactly; each expected error stands under its reason.
/* oxlint-disable no-unused-expressions, no-self-assign, typescript/no-unnecessary-type-parameters -- nothing here runs */
import { Range, schema, SenderError, t, table, TimeDuration } from "./index.ts";
import type {
  AuthCtx,
  ConnectionId,
  Identity,
  Infer,
  InferSchema,
  ProcedureCtx,
  ReducerCtx,
  ScheduleAt,
  Timestamp,
  Uuid,
} from "./index.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<A, B>(same: Same<A, B>): void;

const Shape = t.enum("Shape", { Empty: t.unit(), Circle: t.u32() });
const Mode = t.enum("Mode", ["default", "Empty"]);
const Color = t.enum("Color", ["Red", "Green"]);
const Point = t.object("Point", { x: t.f64(), y: t.f64() });

const player = table(
  {
    public: true,
    indexes: [
      { accessor: "byTeam", algorithm: "btree", columns: ["team", "level"] },
      { accessor: "pair", algorithm: "btree", columns: ["x", "y"] },
      { accessor: "spot", algorithm: "hash", columns: ["x", "team"] },
    ],
    constraints: [{ constraint: "unique", columns: ["y", "x"] }],
  },
  {
    id: t.u64().primaryKey().autoInc(),
    owner: t.identity().unique(),
    team: t.string(),
    level: t.u32().index(),
    tag: t.u32().index("hash"),
    nick: t.string().optional(),
    shape: Shape,
    color: Color,
    at: Point,
    bytes: t.byteArray(),
    names: t.array(t.string()),
    x: t.i32(),
    y: t.i32(),
  },
);
const timer = table({}, { scheduledId: t.u64().primaryKey().autoInc(), scheduledAt: t.scheduleAt(), note: t.string() });
const spacetime = schema({ player, timer });
type S = InferSchema<typeof spacetime>;

// A row, and what goes into one.
type Player = {
  id: bigint;
  owner: Identity;
  team: string;
  level: number;
  tag: number;
  nick: string | undefined;
  shape: { tag: "Empty" } | { tag: "Circle"; value: number };
  color: { tag: "Red" } | { tag: "Green" };
  at: { x: number; y: number };
  bytes: Uint8Array;
  names: string[];
  x: number;
  y: number;
};
is<Infer<typeof player.rowType>, Player>(true);
is<Infer<typeof Shape>, Player["shape"]>(true);
is<typeof Shape.Empty, { readonly tag: "Empty" }>(true);
Shape.Circle(3).value satisfies number;
is<Infer<ReturnType<typeof t.scheduleAt>>, ScheduleAt>(true);

export const use = spacetime.reducer({ name: t.string(), count: t.u32(), nick: t.option(t.string()) }, (ctx, args) => {
  is<typeof args, { name: string; count: number; nick: string | undefined }>(true);
  is<typeof ctx, ReducerCtx<S>>(true);
  is<typeof ctx.sender, Identity>(true);
  is<typeof ctx.connectionId, ConnectionId | null>(true);
  is<typeof ctx.timestamp, Timestamp>(true);
  is<typeof ctx.senderAuth, AuthCtx>(true);
  is<ReturnType<typeof ctx.newUuidV7>, Uuid>(true);
  const { db } = ctx;

  // Unique columns.
  const found = db.player.id.find(1n);
  is<typeof found, Player | null>(true);
  is<ReturnType<typeof db.player.owner.delete>, boolean>(true);
  if (found !== null) db.player.id.update({ ...found, level: found.level + 1 }) satisfies Player;
  // @ts-expect-error the key is a bigint
  db.player.id.find(1);
  // @ts-expect-error a column without an index has no accessor
  db.player.team;
  // @ts-expect-error a unique column has no filter
  db.player.id.filter(1n);

  // Indexes: values, prefixes, ranges.
  for (const row of db.player.level.filter(3)) row satisfies Player;
  db.player.level.filter(new Range({ tag: "included", value: 1 }));
  db.player.level.delete(3) satisfies number;
  db.player.byTeam.filter("red");
  db.player.byTeam.filter(["red"]);
  db.player.byTeam.filter(["red", 3]);
  db.player.byTeam.filter(["red", new Range({ tag: "excluded", value: 3 }, { tag: "unbounded" })]);
  db.player.byTeam.filter(new Range<string>());
  // @ts-expect-error the second column is a number
  db.player.byTeam.filter(["red", "blue"]);
  // @ts-expect-error a range may only come last
  db.player.byTeam.filter([new Range<string>(), 3]);
  // @ts-expect-error more values than columns
  db.player.byTeam.filter(["red", 3, 4]);
  db.player.tag.filter(3);
  // @ts-expect-error a hash index knows no ranges
  db.player.tag.filter(new Range<number>());
  db.player.spot.filter([1, "red"]);
  // @ts-expect-error a hash index takes all of its columns
  db.player.spot.filter([1]);
  // Columns that are unique together, whatever their order in the constraint.
  db.player.pair.find([1, 2]) satisfies Player | null;
  // @ts-expect-error and nothing but all of them
  db.player.pair.find([1]);

  // Rows.
  db.player.count() satisfies bigint;
  db.player.clear() satisfies bigint;
  for (const row of db.player) row.names.push("x");
  for (const { level } of db.player
    .iter()
    .filter((row) => row.team === "red")
    .take(3))
    level satisfies number;
  // An optional column may be left out, or null.
  const rest = {
    id: 0n,
    owner: ctx.sender,
    team: "",
    level: 1,
    tag: 1,
    shape: Shape.Empty,
    color: Color.Red,
    at: { x: 0, y: 0 },
    bytes: new Uint8Array(),
    names: [],
    x: 1,
    y: 1,
  };
  db.player.insert(rest) satisfies Player;
  db.player.insert({ ...rest, nick: null });
  // Neither must what increments by itself be given; to change a row it must.
  const { id: _, ...unnumbered } = rest;
  db.player.insert(unnumbered) satisfies Player;
  // @ts-expect-error the key says which row
  db.player.id.update(unnumbered);
  // @ts-expect-error a row is deleted whole
  db.player.delete(unnumbered);
  // @ts-expect-error any other column may not
  db.player.insert({ id: 0n });
  // @ts-expect-error no such table
  db.nobody;
  // @ts-expect-error the context does not change
  ctx.timestamp = ctx.timestamp;

  // Other reducers are functions; optional parameters may be left out.
  ping(ctx, {});
  use(ctx, { name: "", count: 1 });
  // @ts-expect-error a parameter's type
  use(ctx, { name: 1, count: 1 });
  throw new SenderError("no");
});
export const ping = spacetime.reducer((ctx) => void ctx.db.timer.count());
export const named = spacetime.reducer({ name: "other" }, (ctx) => void ctx.db.timer.count());
export const fire = spacetime.reducer({ onSchedule: timer }, { arg: timer.rowType }, (_, { arg }) => {
  is<typeof arg, { scheduledId: bigint; scheduledAt: ScheduleAt; note: string }>(true);
});
// A table that names its reducer, in the shapes of which neither type is made of the other.
const bell = table({ scheduled: "ring" }, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() });
const gong = table({ scheduled: (): unknown => strike }, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() });
const tower = schema({ bell, gong });
export const ring = tower.reducer({ row: bell.rowType }, (ctx, { row }) => void ctx.db.gong.insert(row));
export const strike = tower.reducer({ row: gong.rowType }, (ctx, { row }) => {
  is<typeof row, { id: bigint; at: ScheduleAt }>(true);
  ctx.db.bell.insert(row);
});
export const init = spacetime.init((ctx) => void ctx.db.player.insert);
export const connected = spacetime.clientConnected({ name: "hello" }, (ctx) => void ctx.connectionId);
// Row 5, row 32: a reducer returns nothing, whatever stands in its body.
export const calls = spacetime.reducer({ name: t.string() }, (ctx, { name }) => use(ctx, { name, count: 1 }));
export const returns = spacetime.reducer((ctx) => {
  if (ctx.connectionId === null) return;
  return undefined;
});
// @ts-expect-error what `insert` gives is a value
export const inserts = spacetime.reducer({ note: t.string() }, (ctx, { note }) => ctx.db.timer.insert({ note }));
// @ts-expect-error a promise is one as well
export const waits = spacetime.reducer({ name: t.string() }, async () => {});
// @ts-expect-error of every reducer
export const waitsToo = spacetime.reducer(async () => {});
// @ts-expect-error with options
export const waitsNamed = spacetime.reducer({ name: "w" }, async () => {});
// @ts-expect-error with both
export const waitsBoth = spacetime.reducer({ name: "w" }, { a: t.u8() }, async () => {});
// @ts-expect-error and of those that the database calls
export const starts = spacetime.init(async () => {});
// Where a type stands before its function, it returns that.
export const counts = spacetime.reducer({ by: t.u32() }, t.u64(), (ctx, { by }) => ctx.db.player.count() + BigInt(by));
export const asksCount = spacetime.reducer((ctx) => {
  const count = counts(ctx, { by: 1 });
  is<typeof count, bigint>(true);
});
export const alone = spacetime.reducer(t.string().optional(), () => undefined);
export const called = spacetime.reducer({ name: "told" }, {}, t.array(t.u8()), () => new Uint8Array(2));
export const nothing = spacetime.reducer({ by: t.u32() }, t.unit(), () => {});
// @ts-expect-error another type than that
export const miscounts = spacetime.reducer({ by: t.u32() }, t.u64(), (_, { by }) => by);
// @ts-expect-error it cannot be async either
export const countsLater = spacetime.reducer({ by: t.u32() }, t.u64(), async () => 1n);
export const together = spacetime.exportGroup({ counts, ping });
// @ts-expect-error a group holds functions
export const mixed = spacetime.exportGroup({ counts, timer });
// @ts-expect-error a lifecycle reducer has no parameters
export const gone = spacetime.clientDisconnected({ who: t.identity() }, () => {});

// Procedures: asynchronous or not, with a result of the type that is named.
export const asks = spacetime.procedure(
  { url: t.string(), nick: t.string().optional() },
  t.u64(),
  async (ctx, args) => {
    is<typeof ctx, ProcedureCtx<S>>(true);
    is<typeof args, { url: string; nick: string | undefined }>(true);
    // @ts-expect-error a procedure has no rows but in its transactions
    ctx.db.player.count();
    await ctx.sleep(TimeDuration.fromMillis(5));
    const answer = await ctx.http.fetch(args.url, { method: "POST", body: new Uint8Array(3), headers: { a: "b" } });
    is<typeof answer.status, number>(true);
    is<ReturnType<typeof answer.text>, string>(true);
    const count = ctx.withTx((tx) => {
      is<typeof tx, ReducerCtx<S>>(true);
      use(tx, { name: "x", count: 1 });
      return tx.db.player.count();
    });
    is<typeof count, bigint>(true);
    // @ts-expect-error a transaction cannot wait
    ctx.withTx(async (tx) => tx.db.player.count());
    // @ts-expect-error how long is not a number of anything
    void ctx.sleep(5);
    return count;
  },
);
export const adds = spacetime.procedure({ a: t.u32() }, t.u32(), (_, { a }) => a + 1);
export const tells = spacetime.procedure(t.string(), async () => "told");
export const tellsNamed = spacetime.procedure({ name: "tell" }, t.string(), () => "told");
export const fires = spacetime.procedure(
  { onSchedule: timer },
  { arg: timer.rowType },
  t.unit(),
  async (ctx, { arg }) => {
    ctx.withTx((tx) => tx.db.timer.scheduledId.delete(arg.scheduledId));
  },
);
// @ts-expect-error another type than the one that is named
export const lies = spacetime.procedure(t.u32(), async () => "text");
// @ts-expect-error without a type of what it returns
export const shrugs = spacetime.procedure({ a: t.u8() }, async () => {});

// Views: rows of their type, or a query of such rows; they read and do not write.
export const mine = spacetime.view({ public: true }, t.array(player.rowType), (ctx) => {
  is<typeof ctx.sender, Identity>(true);
  // @ts-expect-error a view does not write
  ctx.db.player.insert;
  // @ts-expect-error nor by an index
  ctx.db.player.id.delete;
  // @ts-expect-error and there is no clock
  ctx.timestamp;
  for (const row of ctx.db.player.level.filter(3)) row satisfies Player;
  return [...ctx.db.player];
});
export const one = spacetime.view({ public: true }, t.option(player.rowType), (ctx) => ctx.db.player.id.find(1n));
export const asked = spacetime.anonymousView({ public: true }, t.array(player.rowType), (ctx) =>
  ctx.from.player.where((row) => row.team.eq("red").and(row.level.gt(3))),
);
const Count = t.row("Count", { team: t.string().primaryKey(), count: t.u32(), best: t.u64().optional() });
export const teamCounts = spacetime.anonymousView({ public: true }, t.array(Count), () => []);
// A view's rows begin a query of another, by themselves or joined.
export const crowds = spacetime.anonymousView({ public: true }, t.array(Count), () =>
  teamCounts.rows.where((row) => row.count.gt(1)),
);
export const crowded = spacetime.view({ public: true }, t.array(player.rowType), (ctx) =>
  ctx.from.player.leftSemijoin(crowds.rows, (row, crowd) => row.team.eq(crowd.team)),
);
export const mineAgain = spacetime.view({ public: true }, t.array(player.rowType), () => one.rows);
// @ts-expect-error rows of another view
export const wrong = spacetime.view({ public: true }, t.array(player.rowType), () => teamCounts.rows);
// @ts-expect-error a column is compared with its own type
teamCounts.rows.where((row) => row.count.eq("3"));
// @ts-expect-error a view has no such column
teamCounts.rows.where((row) => row.size.eq(3));
// @ts-expect-error rows of another table
export const others = spacetime.view({ public: true }, t.array(player.rowType), (ctx) => ctx.from.timer);
// @ts-expect-error rows of another type
export const numbers = spacetime.view({ public: true }, t.array(player.rowType), () => [1]);
// @ts-expect-error an anonymous view does not know for whom
export const nameless = spacetime.anonymousView({ public: true }, t.array(player.rowType), (ctx) => [ctx.sender]);
// @ts-expect-error every view is public
export const hidden = spacetime.view({}, t.array(player.rowType), () => []);
export const compares = spacetime.anonymousView({ public: true }, t.array(player.rowType), (ctx) =>
  // @ts-expect-error a column is compared with its own type
  ctx.from.player.where((row) => row.level.eq("3")),
);

// Modifiers that a type does not have.
// @ts-expect-error autoInc() is for integer columns
t.string().autoInc();
// @ts-expect-error a float is not a key
t.f64().primaryKey();
// @ts-expect-error neither is an option
t.u32().optional().unique();
// @ts-expect-error a default has the column's type
t.u32().default(1n);

// @ts-expect-error a key cannot be optional
t.u32().primaryKey().optional();
// @ts-expect-error nor can an index
t.string().index().optional();
// @ts-expect-error it would be an option
t.enum("Maybe", { some: t.u8(), none: t.unit() });
// @ts-expect-error also of none
t.enum("Maybe", ["some", "none"]);
// @ts-expect-error it would be a result
t.enum("Outcome", { err: t.u8(), ok: t.unit() });
t.enum("Ending", { ok: t.unit() });
// What every type has keeps its name; what an enum has besides is made by hand.
is<typeof Mode.Empty, { readonly tag: "Empty" }>(true);
Mode.default({ tag: "default" });

// Modules within modules.
const deep = schema({ entry: table({ public: true }, { id: t.u64().primaryKey(), text: t.string() }) });
const deepFile = { default: deep, note: deep.reducer({ text: t.string() }, () => {}) };
const mid = schema({ line: table({}, { id: t.u32().primaryKey() }), deep: deepFile });
const midFile = { default: mid, send: mid.reducer({ id: t.u32() }, () => {}), count: mid.procedure(t.u64(), () => 1n) };
const outer = schema({ person: table({}, { id: t.u8().primaryKey() }), mid: midFile, again: midFile });
outer.reducer((ctx) => {
  is<Infer<typeof mid.tables.line.rowType>["id"], number>(true);
  is<ReturnType<typeof ctx.db.mid.line.id.find>, { id: number } | null>(true);
  is<ReturnType<typeof ctx.db.mid.deep.entry.id.find>, { id: bigint; text: string } | null>(true);
  is<keyof typeof ctx.as, "mid" | "again">(true);
  midFile.send(ctx.as.mid, { id: 1 });
  deepFile.note(ctx.as.again.as.deep, { text: "x" });
  // @ts-expect-error a function of a submodule takes the submodule's context
  midFile.send(ctx, { id: 1 });
  // @ts-expect-error nor that of what is within it
  midFile.send(ctx.as.mid.as.deep, { id: 1 });
  // @ts-expect-error a submodule is no table
  ctx.db.mid.insert({ id: 1 });
  // @ts-expect-error there is no such submodule
  ctx.as.person;
});
outer.procedure(t.u64(), async (ctx) => {
  const counted: bigint = await midFile.count(ctx.as.mid, {});
  ctx.withTx((tx) => midFile.send(tx.as.mid, { id: 1 }));
  return counted;
});
outer.anonymousView({ public: true }, t.array(deep.tables.entry.rowType), (ctx) =>
  ctx.from.mid.deep.entry.where((row) => row.text.eq("x")),
);
outer.anonymousView({ public: true }, t.array(mid.tables.line.rowType), (ctx) => {
  // @ts-expect-error a view only reads, also of a submodule
  ctx.db.mid.line.insert({ id: 1 });
  return [...ctx.db.mid.line];
});
// @ts-expect-error a submodule is a file that is imported whole, not its schema
schema({ mid });

// Tables that contradict themselves.
table(
  {},
  {
    // @ts-expect-error a default on a unique column
    id: t.u32().unique().default(1),
  },
);
// @ts-expect-error two primary keys
table({}, { a: t.u32().primaryKey(), b: t.u32().primaryKey() });
// @ts-expect-error an index over a column that there is not
table({ indexes: [{ accessor: "x", algorithm: "btree", columns: ["nope"] }] }, { a: t.u32() });
// @ts-expect-error an index over a column that cannot be a key
table({ indexes: [{ accessor: "x", algorithm: "btree", columns: ["a"] }] }, { a: t.f64() });
// @ts-expect-error columns that are unique together are keys too
table({ constraints: [{ constraint: "unique", columns: ["a", "b"] }] }, { a: t.u8(), b: t.u8().optional() });
table(
  {},
  {
    // @ts-expect-error its index would be reached as the method is
    insert: t.u32().index(),
    delete: t.u32(),
  },
);

// Row-level rules.
export const own = spacetime.rls((ctx) => ctx.from.player.where((row) => row.owner.eq(ctx.sender)));
export const bySql = spacetime.clientVisibilityFilter.sql("SELECT * FROM player WHERE owner = :sender");
spacetime.rls((ctx) => ctx.from.player.leftSemijoin(ctx.from.timer, (row, { note }) => row.team.eq(note)));
// @ts-expect-error a value of JavaScript is no query: the function is not run for rows
spacetime.rls((ctx) => ctx.sender);
// @ts-expect-error nor is a truth value
spacetime.rls((ctx) => ctx.from.player.where((row) => row.owner.eq(ctx.sender)) !== undefined);
// @ts-expect-error nor a text of SQL, which clientVisibilityFilter takes
spacetime.rls(() => "SELECT * FROM player");
// @ts-expect-error a column of another type than the caller's
spacetime.rls((ctx) => ctx.from.player.where((row) => row.team.eq(ctx.sender)));
// @ts-expect-error a table that there is not
spacetime.rls((ctx) => ctx.from.nowhere);
