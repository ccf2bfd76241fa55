/** Boards with cards on them, for what a client asks of a database: results, events, queries, order. */
import { schema, SenderError, t, table } from "lightcone/module";

const app = schema({
  card: table(
    { public: true },
    { id: t.u64().primaryKey().autoInc(), board: t.u32().index("btree"), position: t.i32(), title: t.string() },
  ),
  /** Happens, and is kept nowhere. */
  bell: table({ public: true, event: true }, { text: t.string(), times: t.u8() }),
});
export default app;

export const add = app.reducer(
  { board: t.u32(), position: t.i32(), title: t.string() },
  t.u64(),
  (ctx, { board, position, title }) => {
    if (title === "") throw new SenderError("a card has a title");
    return ctx.db.card.insert({ id: 0n, board, position, title }).id;
  },
);
export const place = app.reducer({ id: t.u64(), position: t.i32() }, (ctx, { id, position }) => {
  const card = ctx.db.card.id.find(id);
  if (card === null) throw new SenderError("there is no such card");
  ctx.db.card.id.update({ ...card, position });
});
export const remove = app.reducer({ id: t.u64() }, (ctx, { id }) => {
  ctx.db.card.id.delete(id);
});
export const ring = app.reducer({ text: t.string(), times: t.u8() }, (ctx, { text, times }) => {
  for (let each = 1; each <= times; each += 1) ctx.db.bell.insert({ text, times: each });
});
export const titles = app.procedure({ board: t.u32() }, t.array(t.string()), async (ctx, { board }) =>
  ctx.withTx((tx) => [...tx.db.card.board.filter(board)].map(({ title }) => title)),
);
export const spin = app.reducer(() => {
  for (;;);
});
