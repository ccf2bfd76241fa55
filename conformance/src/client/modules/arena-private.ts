/** The arena with its spells made private, and nothing else. */
import { schema, t, table } from "lightcone/module";
import arena from "./arena.ts";

const { player, step, banned, spell } = arena.tables;
const app = schema({ player, spell: table({}, spell.rowType), step, banned });
export default app;

export const enter = app.reducer({ id: t.u32(), userName: t.string() }, (ctx, { id, userName }) => {
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
export const wait = app.reducer(() => {});
