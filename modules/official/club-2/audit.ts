/** What was done, and by whom: a library's library. */
import { schema, t, table } from "spacetimedb/server";

const entryMade = table({ public: true }, { id: t.u32().primaryKey().autoInc(), what: t.string().index() });
const audit = schema({ entryMade });
export default audit;

export const noteDown = audit.reducer({ what: t.string() }, (ctx, { what }) => {
  ctx.db.entryMade.insert({ id: 0, what });
});
