/** What a module can do, each shown by rows: the module of `surface.test.ts`, which runs it in a server. */
import { errors, schema, ScheduleAt, SenderError, t, table, type InferSchema, type ReducerCtx } from "lightcone/module";

/** What a function saw, under a name for the test to ask for. */
const said = table(
  { public: true },
  { id: t.u64().primaryKey().autoInc(), what: t.string().index(), text: t.string() },
);
const timer = table({}, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt(), what: t.string() });
const made = table({ public: true }, { id: t.uuid().primaryKey(), text: t.string(), position: t.u32() });

/** A table for each integer that may increment by itself. */
const numbers = {
  i8s: table({ public: true }, { id: t.i8().primaryKey().autoInc(), text: t.string() }),
  u8s: table({ public: true }, { id: t.u8().primaryKey().autoInc(), text: t.string() }),
  i16s: table({ public: true }, { id: t.i16().primaryKey().autoInc(), text: t.string() }),
  u16s: table({ public: true }, { id: t.u16().primaryKey().autoInc(), text: t.string() }),
  i32s: table({ public: true }, { id: t.i32().primaryKey().autoInc(), text: t.string() }),
  u32s: table({ public: true }, { id: t.u32().primaryKey().autoInc(), text: t.string() }),
  i64s: table({ public: true }, { id: t.i64().primaryKey().autoInc(), text: t.string() }),
  u64s: table({ public: true }, { id: t.u64().primaryKey().autoInc(), text: t.string() }),
  i128s: table({ public: true }, { id: t.i128().primaryKey().autoInc(), text: t.string() }),
  u128s: table({ public: true }, { id: t.u128().primaryKey().autoInc(), text: t.string() }),
  i256s: table({ public: true }, { id: t.i256().primaryKey().autoInc(), text: t.string() }),
  u256s: table({ public: true }, { id: t.u256().primaryKey().autoInc(), text: t.string() }),
};
/** Several tables of one type, one of them private. */
const Twin = t.row("Twin", { key: t.string().primaryKey(), weight: t.f32(), note: t.string().default("none") });
const twins = { twinA: table({ public: true }, Twin), twinB: table({ public: true }, Twin), twinC: table({}, Twin) };

const app = schema({ said, timer, made, ...numbers, ...twins });
export default app;
type Ctx = ReducerCtx<InferSchema<typeof app>>;

function say(ctx: Ctx, what: string, ...values: readonly unknown[]): void {
  ctx.db.said.insert({ what, text: values.map(String).join(" ") });
}

// --- what the context has

function sayContext(ctx: Ctx, what: string): void {
  const { senderAuth, connectionId } = ctx;
  const { jwt } = senderAuth;
  say(ctx, what, ctx.sender.isEqual(ctx.databaseIdentity), connectionId === null, senderAuth.isInternal, jwt === null);
  if (jwt !== null)
    say(
      ctx,
      `${what} jwt`,
      senderAuth.hasJWT,
      jwt.issuer,
      jwt.subject,
      jwt.audience.join(),
      jwt.identity.isEqual(ctx.sender),
    );
}
export const init = app.init((ctx) => sayContext(ctx, "init"));
export const come = app.clientConnected((ctx) => sayContext(ctx, "connected"));
export const context = app.reducer((ctx) => {
  sayContext(ctx, "called");
  const { rawPayload, fullPayload } = ctx.senderAuth.jwt ?? {};
  say(
    ctx,
    "claims",
    ctx.senderAuth === ctx.senderAuth,
    JSON.stringify(fullPayload) === rawPayload,
    fullPayload?.["sub"],
  );
  ctx.db.timer.insert({ at: ScheduleAt.time(ctx.timestamp.microsSinceUnixEpoch), what: "scheduled" });
});
export const ring = app.reducer({ onSchedule: timer }, { row: timer.rowType }, (ctx, { row }) => {
  sayContext(ctx, row.what);
});
export const contextOfProcedure = app.procedure(t.string(), (ctx) => {
  ctx.withTx((tx) => sayContext(tx, "transaction"));
  return [
    String(ctx.newUuidV4()) === String(ctx.newUuidV4()),
    ctx.newUuidV4().getVersion(),
    ctx.newUuidV7().getVersion(),
    ctx.senderAuth.jwt?.subject,
  ].join(" ");
});

// --- what is left out, and what is made

export const makeUuids = app.reducer({ count: t.u32() }, (ctx, { count }) => {
  const before = ctx.db.made.count();
  for (let position = 0; position < count; position += 1) {
    const id = ctx.newUuidV7();
    ctx.db.made.insert({ id, text: String(id), position: Number(before) + position });
  }
});

// --- what a reducer gives

const Tally = t.object("Tally", { rows: t.u64(), last: t.string().optional(), odd: t.array(t.u8()) });
export const tally = app.reducer({ what: t.string() }, Tally, (ctx, { what }) => {
  say(ctx, what, "tallied");
  return { rows: BigInt([...ctx.db.said.what.filter(what)].length), last: what, odd: new Uint8Array([1, 3]) };
});
export const tallyTwice = app.reducer(
  { name: "tally_two" },
  { what: t.string() },
  t.result(t.u64(), t.string()),
  (ctx, { what }) => {
    if (what === "") return { err: "nothing to tally" };
    tally(ctx, { what });
    return { ok: tally(ctx, { what }).rows };
  },
);
export const wrongTally = app.reducer(t.u8(), (ctx) => {
  say(ctx, "wrong tally", "must not stay");
  return 256;
});
export const refusedTally = app.reducer(t.u8(), (ctx) => {
  say(ctx, "refused tally", "must not stay");
  throw new SenderError("no tally today");
});
export const group = app.exportGroup({
  zuletzt: app.reducer({ what: t.string() }, (ctx, { what }) => say(ctx, what, "in a group")),
  anfangs: app.procedure({ by: t.u32() }, t.u32(), (_, { by }) => by + 1),
});

// --- tables

export const countUp = app.reducer({ from: t.u8() }, (ctx, { from }) => {
  const { i8s, u8s, i16s, u16s, i32s, u32s, i64s, u64s, i128s, u128s, i256s, u256s } = ctx.db;
  const text = `from ${from}`;
  const got = [
    i8s.insert({ text }).id,
    u8s.insert({ text }).id,
    i16s.insert({ text }).id,
    u16s.insert({ text }).id,
    i32s.insert({ text }).id,
    u32s.insert({ text }).id,
    i64s.insert({ text }).id,
    u64s.insert({ text }).id,
    i128s.insert({ text }).id,
    u128s.insert({ text }).id,
    i256s.insert({ id: 0n, text }).id,
    u256s.insert({ id: 0n, text }).id,
  ];
  say(ctx, "counted", ...got);
  // What is given stands, and is not counted.
  i8s.insert({ id: -5, text: "given" });
  u256s.insert({ id: 2n ** 255n, text: "given" });
  i8s.id.delete(-5);
  u256s.id.delete(2n ** 255n);
});
export const useTwins = app.reducer((ctx) => {
  const { twinA, twinB, twinC } = ctx.db;
  const row = twinA.insert({ key: "a", weight: 0.1, note: "first" });
  twinB.insert(row);
  twinC.insert({ ...row, key: "c" });
  twinB.key.update({ ...row, note: "second" });
  say(
    ctx,
    "twins",
    row.weight === Math.fround(0.1),
    twinB.key.find("a")?.note,
    twinA.key.find("a")?.note,
    twinB.delete(row),
  );
  try {
    twinA.insert({ ...row, note: "again" });
  } catch (error) {
    say(ctx, "twins", error instanceof errors.UniqueAlreadyExists, twinA.count(), twinC.count());
  }
});
