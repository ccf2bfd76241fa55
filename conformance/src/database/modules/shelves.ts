/** `../../crash/modules/shelf.ts` with one more table: the version after it. */
import { schema, SenderError, t, table } from "lightcone/module";

const spacetime = schema({
  item: table(
    { public: true, indexes: [{ accessor: "byShelf", algorithm: "btree", columns: ["shelf"] }] },
    { id: t.u32().primaryKey(), shelf: t.u32(), text: t.string() },
  ),
  mark: table({ public: true }, { shelf: t.u32(), text: t.string() }),
  extra: table({ public: true }, { id: t.u32().primaryKey() }),
});
export default spacetime;

/** Puts an item, in the place of the one that has its id. */
export const put = spacetime.reducer({ id: t.u32(), shelf: t.u32(), text: t.string() }, (ctx, row) => {
  if (ctx.db.item.id.find(row.id) === null) ctx.db.item.insert(row);
  else ctx.db.item.id.update(row);
});

export const take = spacetime.reducer({ id: t.u32() }, (ctx, { id }) => {
  ctx.db.item.id.delete(id);
});

export const note = spacetime.reducer({ shelf: t.u32(), text: t.string() }, (ctx, row) => {
  ctx.db.mark.insert(row);
});

/** Writes, and then refuses. */
export const refuse = spacetime.reducer({ shelf: t.u32(), text: t.string() }, (ctx, row) => {
  ctx.db.mark.insert(row);
  throw new SenderError(row.text);
});

/** Puts a row into the table that is new, or takes it away. */
export const flip = spacetime.reducer({ id: t.u32() }, (ctx, row) => {
  if (!ctx.db.extra.id.delete(row.id)) ctx.db.extra.insert(row);
});
