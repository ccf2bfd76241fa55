/** The arena with views after the next publish: the rows that its view gives are of another type. */
import { schema, t, table } from "lightcone/module";

const bag = table({}, { owner: t.identity().primaryKey(), gold: t.u32(), silver: t.u32().default(5) });
const app = schema({ bag });
export default app;

export const myBag = app.view({ public: true }, t.option(bag.rowType), (ctx) => ctx.db.bag.owner.find(ctx.sender));
export const take = app.reducer({ gold: t.u32() }, (ctx, { gold }) => {
  ctx.db.bag.owner.delete(ctx.sender);
  ctx.db.bag.insert({ owner: ctx.sender, gold, silver: 0 });
});
