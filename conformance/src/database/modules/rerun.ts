/** Calls of every kind that the log has, of which each result follows from the tables and the context. */
import { schema, ScheduleAt, SenderError, t, table } from "lightcone/module";

const job = table({}, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt(), left: t.u32() });
const app = schema({
  job,
  thing: table(
    { public: true },
    { id: t.u64().primaryKey().autoInc(), uuid: t.uuid(), chance: t.f64(), at: t.timestamp() },
  ),
  present: table({ public: true }, { id: t.connectionId().primaryKey(), who: t.identity() }),
  noise: table({ public: true, event: true }, { id: t.u32() }),
});
export default app;

export const make = app.reducer({ count: t.u32() }, (ctx, { count }) => {
  for (let left = count; left > 0; left -= 1) {
    const uuid = left % 2 === 0 ? ctx.newUuidV4() : ctx.newUuidV7();
    const { id } = ctx.db.thing.insert({ uuid, chance: ctx.random(), at: ctx.timestamp });
    ctx.db.noise.insert({ id: ctx.random.integerInRange(0, 1000) });
    if (id % 5n === 0n) ctx.db.thing.id.delete(id - 1n);
  }
});
export const begin = app.init((ctx) => make(ctx, { count: 2 }));
export const refuse = app.reducer((ctx) => {
  make(ctx, { count: 3 }); // what it draws from the sequence is not drawn again
  throw new SenderError("no");
});
export const come = app.clientConnected((ctx) => {
  if (ctx.connectionId !== null) ctx.db.present.insert({ id: ctx.connectionId, who: ctx.sender });
});
export const go = app.clientDisconnected((ctx) => {
  if (ctx.connectionId !== null) ctx.db.present.id.delete(ctx.connectionId);
});
export const soon = app.reducer({ left: t.u32() }, (ctx, { left }) => {
  ctx.db.job.insert({ at: ScheduleAt.time(ctx.timestamp.microsSinceUnixEpoch + 1000n), left });
  ctx.db.job.insert({ at: ScheduleAt.interval(2000n), left });
});
export const work = app.reducer({ onSchedule: job }, { row: job.rowType }, (ctx, { row }) => {
  make(ctx, { count: 1 });
  if (row.at.tag !== "Interval") return;
  if (row.left === 0) ctx.db.job.id.delete(row.id);
  else ctx.db.job.id.update({ ...row, left: row.left - 1 });
});
export const proceed = app.procedure(t.unit(), (ctx) => ctx.withTx((tx) => make(tx, { count: 2 })));

let kept = 0;
export const keep = app.reducer({ by: t.u32() }, (ctx, { by }) => {
  kept += by;
  ctx.db.noise.insert({ id: kept });
});
export const askToken = app.reducer((ctx) => {
  ctx.db.noise.insert({ id: ctx.senderAuth.jwt?.subject.length ?? 99 });
});
