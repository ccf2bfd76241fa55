/** A table without columns: it holds its one row, or not. */
import { schema, t, table } from "lightcone/module";

const nothing = schema({
  flag: table({ public: true }, {}),
  other: table({ public: true }, { id: t.u32().primaryKey() }),
});
export default nothing;

export const raise = nothing.reducer((ctx) => {
  ctx.db.flag.insert({});
});

export const lower = nothing.reducer((ctx) => {
  ctx.db.flag.delete({});
});

export const count = nothing.reducer((ctx) => {
  ctx.db.other.insert({ id: Number(ctx.db.flag.count()) * 10 + [...ctx.db.flag.iter()].length });
});
