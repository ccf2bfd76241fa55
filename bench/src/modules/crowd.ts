/** A crowd that a client looks at: many rows with a key, numbers and a text, some of which move. */
import { schema, t, table } from "@lightcone/module";

const app = schema({
  person: table(
    { public: true },
    { id: t.u32().primaryKey(), x: t.f32(), y: t.f32(), team: t.u16(), seen: t.u64(), name: t.string() },
  ),
});
export default app;

export const come = app.reducer({ from: t.u32(), count: t.u32() }, (ctx, { from, count }) => {
  for (let id = from; id < from + count; id += 1)
    ctx.db.person.insert({ id, x: id, y: -id, team: id % 7, seen: BigInt(id), name: `person ${id}` });
});
export const step = app.reducer({ from: t.u32(), count: t.u32() }, (ctx, { from, count }) => {
  for (let id = from; id < from + count; id += 1) {
    const row = ctx.db.person.id.find(id);
    if (row !== null) ctx.db.person.id.update({ ...row, x: row.x + 1, seen: row.seen + 1n });
  }
});
