/** Views of every form. */
import { and, schema, SenderError, t, table } from "lightcone/module";

const player = table(
  { public: true },
  { id: t.identity().primaryKey(), name: t.string(), team: t.u8().index(), inPlay: t.bool() },
);
const secret = table({}, { id: t.u64().primaryKey().autoInc(), owner: t.identity().index(), text: t.string() });
const Standing = t.row("Standing", { team: t.u8().primaryKey(), count: t.u32() });

const app = schema({ player, secret });
export default app;

export const join = app.reducer({ name: t.string(), team: t.u8() }, (ctx, { name, team }) => {
  ctx.db.player.insert({ id: ctx.sender, name, team, inPlay: true });
  ctx.db.secret.insert({ owner: ctx.sender, text: `of ${name}` });
});
export const mySecrets = app.view({ public: true }, t.array(secret.rowType), (ctx) => [
  ...ctx.db.secret.owner.filter(ctx.sender),
]);
export const me = app.view({ name: "myself", public: true }, t.option(player.rowType), (ctx) =>
  ctx.db.player.id.find(ctx.sender),
);
export const standings = app.anonymousView({ public: true }, t.array(Standing), (ctx) => {
  const counts = new Map<number, number>();
  for (const { team } of ctx.db.player) counts.set(team, (counts.get(team) ?? 0) + 1);
  return [...counts].map(([team, count]) => ({ team, count }));
});
export const teamMates = app.view({ public: true }, t.array(player.rowType), (ctx) =>
  ctx.from.player.where((row) => and(row.inPlay, row.id.ne(ctx.sender))),
);
export const anybody = app.anonymousView({ public: true }, t.option(player.rowType), (ctx) => [...ctx.db.player][0]);
// Views that read views.
export const crowds = app.anonymousView({ public: true }, t.array(Standing), () =>
  standings.rows.where((row) => row.count.gt(1)),
);
export const crowded = app.anonymousView({ public: true }, t.array(player.rowType), (ctx) =>
  ctx.from.player.leftSemijoin(crowds.rows, (row, crowd) => row.team.eq(crowd.team)),
);
export const mineAgain = app.view({ public: true }, t.array(player.rowType), () => me.rows.where((row) => row.inPlay));
export const refuses = app.anonymousView({ public: true }, t.array(player.rowType), () => {
  throw new SenderError("not today");
});
export const breaks = app.anonymousView({ public: true }, t.array(player.rowType), () => [null as never]);
