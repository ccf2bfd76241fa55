/** A journal whose entries can be counted: the module of the crash suites. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  entry: table(
    { public: true, indexes: [{ accessor: "byClient", algorithm: "btree", columns: ["client", "number"] }] },
    { id: t.u64().primaryKey().autoInc(), client: t.u32(), number: t.u32(), note: t.string() },
  ),
  tally: table({ public: true }, { client: t.u32().primaryKey(), count: t.u32() }),
});
export default spacetime;

/** Writes an entry and counts it. Done twice it shows: two entries with one number. */
export const record = spacetime.reducer({ client: t.u32(), number: t.u32() }, (ctx, { client, number }) => {
  ctx.db.entry.insert({ id: 0n, client, number, note: `entry ${number} of ${client}` });
  const tally = ctx.db.tally.client.find(client);
  if (tally === null) ctx.db.tally.insert({ client, count: 1 });
  else ctx.db.tally.client.update({ client, count: tally.count + 1 });
});
