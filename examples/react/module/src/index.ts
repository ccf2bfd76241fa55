/** Notes that everybody sees, and whoever wrote one may remove. */
import { schema, SenderError, t, table } from "lightcone/module";

const note = table(
  { public: true },
  { id: t.u64().primaryKey().autoInc(), by: t.identity(), at: t.timestamp(), text: t.string() },
);

const app = schema({ note });
export default app;

export const addNote = app.reducer({ text: t.string() }, (ctx, { text }) => {
  if (text.trim() === "") throw new SenderError("A note needs a text");
  ctx.db.note.insert({ id: 0n, by: ctx.sender, at: ctx.timestamp, text: text.trim() });
});

export const removeNote = app.reducer({ id: t.u64() }, (ctx, { id }) => {
  const found = ctx.db.note.id.find(id);
  if (found === null) return;
  if (!found.by.isEqual(ctx.sender)) throw new SenderError("Only who wrote a note removes it");
  ctx.db.note.id.delete(id);
});
