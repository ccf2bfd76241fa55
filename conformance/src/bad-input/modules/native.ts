/** Functions that stay inside a function of the engine, where no interrupt reaches them; harmless ones beside them. */
import { schema, t, table } from "lightcone/module";

const later = table({ public: true }, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt(), hangs: t.bool() });

const spacetime = schema({
  note: table({ public: true }, { id: t.u64().primaryKey().autoInc(), text: t.string() }),
  later,
});
export default spacetime;

/** Looks for a value at 2⁵³ places. */
const hang = (): number => Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);

export const add = spacetime.reducer({ text: t.string() }, (ctx, { text }) => {
  ctx.db.note.insert({ id: 0n, text });
});

export const indexOfForEver = spacetime.reducer((ctx) => {
  ctx.db.note.insert({ id: 0n, text: "must not stay" });
  hang();
});

/** Takes memory that lies outside the JavaScript heap. */
export const eatMemory = spacetime.reducer(() => {
  const kept: Uint8Array[] = [];
  for (;;) kept.push(new Uint8Array(1 << 22).fill(1));
});

export const reverseForEver = spacetime.reducer(() => {
  Array.prototype.reverse.call({ length: 2 ** 53 - 1 });
});

export const plan = spacetime.reducer({ hangs: t.bool() }, (ctx, { hangs }) => {
  ctx.db.later.insert({ id: 0n, at: { tag: "Time", value: ctx.timestamp }, hangs });
});

export const runLater = spacetime.reducer({ onSchedule: later }, { row: later.rowType }, (ctx, { row }) => {
  ctx.db.note.insert({ id: 0n, text: `later, ${row.hangs ? "and hangs" : "and is done"}` });
  if (row.hangs) hang();
});
