/** Tickets with numbers of a sequence. */
import { schema, t, table } from "lightcone/module";

const tickets = schema({
  ticket: table({ public: true }, { id: t.u32().primaryKey().autoInc(), holder: t.string() }),
});
export default tickets;

export const hand = tickets.reducer({ holder: t.string() }, (ctx, { holder }) => {
  ctx.db.ticket.insert({ holder });
});
