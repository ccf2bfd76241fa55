/**
 * An arena: players steer, a timer moves them every 100 ms, coins lie about, and whoever takes most leads.
 *
 * What changes ten times a second (`place`) is a table of its own, apart from what changes now and then (`player`): the
 * leaders are computed again only when somebody takes a coin.
 */
import { ScheduleAt, schema, SenderError, t, table, type InferSchema, type ReducerCtx } from "lightcone/module";
import { arena, moved, radius, tickMs, touch, turn } from "./movement.ts";

const player = table({ public: true }, { id: t.identity().primaryKey(), name: t.string(), points: t.u32() });
const place = table(
  { public: true },
  {
    id: t.identity().primaryKey(),
    /** Of the window that plays: another of the same player takes over. */
    connection: t.connectionId(),
    x: t.f64(),
    y: t.f64(),
    dx: t.f64(),
    dy: t.f64(),
  },
);
const coin = table({ public: true }, { id: t.u64().primaryKey().autoInc(), x: t.f64(), y: t.f64() });
const tick = table({}, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() });

const app = schema({ player, place, coin, tick });
export default app;
type Ctx = ReducerCtx<InferSchema<typeof app>>;

const coins = 12;
const nameLengthMax = 20;

export const init = app.init((ctx) => {
  for (let count = 0; count < coins; count += 1) ctx.db.coin.insert({ id: 0n, ...anywhere(ctx) });
});

/** Begins to play, or goes on after the connection was lost; the points stay. */
export const enter = app.reducer({ name: t.string() }, (ctx, { name }) => {
  const called = name.trim().slice(0, nameLengthMax);
  if (called === "") throw new SenderError("A player needs a name");
  const connection = ctx.connectionId;
  if (connection === null) throw new SenderError("Players are connected");
  const known = ctx.db.player.id.find(ctx.sender);
  if (known === null) ctx.db.player.insert({ id: ctx.sender, name: called, points: 0 });
  else if (known.name !== called) ctx.db.player.id.update({ ...known, name: called });
  const present = ctx.db.place.id.find(ctx.sender);
  if (present === null) ctx.db.place.insert({ id: ctx.sender, connection, ...anywhere(ctx), dx: 0, dy: 0 });
  else ctx.db.place.id.update({ ...present, connection });
  // The clock runs while somebody plays.
  if (ctx.db.tick.count() === 0n) ctx.db.tick.insert({ id: 0n, at: ScheduleAt.interval(BigInt(tickMs) * 1000n) });
});

/** Says where to. */
export const steer = app.reducer({ dx: t.f64(), dy: t.f64() }, (ctx, to) => {
  if (!(Math.abs(to.dx) <= 1 && Math.abs(to.dy) <= 1)) throw new SenderError("A direction goes from -1 to 1");
  turn(ctx, to);
});

export const advance = app.reducer({ onSchedule: tick }, { row: tick.rowType }, (ctx) => {
  const lying = [...ctx.db.coin.iter()];
  for (const before of [...ctx.db.place.iter()]) {
    // Who stands still is not written, and nobody is told of it.
    const after = before.dx === 0 && before.dy === 0 ? before : ctx.db.place.id.update(moved(before, tickMs));
    for (const each of lying) {
      if (!touch(each, after)) continue;
      Object.assign(each, ctx.db.coin.id.update({ id: each.id, ...anywhere(ctx) }));
      const own = ctx.db.player.id.find(after.id);
      if (own !== null) ctx.db.player.id.update({ ...own, points: own.points + 1 });
    }
  }
});

export const left = app.clientDisconnected((ctx) => {
  const present = ctx.db.place.id.find(ctx.sender);
  if (present === null || ctx.connectionId?.isEqual(present.connection) !== true) return;
  ctx.db.place.id.delete(ctx.sender);
  if (ctx.db.place.count() > 0n) return;
  for (const { id } of [...ctx.db.tick.iter()]) ctx.db.tick.id.delete(id);
});

const Leader = t.row("Leader", { name: t.string(), points: t.u32() });
export const leaders = app.anonymousView({ public: true }, t.array(Leader), (ctx) =>
  [...ctx.db.player.iter()]
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points || (a.name < b.name ? -1 : 1))
    .slice(0, 8)
    .map(({ name, points }) => ({ name, points })),
);

function anywhere(ctx: Ctx): { x: number; y: number } {
  const between = (size: number): number => radius + Math.floor(ctx.random() * (size - 2 * radius));
  return { x: between(arena.width), y: between(arena.height) };
}
