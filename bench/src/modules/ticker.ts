/** The module of `broadcast`: one row that changes all the time, and says when. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  /** A stamp that subscribers look for, and behind it the time. */
  quote: table({ public: true }, { id: t.u32().primaryKey(), stamp: t.u64(), micros: t.i64() }),
});
export default spacetime;

export const tick = spacetime.reducer({ id: t.u32(), stamp: t.u64() }, (ctx, { id, stamp }) => {
  const row = { id, stamp, micros: ctx.timestamp.microsSinceUnixEpoch };
  if (ctx.db.quote.id.find(id) === null) ctx.db.quote.insert(row);
  else ctx.db.quote.id.update(row);
});
