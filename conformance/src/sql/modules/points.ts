/** Two tables of numbers, among them floats that are equal in more than one spelling. */
import { schema, t, table } from "lightcone/module";

const columns = () => ({
  id: t.u32().primaryKey(),
  a: t.u32().index(),
  b: t.u32().index(),
  f: t.f64(),
  g: t.f32(),
});
const points = schema({
  left: table({ public: true }, columns()),
  right: table({ public: true }, columns()),
});
export default points;

const floats = [0, -0, Number.NaN, Infinity, -Infinity, 1.5, -1.5];

/** Puts a row, or another in its place; its floats go by their positions. */
export const put = points.reducer(
  { right: t.bool(), id: t.u32(), a: t.u32(), b: t.u32(), f: t.u8(), g: t.u8() },
  (ctx, { right, id, a, b, f, g }) => {
    const rows = right ? ctx.db.right : ctx.db.left;
    rows.id.delete(id);
    rows.insert({ id, a, b, f: floats[f] ?? 0, g: floats[g] ?? 0 });
  },
);

export const take = points.reducer({ right: t.bool(), id: t.u32() }, (ctx, { right, id }) => {
  (right ? ctx.db.right : ctx.db.left).id.delete(id);
});

/** Fills both tables with rows whose floats are their own. */
export const fill = points.reducer({ from: t.u32(), count: t.u32() }, (ctx, { from, count }) => {
  for (let id = from; id < from + count; id += 1) {
    const row = { id, a: id, b: id, f: id + 0.25, g: id / 2 };
    ctx.db.left.insert(row);
    ctx.db.right.insert(row);
  }
});
