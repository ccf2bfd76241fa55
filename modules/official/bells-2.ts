/** Bells: rows that are told and not kept, beside some that are. For `spacetimedb` 2.x. */
import { schema, SenderError, t, table } from "spacetimedb/server";

const rung = table(
  { public: true, event: true },
  { tower: t.u32().index(), note: t.string(), by: t.identity(), at: t.timestamp() },
);
const tower = table({ public: true }, { id: t.u32().primaryKey(), rings: t.u32() });
const app = schema({ rung, tower });
export default app;

export const ring = app.reducer(
  { towerId: t.u32(), notes: t.array(t.string()), fails: t.bool() },
  (ctx, { towerId, notes, fails }) => {
    const found = ctx.db.tower.id.find(towerId);
    if (found === null) ctx.db.tower.insert({ id: towerId, rings: notes.length });
    else ctx.db.tower.id.update({ id: towerId, rings: found.rings + notes.length });
    for (const note of notes) ctx.db.rung.insert({ tower: towerId, note, by: ctx.sender, at: ctx.timestamp });
    if (fails) throw new SenderError("the rope broke");
  },
);
