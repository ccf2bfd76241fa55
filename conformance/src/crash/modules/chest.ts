/** Rows of any length: the module of the suites that fill a disk. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  thing: table({ public: true }, { id: t.u32().primaryKey(), content: t.string() }),
});
export default spacetime;

export const put = spacetime.reducer({ id: t.u32(), length: t.u32() }, (ctx, { id, length }) => {
  ctx.db.thing.insert({ id, content: "x".repeat(length) });
});

export const drop = spacetime.reducer({ id: t.u32() }, (ctx, { id }) => {
  ctx.db.thing.id.delete(id);
});
