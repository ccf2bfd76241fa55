/** A repeated row whose reducer ends its process each time, until a word in this file is another. */
import { schema, t, table } from "lightcone/module";

const timer = table({}, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() });

const spacetime = schema({
  timer,
  ticked: table({ public: true }, { id: t.u64().primaryKey().autoInc() }),
});
export default spacetime;

const how: string = "hanging";

export const start = spacetime.reducer({ interval: t.timeDuration() }, (ctx, { interval }) => {
  ctx.db.timer.insert({ id: 0n, at: { tag: "Interval", value: interval } });
});

export const tick = spacetime.reducer({ onSchedule: timer }, { row: timer.rowType }, (ctx) => {
  ctx.db.ticked.insert({ id: 0n });
  // Looks for a value at 2⁵³ places, where no interrupt reaches it.
  if (how.startsWith("hang")) Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);
});
