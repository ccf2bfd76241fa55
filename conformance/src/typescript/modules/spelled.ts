/** Names that have digits: each is spelled one way in the code and another on the wire. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  all_u8s: table({ public: true }, { id: t.u32().primaryKey(), byteU8: t.u8().index("btree") }),
});
export default spacetime;

export const addU8 = spacetime.reducer({ id: t.u32(), byteU8: t.u8() }, (ctx, row) => {
  ctx.db.all_u8s.insert(row);
});
