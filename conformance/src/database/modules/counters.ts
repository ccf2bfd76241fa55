/** Keys of several widths that increment by themselves. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  tiny: table({ public: true }, { id: t.u8().primaryKey().autoInc(), note: t.string() }),
  small: table({ public: true }, { id: t.i16().primaryKey().autoInc(), note: t.string() }),
  wide: table({ public: true }, { id: t.u64().primaryKey().autoInc(), note: t.string() }),
});
export default spacetime;

export const add = spacetime.reducer({ note: t.string() }, (ctx, { note }) => {
  ctx.db.tiny.insert({ id: 0, note });
  ctx.db.small.insert({ id: 0, note });
  ctx.db.wide.insert({ id: 0n, note });
});

/** Draws, and takes the transaction back. */
export const waste = spacetime.reducer((ctx) => {
  ctx.db.tiny.insert({ id: 0, note: "never" });
  ctx.db.small.insert({ id: 0, note: "never" });
  ctx.db.wide.insert({ id: 0n, note: "never" });
  throw new Error("never mind");
});
