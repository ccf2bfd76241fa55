/** The shop with tables and columns that have other names, places and types, and others besides. */
import { schema, SenderError, t, table } from "lightcone/module";

const colour = t.enum("Colour", ["red", "green", "blue"]);
const shop = schema({
  person: table(
    { public: true, was: "people" },
    {
      colour,
      id: t.u64().primaryKey().autoInc(),
      name: t.string().unique().was("full_name"),
      age: t.u8().optional(),
      visits: t.u32().default(1),
    },
  ),
  sale: table({ public: true }, { id: t.u32().primaryKey(), buyer: t.string().index(), cents: t.i64() }),
});
export default shop;

export const enter = shop.reducer({ name: t.string() }, (ctx, { name }) => {
  if (name === "") throw new SenderError("who?");
  ctx.db.person.insert({ colour: { tag: "blue" }, name, age: undefined, visits: 1 });
});
