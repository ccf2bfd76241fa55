/** A game: players by team and rating, rounds that run by themselves, names as they are written. For `spacetimedb` 2.x. */
import { ScheduleAt, TimeDuration, Timestamp, Uuid } from "spacetimedb";
import { CaseConversionPolicy, Range, schema, SenderError, t, table } from "spacetimedb/server";

const Position = t.object("Position", { x: t.i16(), y: t.i16() });
const player = table(
  {
    public: true,
    indexes: [
      { accessor: "byRank", algorithm: "btree", columns: ["team", "rating", "name"] },
      { accessor: "atSeat", algorithm: "hash", columns: ["team", "seat"] },
    ],
  },
  {
    id: t.u16().primaryKey().autoInc(),
    name: t.string().unique(),
    team: t.u8().index(),
    rating: t.i64(),
    seat: t.u32().index("direct"),
    lucky: t.u128().index("hash"),
    position: Position,
    best: t.timeDuration(),
  },
);
const roundTimer = table(
  { name: "RoundTimer" },
  { scheduledId: t.u64().primaryKey().autoInc(), scheduledAt: t.scheduleAt(), left: t.u32() },
);
const seenLine = table({ public: true }, { id: t.i32().primaryKey().autoInc(), text: t.string() });
const badge = table({ public: true }, { id: t.uuid().primaryKey(), owner: t.u16().index(), given: t.timestamp() });

const game = schema({ player, roundTimer, seenLine, badge }, { CASE_CONVERSION_POLICY: CaseConversionPolicy.None });
export default game;

const texts = (rows: Iterable<{ name: string }>): string =>
  [...rows]
    .map(({ name }) => name)
    .sort()
    .join(" ");

export const fillUp = game.reducer({ teams: t.u8(), each: t.u32() }, (ctx, { teams, each }) => {
  for (let team = 0; team < teams; team += 1)
    for (let seat = 0; seat < each; seat += 1)
      ctx.db.player.insert({
        id: 0,
        name: `${String.fromCharCode(97 + team)}${seat}`,
        team,
        rating: BigInt(seat * 10 - 20),
        seat: team * 100 + seat,
        lucky: BigInt(seat % 2) << 100n,
        position: { x: seat, y: -team },
        best: new TimeDuration(BigInt(seat)),
      });
});
export const look = game.reducer((ctx) => {
  const { player } = ctx.db;
  const see = (text: string): void => void ctx.db.seenLine.insert({ id: 0, text });
  see(texts(player.team.filter(1)));
  see(texts(player.team.filter(new Range({ tag: "excluded", value: 0 }, { tag: "unbounded" }))));
  see(texts(player.byRank.filter(0)));
  see(texts(player.byRank.filter([0, -10n])));
  see(texts(player.byRank.filter([0, new Range({ tag: "included", value: -10n }, { tag: "included", value: 10n })])));
  see(texts(player.byRank.filter([1, 0n, new Range(null, { tag: "excluded", value: "b9" })])));
  see(texts(player.byRank.filter([1, 0n, "b2"])));
  see(texts(player.atSeat.filter([1, 101])));
  see(texts(player.seat.filter(2)));
  see(texts(player.lucky.filter(1n << 100n)));
  see(String(player.byRank.delete([0, new Range({ tag: "excluded", value: 0n })])));
  see(String(player.atSeat.delete([1, 100])));
  see(String(player.count()));
  const first = player.id.find(1);
  if (first !== null)
    see(JSON.stringify(player.id.update({ ...first, position: { x: 7, y: 8 }, best: new TimeDuration(-5n) }).position));
  see(`${player.delete({ ...first!, position: { x: 0, y: 0 } })} ${player.name.delete("a1")}`);
});
export const award = game.reducer({ name: t.string() }, (ctx, { name }) => {
  const found = ctx.db.player.name.find(name);
  if (found === null) throw new SenderError(`nobody is called ${name}`);
  ctx.db.badge.insert({ id: ctx.newUuidV4(), owner: found.id, given: ctx.timestamp });
  ctx.db.badge.insert({
    id: Uuid.parse("00000000-0000-4000-8000-00000000000a"),
    owner: found.id,
    given: Timestamp.UNIX_EPOCH,
  });
  const dice = ctx.random.integerInRange(1, 6);
  const bytes = ctx.random.fill(new Uint8Array(4));
  ctx.db.seenLine.insert({
    id: 0,
    text: `${dice >= 1 && dice <= 6} ${bytes.length} ${[...ctx.db.badge.owner.filter(found.id)].length}`,
  });
});
export const startRounds = game.reducer({ left: t.u32() }, (ctx, { left }) => {
  ctx.db.roundTimer.insert({ scheduledId: 0n, scheduledAt: ScheduleAt.interval(1000n), left });
});
export const playRound = game.reducer({ onSchedule: roundTimer }, { row: roundTimer.rowType }, (ctx, { row }) => {
  ctx.db.seenLine.insert({ id: 0, text: `round ${row.left} ${row.scheduledAt.tag} ${ctx.connectionId === null}` });
  if (row.left === 0) ctx.db.roundTimer.scheduledId.delete(row.scheduledId);
  else ctx.db.roundTimer.scheduledId.update({ ...row, left: row.left - 1 });
});
export const wipe = game.reducer((ctx) => {
  ctx.db.seenLine.insert({ id: 0, text: `${ctx.db.player.clear()} ${ctx.db.player.clear()} ${ctx.db.player.count()}` });
});
