/** Tickets of another shape, with the numbers that they had: as they were, and in a table whose numbers nobody had before. */
import { schema, t, table } from "lightcone/module";

const tickets = schema({
  ticket: table({ public: true }, { id: t.u64().primaryKey().autoInc(), letters: t.u32() }),
  holder: table({ public: true }, { number: t.i32().primaryKey().autoInc(), name: t.string() }),
});
export default tickets;

export const carry = tickets.migrate(
  { ticket: { id: t.u32().primaryKey().autoInc(), holder: t.string() } },
  (old, ctx) => {
    for (const { id, holder } of old.ticket.iter()) {
      ctx.db.ticket.insert({ id: BigInt(id), letters: holder.length });
      ctx.db.holder.insert({ number: id, name: holder });
    }
  },
);

export const hand = tickets.reducer({ holder: t.string() }, (ctx, { holder }) => {
  ctx.db.ticket.insert({ letters: holder.length });
  ctx.db.holder.insert({ name: holder });
});
