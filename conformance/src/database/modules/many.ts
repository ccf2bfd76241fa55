/** Writes as many rows at once as it is asked to. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  many: table(
    { public: true, indexes: [{ accessor: "byRound", algorithm: "btree", columns: ["round"] }] },
    { id: t.u64().primaryKey().autoInc(), round: t.u32(), number: t.u32() },
  ),
});
export default spacetime;

export const fill = spacetime.reducer({ round: t.u32(), count: t.u32() }, (ctx, { round, count }) => {
  for (let number = 0; number < count; number++) ctx.db.many.insert({ id: 0n, round, number });
});
