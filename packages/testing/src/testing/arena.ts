/** The module of this package's own tests: a bit of everything that a module may have. */
import { ScheduleAt, schema, SenderError, SyncResponse, Router, t, table, TimeDuration } from "@lightcone/module";
import { kept } from "./kept.ts";

const player = table(
  { public: true },
  {
    id: t.u64().primaryKey().autoInc(),
    owner: t.identity().unique(),
    name: t.string().unique(),
    score: t.i32().index("btree"),
    online: t.bool(),
  },
);
const arena = schema({
  player,
  secret: table({}, { owner: t.identity().primaryKey(), word: t.string() }),
  hit: table({ public: true, event: true }, { by: t.identity(), points: t.i32() }),
  tick: table({ scheduled: "onTick" }, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() }),
  ticked: table({ public: true }, { id: t.u64().primaryKey().autoInc(), at: t.timestamp() }),
  session: table({}, { connection: t.connectionId().primaryKey(), who: t.identity() }),
  letter: table({ public: true }, { id: t.u64().primaryKey().autoInc(), to: t.identity(), text: t.string() }),
});
export default arena;

export const init = arena.init((ctx) => {
  // oxlint-disable-next-line no-console -- a line of the database's log
  console.info("the arena opens");
  ctx.db.ticked.insert({ id: 0n, at: ctx.timestamp });
});
export const onConnect = arena.clientConnected((ctx) => {
  if (ctx.senderAuth.jwt?.fullPayload["banned"] === true) throw new SenderError("you are banned");
  if (ctx.connectionId !== null) ctx.db.session.insert({ connection: ctx.connectionId, who: ctx.sender });
});
export const onDisconnect = arena.clientDisconnected((ctx) => {
  if (ctx.connectionId !== null) ctx.db.session.connection.delete(ctx.connectionId);
  const own = ctx.db.player.owner.find(ctx.sender);
  if (own !== null) ctx.db.player.id.update({ ...own, online: false });
});

export const join = arena.reducer({ name: t.string() }, (ctx, { name }) => {
  if (name === "") throw new SenderError("a player has a name");
  ctx.db.player.insert({ owner: ctx.sender, name, score: 0, online: true });
  ctx.db.secret.insert({ owner: ctx.sender, word: ctx.newUuidV4().toString() });
});
export const score = arena.reducer({ points: t.i32() }, t.i32(), (ctx, { points }) => {
  const own = ctx.db.player.owner.find(ctx.sender);
  if (own === null) throw new SenderError("join first");
  ctx.db.hit.insert({ by: ctx.sender, points });
  return ctx.db.player.id.update({ ...own, score: own.score + points + kept.bonus }).score;
});
export const leave = arena.reducer((ctx) => {
  ctx.db.player.owner.delete(ctx.sender);
  ctx.db.secret.owner.delete(ctx.sender);
});
export const roll = arena.reducer(t.u32(), (ctx) => ctx.random.integerInRange(1, 1_000_000));
export const startTicks = arena.reducer({ everyMs: t.u32() }, (ctx, { everyMs }) => {
  ctx.db.tick.insert({ id: 0n, at: ScheduleAt.interval(BigInt(everyMs) * 1000n) });
});
export const stopTicks = arena.reducer((ctx) => {
  ctx.db.tick.clear();
});
export const onTick = arena.reducer({ row: arena.tables.tick.rowType }, (ctx) => {
  ctx.db.ticked.insert({ id: 0n, at: ctx.timestamp });
});
export const send = arena.reducer({ to: t.identity(), text: t.string() }, (ctx, { to, text }) => {
  ctx.db.letter.insert({ id: 0n, to, text });
});

// --- what a database does not have, or does not let pass
export const crash = arena.reducer((ctx) => {
  ctx.db.player.insert({ owner: ctx.sender, name: "never", score: 0, online: true });
  throw new RangeError("out of the arena");
});
export const spin = arena.reducer(() => {
  for (;;);
});
export const spinLater = arena.reducer(() => {
  void Promise.resolve().then(() => {
    for (;;);
  });
});
export const askClock = arena.reducer(t.string(), () => String(Date.now()));
export const askDate = arena.reducer(t.string(), () => new Date().toISOString());
export const askChance = arena.reducer(t.string(), () => String(Math.random()));
export const askNetwork = arena.reducer(t.string(), () => typeof fetch("http://127.0.0.1"));
export const askTimer = arena.reducer(() => {
  setTimeout(() => undefined, 1);
});
export const askProcess = arena.reducer(t.string(), () => String(process.env["HOME"]));
// oxlint-disable-next-line typescript/no-explicit-any -- what the compiler refuses, as plain JavaScript has it
export const givesPromise = arena.reducer((() => Promise.resolve()) as any);
export const dayOf = arena.reducer({ year: t.i32() }, t.string(), (_ctx, { year }) =>
  new Date(year, 0, 1).toISOString(),
);

export const weather = arena.procedure({ city: t.string() }, t.string(), async (ctx, { city }) => {
  const response = await ctx.http.fetch(`https://weather.example/${city}`);
  if (!response.ok) throw new SenderError(`no weather: ${response.status}`);
  const { sky } = (await response.json()) as { sky: string };
  ctx.withTx((tx) => tx.db.letter.insert({ id: 0n, to: ctx.sender, text: sky }));
  return sky;
});
export const nap = arena.procedure({ ms: t.u32() }, t.timestamp(), async (ctx, { ms }) => {
  await ctx.sleep(TimeDuration.fromMillis(ms));
  return ctx.timestamp;
});

export const mine = arena.view({ public: true }, t.array(player.rowType), (ctx) => {
  const own = ctx.db.player.owner.find(ctx.sender);
  return own === null ? [] : [own];
});
export const best = arena.anonymousView({ public: true }, t.array(player.rowType), (ctx) =>
  ctx.from.player.where((row) => row.score.gte(100)),
);
export const inBox = arena.view(
  { public: true },
  t.array(t.object("InBox", { letterText: t.string(), fromAfar: t.bool() })),
  (ctx) =>
    [...ctx.db.letter.iter()]
      .filter(({ to }) => to.isEqual(ctx.sender))
      .map(({ text }) => ({ letterText: text, fromAfar: true })),
);
export const ownLetters = arena.clientVisibilityFilter.sql("SELECT * FROM letter WHERE letter.to = :sender");

const hello = arena.httpHandler((_ctx, request) => new SyncResponse(`hello ${request.method}`, { status: 201 }));
export { hello };
export const routes = arena.httpRouter(new Router().get("/hi", hello));
