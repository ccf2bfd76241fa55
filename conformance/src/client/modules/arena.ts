/** An arena, as its page was built for it. `arena-next.ts` is what is published while the page is open. */
import { schema, SenderError, t, table } from "lightcone/module";

const app = schema({
  player: table({ public: true }, { id: t.u32().primaryKey(), userName: t.string(), hitPoints: t.i32() }),
  spell: table({ public: true }, { spellName: t.string().primaryKey(), cost: t.u8() }),
  step: table({ public: true }, { dx: t.i32(), dy: t.i32() }),
  banned: table({}, { identity: t.identity().primaryKey() }),
});
export default app;

export const clientConnected = app.clientConnected((ctx) => {
  if (ctx.db.banned.identity.find(ctx.sender) !== null) throw new SenderError("You are banned from the arena: be nice");
});
export const enter = app.reducer({ id: t.u32(), userName: t.string() }, (ctx, { id, userName }) => {
  if (userName === "") throw new SenderError("Nobody is called that");
  ctx.db.player.insert({ id, userName, hitPoints: 100 });
});
export const learn = app.reducer({ spellName: t.string(), cost: t.u8() }, (ctx, spell) => {
  ctx.db.spell.insert(spell);
});
export const move = app.reducer({ dx: t.i32(), dy: t.i32() }, (ctx, step) => {
  ctx.db.step.insert(step);
});
export const banMyself = app.reducer((ctx) => {
  ctx.db.banned.insert({ identity: ctx.sender });
});
export const wait = app.reducer((_ctx) => {
  for (;;);
});
