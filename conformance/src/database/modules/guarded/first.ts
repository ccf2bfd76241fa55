/** A table, and a view of it. */
import { schema, t, table } from "lightcone/module";

const note = table({ public: true }, { id: t.u32().primaryKey() });
const guarded = schema({ note });
export default guarded;

export const add = guarded.reducer({ id: t.u32() }, (ctx, { id }) => {
  ctx.db.note.insert({ id });
});
export const shown = guarded.anonymousView({ public: true }, t.array(note.rowType), (ctx) => [...ctx.db.note.iter()]);
