/** Rows that run by themselves. */
import { schema, SenderError, t, table } from "lightcone/module";

const job = table({ public: true }, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt(), name: t.string() });

const clockwork = schema({
  job,
  ran: table({ public: true }, { id: t.u64().primaryKey().autoInc(), name: t.string(), micros: t.i64() }),
});
export default clockwork;

export const run = clockwork.reducer({ onSchedule: job }, { job: job.rowType }, (ctx, { job: row }) => {
  if (row.name === "fail") throw new SenderError("as asked");
  ctx.db.ran.insert({ id: 0n, name: row.name, micros: ctx.timestamp.microsSinceUnixEpoch });
});

export const once = clockwork.reducer({ name: t.string(), at: t.timestamp() }, (ctx, { name, at }) => {
  ctx.db.job.insert({ id: 0n, at: { tag: "Time", value: at }, name });
});

export const every = clockwork.reducer({ name: t.string(), interval: t.timeDuration() }, (ctx, { name, interval }) => {
  ctx.db.job.insert({ id: 0n, at: { tag: "Interval", value: interval }, name });
});

export const cancel = clockwork.reducer({ name: t.string() }, (ctx, { name }) => {
  const named = [...ctx.db.job.iter()].filter((row) => row.name === name);
  for (const row of named) ctx.db.job.delete(row);
});

/** Many rows at one time, each by a name of its own. */
export const onceEach = clockwork.reducer({ count: t.u32(), at: t.timestamp() }, (ctx, { count, at }) => {
  for (let number = 0; number < count; number += 1)
    ctx.db.job.insert({ at: { tag: "Time", value: at }, name: `${at.toMillis()} ${number}` });
});
