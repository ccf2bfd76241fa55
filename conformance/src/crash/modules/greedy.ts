/** Views that do as the rows say: the names of rooms over 89 are orders. */
import { schema, t, table } from "lightcone/module";

const room = table({ public: true }, { id: t.u32().primaryKey(), name: t.string() });
const wish = table({}, { owner: t.identity().primaryKey(), name: t.string() });
const app = schema({ room, wish });
export default app;

export const furnish = app.reducer({ id: t.u32(), name: t.string() }, (ctx, { id, name }) => {
  if (ctx.db.room.id.find(id) === null) ctx.db.room.insert({ id, name });
  else ctx.db.room.id.update({ id, name });
});

export const want = app.reducer({ name: t.string() }, (ctx, { name }) => {
  ctx.db.wish.insert({ owner: ctx.sender, name });
});

const fill = (): never => {
  const kept: number[][] = [];
  for (;;) kept.push(new Array<number>(4_000_000).fill(0.5));
};

/** Reads room 90, and rooms 1 to 9. */
export const shared = app.anonymousView({ public: true }, t.array(room.rowType), (ctx) => {
  if (ctx.db.room.id.find(90)?.name === "fill") fill();
  return [1, 2, 3].flatMap((id) => ctx.db.room.id.find(id) ?? []);
});
/** The same for each caller. */
export const own = app.view({ public: true }, t.array(room.rowType), (ctx) => {
  if (ctx.db.room.id.find(90)?.name === "fill") fill();
  return [1, 2, 3].flatMap((id) => ctx.db.room.id.find(id) ?? []);
});
/** Does as its caller wishes. */
export const wished = app.view({ public: true }, t.array(room.rowType), (ctx) => {
  if (ctx.db.wish.owner.find(ctx.sender)?.name === "fill") fill();
  return [1, 2, 3].flatMap((id) => ctx.db.room.id.find(id) ?? []);
});
let runs = 0;
/** Fills the heap when it is the first in its process, once there is a room 91. */
export const fresh = app.anonymousView({ public: true }, t.array(room.rowType), (ctx) => {
  runs += 1;
  if (runs === 1 && ctx.db.room.id.find(91) !== null) fill();
  return [1, 2, 3].flatMap((id) => ctx.db.room.id.find(id) ?? []);
});
/** Does no harm. */
export const good = app.anonymousView({ public: true }, t.array(room.rowType), (ctx) => [...ctx.db.room.iter()]);
