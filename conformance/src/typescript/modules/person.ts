import { schema, t, table } from "lightcone/module";

const spacetime = schema({ person: table({ public: true }, { id: t.u64().primaryKey().autoInc(), name: t.string() }) });
export default spacetime;

export const add = spacetime.reducer({ name: t.string() }, (ctx, { name }) => {
  ctx.db.person.insert({ id: 0n, name });
});
