// Procedures that wait: the same as the Rust module `errands` has, so that the same suites run both.
import {
  errors,
  ScheduleAt,
  schema,
  SenderError,
  t,
  table,
  TimeDuration,
  type InferSchema,
  type ProcedureCtx,
  type ReducerCtx,
} from "lightcone/module";

const done = table(
  { public: true },
  { id: t.u64().primaryKey().autoInc(), what: t.string(), sender: t.string(), at: t.timestamp() },
);
const errand = table(
  { public: true },
  {
    scheduledId: t.u64().primaryKey().autoInc(),
    scheduledAt: t.scheduleAt(),
    what: t.string(),
    napMs: t.u64(),
    url: t.string(),
  },
);
const Page = t.object("Page", { status: t.u16(), headers: t.array(t.string()), body: t.byteArray() });

const errands = schema({ done, errand });
export default errands;
type S = InferSchema<typeof errands>;

function noteIn(tx: ReducerCtx<S>, what: string): void {
  tx.db.done.insert({ id: 0n, what, sender: tx.sender.toHexString(), at: tx.timestamp });
}
const note = (ctx: ProcedureCtx<S>, what: string): void => ctx.withTx((tx) => noteIn(tx, what));
const nap = (ctx: ProcedureCtx<S>, ms: bigint): Promise<void> => ctx.sleep(TimeDuration.fromMillis(Number(ms)));

// --- scheduled

export const runErrand = errands.procedure(
  { onSchedule: errand },
  { row: errand.rowType },
  t.unit(),
  async (ctx, { row: { what, napMs, url } }) => {
    note(ctx, `${what} begins`);
    if (napMs > 0n) await nap(ctx, napMs);
    if (url !== "") {
      const told = await ctx.http.fetch(url).then(
        ({ status }) => `Some(${status})`,
        () => "None",
      );
      note(ctx, `${what} hears ${told}`);
    }
    if (what === "panic") throw new Error("as asked");
    if (what === "spin") for (;;);
    note(ctx, `${what} ends`);
  },
);

const plan = { what: t.string(), millis: t.u64(), napMs: t.u64(), url: t.string() };
export const planIn = errands.reducer(plan, (ctx, { what, millis, napMs, url }) => {
  const at = ctx.timestamp.microsSinceUnixEpoch + millis * 1000n;
  ctx.db.errand.insert({ scheduledId: 0n, scheduledAt: ScheduleAt.time(at), what, napMs, url });
});
export const planEvery = errands.reducer(plan, (ctx, { what, millis, napMs, url }) => {
  ctx.db.errand.insert({ scheduledId: 0n, scheduledAt: ScheduleAt.interval(millis * 1000n), what, napMs, url });
});
export const cancelAll = errands.reducer((ctx) => {
  for (const { scheduledId } of [...ctx.db.errand.iter()]) ctx.db.errand.scheduledId.delete(scheduledId);
});
export const write = errands.reducer({ what: t.string() }, (ctx, { what }) => noteIn(ctx, what));

// --- called

const nap2 = { what: t.string(), millis: t.u64() };
export const noteAndNap = errands.procedure(nap2, t.string(), async (ctx, { what, millis }) => {
  note(ctx, `${what} begins`);
  await nap(ctx, millis);
  note(ctx, `${what} ends`);
  return what;
});
export const napAndNote = errands.procedure(nap2, t.string(), async (ctx, { what, millis }) => {
  await nap(ctx, millis);
  note(ctx, what);
  return what;
});
export const napAndPanic = errands.procedure({ millis: t.u64() }, t.unit(), async (ctx, { millis }) => {
  await nap(ctx, millis);
  throw new Error("after the nap");
});

const request = {
  method: t.string(),
  url: t.string(),
  headers: t.array(t.string()),
  body: t.byteArray(),
  timeoutMs: t.u64(),
};
export const fetch = errands.procedure(
  request,
  t.result(Page, t.string()),
  async (ctx, { method, url, headers, body, timeoutMs }) => {
    try {
      const page = await ctx.http.fetch(url, {
        method,
        headers: headers.map((header) => header.split(": ") as [string, string]),
        body,
        ...(timeoutMs > 0n ? { timeout: TimeDuration.fromMillis(Number(timeoutMs)) } : {}),
      });
      note(ctx, `fetched ${page.bytes().length} bytes`);
      const told = [...page.headers].map(([name, value]) => `${name}: ${value}`);
      return { ok: { status: page.status, headers: told, body: page.bytes() } };
    } catch (error) {
      if (error instanceof errors.HttpError) return { err: error.message };
      throw error;
    }
  },
);

// --- of TypeScript alone

/** What each says for itself, by what is asked. */
export const odd = errands.procedure({ what: t.string() }, t.string(), async (ctx, { what }) => {
  let kept: ReducerCtx<S> | undefined;
  switch (what) {
    case "refuses":
      await nap(ctx, 1n);
      throw new SenderError("not today");
    case "refuses in a transaction":
      return ctx.withTx((tx) => {
        noteIn(tx, "undone");
        throw new SenderError("not in here");
      });
    case "rejects behind its back":
      void nap(ctx, 1n).then(() => {
        throw new RangeError("nobody listens");
      });
      await nap(ctx, 5n);
      return "unheard";
    case "never":
      await new Promise(() => undefined);
      return "never";
    case "races":
      await Promise.race([nap(ctx, 1n), nap(ctx, 60_000n)]);
      return "first";
    case "together": {
      const before = ctx.timestamp;
      await Promise.all([nap(ctx, 30n), nap(ctx, 20n), nap(ctx, 10n)]);
      return String((ctx.timestamp.microsSinceUnixEpoch - before.microsSinceUnixEpoch) / 1000n);
    }
    case "sleeps in a transaction":
      return ctx.withTx((tx) => {
        noteIn(tx, "undone");
        void nap(ctx, 1n);
        return "slept";
      });
    case "within within":
      return ctx.withTx(() => ctx.withTx(() => "twice"));
    case "async in a transaction":
      return ctx.withTx((async (tx: ReducerCtx<S>) => noteIn(tx, "undone")) as unknown as () => string);
    case "kept":
      ctx.withTx((tx) => (kept = tx));
      await nap(ctx, 1n);
      if (kept !== undefined) noteIn(kept, "undone");
      return "kept";
    case "wrong":
      return 7 as unknown as string;
    case "caught":
      try {
        ctx.withTx((tx) => {
          noteIn(tx, "undone");
          throw new Error("undo it");
        });
      } catch {
        note(ctx, "caught");
      }
      return "went on";
    case "who":
      return `${ctx.sender.toHexString() === ctx.withTx((tx) => tx.sender.toHexString())} ${"db" in ctx} ${ctx.random() === ctx.random()}`;
    case "deep":
      await (async () => {
        await nap(ctx, 1n);
        await Promise.resolve().then(() => nap(ctx, 1n));
      })();
      return "deep";
    default:
      return what;
  }
});
/** Not asynchronous. */
export const sum = errands.procedure({ a: t.u32(), b: t.u32() }, t.u64(), (_, { a, b }) => BigInt(a) + BigInt(b));
