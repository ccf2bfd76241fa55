/** Reducers that stay inside a function of the engine, where no interrupt reaches them; a harmless one beside them. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  note: table({ public: true }, { id: t.u64().primaryKey().autoInc(), text: t.string() }),
});
export default spacetime;

export const add = spacetime.reducer({ text: t.string() }, (ctx, { text }) => {
  ctx.db.note.insert({ id: 0n, text });
});

/** Looks for a value at 2⁵³ places. */
export const indexOfForEver = spacetime.reducer((ctx) => {
  ctx.db.note.insert({ id: 0n, text: "must not stay" });
  Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);
});

export const fillForEver = spacetime.reducer(() => {
  Array.prototype.fill.call({ length: 2 ** 53 - 1 }, 0);
});
