/** What a module can do, each shown by rows: the module of `surface.test.ts`, which runs it in a server. */
import { schema, ScheduleAt, SenderError, t, table, type InferSchema, type ReducerCtx } from "lightcone/module";

/** What a function saw, under a name for the test to ask for. */
const said = table(
  { public: true },
  { id: t.u64().primaryKey().autoInc(), what: t.string().index(), text: t.string() },
);
const timer = table({}, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt(), what: t.string() });
const made = table({ public: true }, { id: t.uuid().primaryKey(), text: t.string(), position: t.u32() });

const app = schema({ said, timer, made });
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
