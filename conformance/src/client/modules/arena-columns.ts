/** The arena with a column of its players of another type, which is published without the data that there was. */
import { schema, SenderError, t, table } from "lightcone/module";

const app = schema({
  player: table({ public: true }, { id: t.u64().primaryKey(), userName: t.string(), hitPoints: t.i32() }),
  spell: table({ public: true }, { spellName: t.string().primaryKey(), cost: t.u8() }),
  step: table({ public: true }, { dx: t.i32(), dy: t.i32() }),
  banned: table({}, { identity: t.identity().primaryKey() }),
});
export default app;

export const clientConnected = app.clientConnected((ctx) => {
  if (ctx.db.banned.identity.find(ctx.sender) !== null) throw new SenderError("You are banned from the arena: be nice");
});
export const enter = app.reducer({ id: t.u64(), fullName: t.string() }, (ctx, { id, fullName }) => {
  ctx.db.player.insert({ id, userName: fullName, hitPoints: 100 });
});
export const move = app.reducer({ dx: t.i32(), dy: t.i32() }, (ctx, step) => {
  ctx.db.step.insert(step);
});
