/** Cards on boards, and how many there are: what `react.test.ts` shows. */
import { schema, SenderError, t, table } from "lightcone/module";

const card = table({ public: true }, { id: t.u64().primaryKey().autoInc(), board: t.string(), text: t.string() });
const tally = table({ public: true }, { board: t.string().primaryKey(), count: t.u32(), last: t.timestamp() });
/** Public until a later version says otherwise. */
const note = table({ public: true }, { text: t.string() });
const app = schema({ card, tally, note });
export default app;

export const addCard = app.reducer({ board: t.string(), text: t.string() }, (ctx, { board, text }) => {
  if (text === "") throw new SenderError("A card needs a text");
  ctx.db.card.insert({ id: 0n, board, text });
  const before = ctx.db.tally.board.find(board);
  const after = { board, count: (before?.count ?? 0) + 1, last: ctx.timestamp };
  if (before === null) ctx.db.tally.insert(after);
  else ctx.db.tally.board.update(after);
});

export const editCard = app.reducer({ id: t.u64(), text: t.string() }, (ctx, { id, text }) => {
  const row = ctx.db.card.id.find(id);
  if (row === null) throw new SenderError(`There is no card ${id}`);
  ctx.db.card.id.update({ ...row, text });
});

export const addNote = app.reducer({ text: t.string() }, (ctx, { text }) => {
  ctx.db.note.insert({ text });
});

export const length = app.procedure({ text: t.string() }, t.u32(), (_ctx, { text }) => text.length);
