/** Reducers that leave something to promises, each in another way. */
import { schema, ScheduleAt, SenderError, t, table } from "lightcone/module";
import type { InferSchema, ReducerCtx } from "lightcone/module";

const spacetime = schema({
  note: table({ public: true }, { text: t.string().primaryKey() }),
  owner: table({}, { identity: t.identity().primaryKey() }),
  alarm: table({}, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() }),
});
export default spacetime;
type Ctx = ReducerCtx<InferSchema<typeof spacetime>>;

let openGate = (): void => {};
const write = (ctx: Ctx, text: string): void => void ctx.db.note.insert({ text });

export const init = spacetime.init((ctx) => {
  ctx.db.owner.insert({ identity: ctx.sender });
});

/** Whoever is not the owner is turned away, by a promise. */
export const clientConnected = spacetime.clientConnected((ctx) => {
  if (ctx.db.owner.identity.find(ctx.sender) === null) void Promise.reject(new SenderError("strangers stay outside"));
});

export const add = spacetime.reducer({ text: t.string() }, (ctx, { text }) => write(ctx, text));

/** What it leaves runs before it commits, and counts. */
export const addLater = spacetime.reducer({ text: t.string() }, (ctx, { text }) => {
  void (async () => {
    await null;
    await null;
    write(ctx, text);
  })();
});

export const rejectNothing = spacetime.reducer((ctx) => {
  write(ctx, "must not stay: nothing");
  void Promise.reject();
});

export const rejectLater = spacetime.reducer((ctx) => {
  write(ctx, "must not stay: later");
  void (async () => {
    await null;
    throw new RangeError("late");
  })();
});

/** Refuses through a function that is async for no reason. */
export const refuse = spacetime.reducer((ctx) => {
  const check = async (): Promise<void> => {
    write(ctx, "must not stay: refused");
    throw new SenderError("not today");
  };
  void check();
});

export const rejectOddly = spacetime.reducer(() => {
  void Promise.reject({
    toString: () => {
      throw new Error("no text");
    },
    get message(): string {
      throw new Error("no message");
    },
  });
  void Promise.reject(new Proxy({}, { get: () => openGate() }));
});

/** Throws what cannot be looked at. */
export const throwOddly = spacetime.reducer((ctx) => {
  write(ctx, "must not stay: thrown");
  const refuse = (): never => {
    throw Object.create(null) as Error;
  };
  throw Object.create(new Proxy({}, { getPrototypeOf: refuse, get: refuse, has: refuse })) as Error;
});

/** Leaves a promise open, behind which something is to be written. */
export const leave = spacetime.reducer((ctx) => {
  void new Promise<void>((resolve) => (openGate = resolve)).then(() => write(ctx, "must not stay: left behind"));
});

/** Lets go of what another call left, if anything of it is there. */
export const open = spacetime.reducer({ text: t.string() }, (ctx, { text }) => {
  write(ctx, text);
  openGate();
});

export const loop = spacetime.reducer((ctx) => {
  write(ctx, "must not stay: loop");
  const again = (): void => void Promise.resolve().then(again);
  again();
});

export const setAlarm = spacetime.reducer((ctx) => {
  ctx.db.alarm.insert({ id: 0n, at: ScheduleAt.time(ctx.timestamp.microsSinceUnixEpoch) });
});
export const ring = spacetime.reducer(
  { onSchedule: spacetime.tables.alarm },
  { row: spacetime.tables.alarm.rowType },
  (ctx) => {
    write(ctx, "must not stay: alarm");
    void Promise.reject(new Error("the alarm is broken"));
  },
);
