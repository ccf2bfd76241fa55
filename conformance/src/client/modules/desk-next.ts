/** The desk of `desk.ts` in a later version: a note has a column more. */
import { schema, t, table } from "lightcone/module";

const secret = table(
  { public: true },
  { id: t.u32().primaryKey(), owner: t.identity().index("btree"), text: t.string() },
);
const app = schema({
  note: table(
    { public: true },
    { id: t.u32().primaryKey(), room: t.u32().index("btree"), text: t.string(), isRead: t.bool().default(false) },
  ),
  room: table({ public: true }, { id: t.u32().primaryKey(), isOpen: t.bool() }),
  /** Without a key: a row is all that says which it is. */
  tally: table({ public: true }, { number: t.u32(), word: t.string() }),
  secret,
  bell: table({ public: true, event: true }, { text: t.string() }),
});
export default app;

export const ownSecrets = app.clientVisibilityFilter.sql("SELECT * FROM secret WHERE owner = :sender");
export const mySecrets = app.view({ public: true }, t.array(secret.rowType), (ctx) => [
  ...ctx.db.secret.owner.filter(ctx.sender),
]);

export const put = app.reducer({ id: t.u32(), room: t.u32(), text: t.string() }, (ctx, given) => {
  const note = { ...given, isRead: false };
  ctx.db.note.id.delete(note.id);
  if (note.text !== "") ctx.db.note.insert(note);
});
export const fill = app.reducer({ from: t.u32(), count: t.u32(), room: t.u32() }, (ctx, { from, count, room }) => {
  for (let id = from; id < from + count; id += 1)
    ctx.db.note.insert({ id, room, text: `note ${id} `.repeat(20), isRead: true });
});
export const openRoom = app.reducer({ id: t.u32(), isOpen: t.bool() }, (ctx, room) => {
  ctx.db.room.id.delete(room.id);
  ctx.db.room.insert(room);
});
export const count = app.reducer({ number: t.u32(), word: t.string() }, (ctx, tally) => {
  if (!ctx.db.tally.delete(tally)) ctx.db.tally.insert(tally);
});
export const hide = app.reducer({ id: t.u32(), text: t.string() }, (ctx, { id, text }) => {
  ctx.db.secret.id.delete(id);
  if (text !== "") ctx.db.secret.insert({ id, owner: ctx.sender, text });
});
export const ring = app.reducer({ text: t.string() }, (ctx, bell) => void ctx.db.bell.insert(bell));
