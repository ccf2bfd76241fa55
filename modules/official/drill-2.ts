/** What a module of the package `spacetimedb` 2.x can do, each thing in a reducer of its own that says when it went wrong. */
import { ScheduleAt, TimeDuration, Identity, ConnectionId, Uuid } from "spacetimedb";
import { errors, Range, schema, SenderError, t, table } from "spacetimedb/server";

const Shape = t.enum("Shape", { Empty: t.unit(), Circle: t.u32() });
const Point = t.object("Point", { x: t.i32(), y: t.f64() });

const everything = table(
  { public: true },
  {
    id: t.u32().primaryKey().autoInc(),
    flag: t.bool(),
    small: t.i8(),
    big: t.u256(),
    huge: t.i128(),
    real: t.f32(),
    text: t.string(),
    bytes: t.byteArray(),
    list: t.array(t.string()),
    maybe: t.option(t.u16()),
    shape: Shape,
    point: Point,
    who: t.identity(),
    over: t.connectionId(),
    at: t.timestamp(),
    long: t.timeDuration(),
    uuid: t.uuid(),
  },
);
const player = table(
  { public: true, indexes: [{ accessor: "byTeamScore", algorithm: "btree", columns: ["team", "score"] }] },
  { id: t.u64().primaryKey().autoInc(), name: t.string().unique(), team: t.u32().index(), score: t.i32() },
);
const hidden = table({}, { key: t.string().primaryKey(), value: t.u64() });
const said = table({ public: true }, { what: t.string() });
const alarm = table({}, { scheduledId: t.u64().primaryKey().autoInc(), scheduledAt: t.scheduleAt(), text: t.string() });

const errand = table({}, { scheduledId: t.u64().primaryKey().autoInc(), scheduledAt: t.scheduleAt(), times: t.u32() });

const stdb = schema({ everything, player, hidden, said, alarm, errand });
export default stdb;

function equal(got: unknown, wanted: unknown): void {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? `${each}n` : each)) ?? "undefined";
  if (text(got) !== text(wanted)) throw new SenderError(`${text(got)} is not ${text(wanted)}`);
}

export const init = stdb.init((ctx) => {
  ctx.db.said.insert({ what: `init by ${ctx.sender.isEqual(Identity.zero())} ${ctx.connectionId === null}` });
});
export const came = stdb.clientConnected((ctx) => {
  ctx.db.said.insert({ what: `came ${ctx.connectionId !== null}` });
});
export const went = stdb.clientDisconnected((ctx) => {
  ctx.db.said.insert({ what: `went ${ctx.connectionId !== null}` });
});

export const everyType = stdb.reducer((ctx) => {
  const row = {
    id: 0,
    flag: true,
    small: -8,
    big: 2n ** 255n,
    huge: -(2n ** 100n),
    real: 0.5,
    text: "ünï→𝄞",
    bytes: new Uint8Array([1, 2, 255]),
    list: ["a", ""],
    maybe: 7,
    shape: Shape.Circle(3),
    point: { x: -1, y: 1.25 },
    who: ctx.sender,
    over: ctx.connectionId ?? new ConnectionId(0n),
    at: ctx.timestamp,
    long: new TimeDuration(1_500_000n),
    uuid: Uuid.NIL,
  };
  const kept = ctx.db.everything.insert(row);
  const found = ctx.db.everything.id.find(kept.id);
  equal(found, { ...row, id: kept.id });
  ctx.db.everything.id.update({ ...kept, maybe: undefined, shape: Shape.Empty });
  equal(ctx.db.everything.id.find(kept.id)?.maybe, undefined);
  equal(ctx.db.everything.count(), 1n);
  equal(ctx.db.everything.id.delete(kept.id), true);
  equal(ctx.db.everything.id.delete(kept.id), false);
  equal(ctx.db.everything.id.find(kept.id), null);
  ctx.db.everything.insert(row);
});

export const players = stdb.reducer((ctx) => {
  const players = ctx.db.player;
  for (let index = 0; index < 20; index++) players.insert({ id: 0n, name: `p${index}`, team: index % 3, score: index });
  equal(players.count(), 20n);
  equal([...players.iter()].length, 20);
  equal(players.name.find("p4")?.score, 4);
  equal(
    [...players.team.filter(1)].map(({ score }) => score).sort((a, b) => a - b),
    [1, 4, 7, 10, 13, 16, 19],
  );
  equal(
    [...players.byTeamScore.filter([2, 5])].map(({ name }) => name),
    ["p5"],
  );
  equal([...players.byTeamScore.filter([2])].length, 6);
  const between = new Range({ tag: "included", value: 3 }, { tag: "excluded", value: 9 });
  equal(
    [...players.byTeamScore.filter([0, between])].map(({ score }) => score),
    [3, 6],
  );
  equal([...players.team.filter(new Range(null, { tag: "included", value: 1 }))].length, 14);
  equal(players.team.delete(0), 7);
  const four = players.name.find("p4");
  if (four === null) throw new SenderError("p4 is gone");
  players.id.update({ ...four, score: 400 });
  equal(players.id.find(four.id)?.score, 400);
  equal(players.delete({ ...four, score: 400 }), true);
  equal(players.count(), 12n);
  equal(players.clear(), 12n);
  equal(players.count(), 0n);
});

export const mistakes = stdb.reducer((ctx) => {
  ctx.db.hidden.insert({ key: "a", value: 0n });
  let caught: unknown;
  try {
    ctx.db.hidden.insert({ key: "a", value: 2n });
  } catch (error) {
    caught = error;
  }
  equal(caught instanceof errors.UniqueAlreadyExists, true);
  equal(ctx.db.hidden.count(), 1n);
});

export const many = stdb.reducer({ count: t.u32(), bytes: t.u32() }, (ctx, { count, bytes }) => {
  const text = "x".repeat(bytes);
  for (let index = 0; index < count; index++) ctx.db.hidden.insert({ key: `${index} ${text}`, value: BigInt(index) });
  let sum = 0n;
  for (const { value } of ctx.db.hidden.iter()) sum += value;
  ctx.db.said.insert({ what: `sum ${sum}` });
});

export const refuse = stdb.reducer({ text: t.string() }, (ctx, { text }) => {
  ctx.db.said.insert({ what: "this is undone" });
  throw new SenderError(text);
});
export const returnsValue = stdb.reducer((() => 1) as never);
export const crash = stdb.reducer((ctx) => {
  ctx.db.said.insert({ what: "this is undone" });
  (undefined as unknown as { x: unknown }).x;
});
export const later = stdb.reducer((async () => {
  throw new RangeError("behind its back");
}) as never);
export const forever = stdb.reducer(() => {
  for (;;);
});

export const say = stdb.reducer(() => {
  console.log("to the log", 1, 2n);
  console.error("an error");
  console.warn("a warning");
  console.debug("for debugging");
  console.time("it takes");
  console.timeEnd("it takes");
});

export const chance = stdb.reducer((ctx) => {
  const numbers = [ctx.random.integerInRange(1, 6), ctx.random.uint32()];
  ctx.db.said.insert({ what: `${numbers.every((each) => Number.isInteger(each))} ${ctx.newUuidV7().getVersion()}` });
  let text = "";
  try {
    text = `${Math.random()}`;
  } catch (error) {
    text = `${error instanceof TypeError}`;
  }
  ctx.db.said.insert({ what: text });
});

export const who = stdb.reducer((ctx) => {
  const { jwt } = ctx.senderAuth;
  ctx.db.said.insert({
    what: `${ctx.sender.isEqual(jwt?.identity ?? Identity.zero())} ${typeof jwt?.subject} ${ctx.timestamp.toMillis() > 0n}`,
  });
});

export const alarms = stdb.reducer((ctx) => {
  const now = ctx.timestamp.microsSinceUnixEpoch;
  ctx.db.alarm.insert({ scheduledId: 0n, scheduledAt: ScheduleAt.time(now + 1000n), text: "once" });
});
export const ring = stdb.reducer({ name: "ring", onSchedule: alarm }, { alarm: alarm.rowType }, (ctx, args) => {
  ctx.db.said.insert({ what: `rang ${args.alarm.text} ${ctx.sender.isEqual(ctx.databaseIdentity)}` });
});

export const double = stdb.procedure({ value: t.u32() }, t.u32(), (_ctx, { value }) => value * 2);
export const record = stdb.procedure({ text: t.string(), fails: t.bool() }, t.u64(), (ctx, { text, fails }) =>
  ctx.withTx((tx) => {
    tx.db.said.insert({ what: text });
    if (fails) throw new SenderError("undone");
    return tx.db.said.count();
  }),
);

export const ask = stdb.procedure({ url: t.string() }, t.string(), (ctx, { url }) => {
  const before = ctx.timestamp.toMillis();
  try {
    const response = ctx.http.fetch(url, { method: "POST", headers: { "x-drill": "yes" }, body: "ünï" });
    const text = response.text();
    ctx.withTx((tx) => {
      for (const { what } of tx.db.said.iter()) if (what === text) throw new SenderError("it was said before");
      tx.db.said.insert({ what: text });
    });
    return `${response.status} ${text} ${before > 0n}`;
  } catch (error) {
    return `${error instanceof errors.HttpError} ${String((error as Error).message)}`;
  }
});
export const askTwice = stdb.procedure({ url: t.string() }, t.u32(), (ctx, { url }) => {
  const counts = [1, 2].map((each) => {
    ctx.withTx((tx) => tx.db.said.insert({ what: `before ${each}` }));
    return ctx.http.fetch(`${url}?${each}`).bytes().length;
  });
  return counts[0]! + counts[1]!;
});
export const spin = stdb.procedure({ inside: t.bool() }, t.unit(), (ctx, { inside }) => {
  if (inside)
    ctx.withTx((tx) => {
      tx.db.said.insert({ what: "this is undone" });
      for (;;);
    });
  for (;;);
});
export const hog = stdb.procedure({}, t.unit(), () => {
  const kept: unknown[] = [];
  for (;;) kept.push(new Array(100_000).fill(kept.length));
});
export const waitsInside = stdb.procedure({ url: t.string() }, t.string(), (ctx, { url }) => {
  try {
    return ctx.withTx(() => ctx.http.fetch(url).text());
  } catch (error) {
    return `${error instanceof errors.WouldBlockTransaction}`;
  }
});

export const myThings = stdb.view({ public: true }, t.array(everything.rowType), (ctx) =>
  [...ctx.db.everything.iter()].filter(({ who }) => who.isEqual(ctx.sender)),
);
export const oneThing = stdb.anonymousView(
  { public: true },
  t.option(everything.rowType),
  (ctx) => ctx.db.everything.id.find(2) ?? undefined,
);
export const flaggedThings = stdb.anonymousView({ public: true }, t.array(everything.rowType), (ctx) =>
  ctx.from.everything.where((row) => row.flag.eq(true)),
);
export const crashingThings = stdb.anonymousView({ public: true }, t.array(everything.rowType), () => {
  throw new RangeError("no things");
});
export const writingThings = stdb.anonymousView({ public: true }, t.array(everything.rowType), (ctx) => {
  (ctx.db as any).said.insert({ what: "by a view" });
  return [];
});

export const errands = stdb.reducer((ctx) => {
  ctx.db.errand.insert({ scheduledId: 0n, scheduledAt: ScheduleAt.interval(50_000n), times: 2 });
});
export const runErrand = stdb.procedure(
  { name: "run_errand", onSchedule: errand },
  { row: errand.rowType },
  t.unit(),
  (ctx, { row }) => {
    ctx.withTx((tx) => {
      const { scheduledId } = row;
      const times = tx.db.errand.scheduledId.find(scheduledId)?.times ?? 0;
      tx.db.said.insert({ what: `errand ${times} ${ctx.connectionId === null}` });
      if (times > 1) tx.db.errand.scheduledId.update({ ...row, times: times - 1 });
      else tx.db.errand.scheduledId.delete(scheduledId);
    });
    return {};
  },
);
