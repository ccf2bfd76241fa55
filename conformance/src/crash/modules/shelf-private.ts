/** The shelf, whose items have been made private. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  item: table(
    { indexes: [{ accessor: "byShelf", algorithm: "btree", columns: ["shelf"] }] },
    { id: t.u32().primaryKey(), shelf: t.u32(), text: t.string() },
  ),
  mark: table({ public: true }, { shelf: t.u32(), text: t.string() }),
});
export default spacetime;

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
