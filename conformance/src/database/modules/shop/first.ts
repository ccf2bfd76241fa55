/** A shop as it opened: what the other versions come after. */
import { schema, t, table } from "lightcone/module";

const colour = t.enum("Colour", ["red", "green"]);
const shop = schema({
  people: table(
    { public: true },
    { id: t.u32().primaryKey().autoInc(), full_name: t.string(), age: t.u8(), colour, note: t.string() },
  ),
  sale: table({ public: true }, { id: t.u32().primaryKey(), buyer: t.string(), cents: t.u32() }),
  draft: table({}, { text: t.string() }),
});
export default shop;

export const enter = shop.reducer({ name: t.string(), age: t.u8() }, (ctx, { name, age }) => {
  ctx.db.people.insert({ full_name: name, age, colour: { tag: "green" }, note: `${name}!` });
});

export const sell = shop.reducer({ id: t.u32(), buyer: t.string(), cents: t.u32() }, (ctx, sale) => {
  ctx.db.sale.insert(sale);
});

/** People enough for a migration to take a while. */
export const fill = shop.reducer({ count: t.u32() }, (ctx, { count }) => {
  for (let n = 0; n < count; n += 1)
    ctx.db.people.insert({ full_name: `person ${n}`, age: n % 100, colour: { tag: "red" }, note: "" });
});
