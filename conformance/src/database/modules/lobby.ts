/** Notes who comes, goes and speaks: for suites about connection ids. */
import { schema, t, table } from "lightcone/module";

const lobby = schema({
  visit: table(
    { public: true },
    { id: t.u64().primaryKey().autoInc(), what: t.string(), who: t.identity(), connection: t.connectionId() },
  ),
  word: table(
    { public: true },
    { id: t.u64().primaryKey().autoInc(), who: t.identity(), connection: t.connectionId(), number: t.u32() },
  ),
});
export default lobby;

export const come = lobby.clientConnected((ctx) => {
  if (ctx.connectionId !== null)
    ctx.db.visit.insert({ id: 0n, what: "come", who: ctx.sender, connection: ctx.connectionId });
});

export const go = lobby.clientDisconnected((ctx) => {
  if (ctx.connectionId !== null)
    ctx.db.visit.insert({ id: 0n, what: "go", who: ctx.sender, connection: ctx.connectionId });
});

export const speak = lobby.reducer({ number: t.u32() }, (ctx, { number }) => {
  if (ctx.connectionId !== null) ctx.db.word.insert({ id: 0n, who: ctx.sender, connection: ctx.connectionId, number });
});
