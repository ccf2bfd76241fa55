/** The shop with sales of another shape: a function makes them of those that were. */
import { schema, SenderError, t, table } from "lightcone/module";

const colour = t.enum("Colour", ["red", "green", "blue"]);
const shop = schema({
  person: table(
    { public: true },
    {
      colour,
      id: t.u64().primaryKey().autoInc(),
      name: t.string().unique(),
      age: t.u8().optional(),
      visits: t.u32(),
    },
  ),
  sale: table({ public: true }, { buyer: t.string().primaryKey(), dollars: t.f64(), count: t.u32() }),
});
export default shop;

export const carry = shop.migrate(
  { sale: { id: t.u32().primaryKey(), buyer: t.string().index(), cents: t.i64() } },
  (old, ctx) => {
    for (const { buyer, cents } of old.sale.iter()) {
      if (cents < 0n) throw new SenderError(`a sale to ${buyer} is below zero`);
      const before = ctx.db.sale.buyer.find(buyer);
      const dollars = Number(cents) / 100;
      if (before === null) ctx.db.sale.insert({ buyer, dollars, count: 1 });
      else ctx.db.sale.buyer.update({ buyer, dollars: before.dollars + dollars, count: before.count + 1 });
    }
  },
);

export const owe = shop.reducer({ buyer: t.string() }, (ctx, { buyer }) => {
  ctx.db.sale.insert({ buyer, dollars: -1, count: 0 });
});
