/** `modules/rust/harbor2`, written with the package `spacetimedb` 2.x. Functions are numbered as there: by their names. */
import { ScheduleAt } from "spacetimedb";
import { errors, schema, SenderError, t, table } from "spacetimedb/server";

const Hull = t.object("Hull", { length: t.f32(), beam: t.f32() });
const Rig = t.enum("Rig", { Bare: t.unit(), Motor: t.u32(), Sail: Hull });

const boat = table(
  { public: true, indexes: [{ accessor: "berth", algorithm: "btree", columns: ["dock", "slot"] }] },
  {
    id: t.u64().primaryKey().autoInc(),
    name: t.string().unique(),
    dock: t.u32(),
    slot: t.u16(),
    rig: Rig,
    hull: Hull,
    motto: t.option(t.string()),
    tags: t.array(t.string()),
    seal: t.byteArray(),
    crest: t.u256(),
    weight: t.f32(),
    arrived: t.timestamp(),
    berth_fee: t.u32().default(7),
  },
);
const gauge = table({ public: true }, { id: t.u32().primaryKey(), level: t.i32() });
const note = table(
  { public: true },
  { id: t.u64().primaryKey().autoInc(), owner: t.identity().index(), text: t.string() },
);
const visit = table({}, { connection: t.connectionId().primaryKey(), since: t.timestamp() });
const patrol = table(
  { public: true },
  { scheduled_id: t.u64().primaryKey().autoInc(), scheduled_at: t.scheduleAt(), gauge: t.u32() },
);
const horn = table({ public: true, event: true }, { boat: t.u64(), sound: t.string() });
const stdb = schema({ boat, gauge, note, visit, patrol, horn });
export default stdb;

export const ownNotes = stdb.clientVisibilityFilter.sql("SELECT * FROM note WHERE note.owner = :sender");

export const blowHorn = stdb.reducer({ boat: t.u64(), sound: t.string() }, (ctx, row) => {
  ctx.db.horn.insert(row);
});
export const capsize = stdb.reducer((ctx) => {
  ctx.db.gauge.insert({ id: 50, level: 0 });
  throw new RangeError("the boat turned over");
});
export const dockBoat = stdb.reducer(
  { name: t.string(), dock: t.u32(), slot: t.u16(), rig: Rig, hull: Hull },
  (ctx, asked) => {
    if (asked.name === "") throw new SenderError("a boat needs a name");
    const more = { motto: undefined, tags: ["new"], seal: new Uint8Array([0xde, 0xad]), crest: 0x0102n, weight: 1.5 };
    try {
      ctx.db.boat.insert({ id: 0n, ...asked, ...more, arrived: ctx.timestamp, berth_fee: 7 });
    } catch (error) {
      if (!(error instanceof errors.UniqueAlreadyExists)) throw error;
      throw new SenderError("insertion error on table `boat`:duplicate unique column");
    }
  },
);
export const dropGauge = stdb.reducer({ id: t.u32() }, (ctx, { id }) => {
  ctx.db.gauge.id.delete(id);
});
export const farewell = stdb.clientDisconnected((ctx) => {
  if (ctx.connectionId !== null) ctx.db.visit.connection.delete(ctx.connectionId);
});
export const greet = stdb.clientConnected((ctx) => {
  if (ctx.db.gauge.id.find(99) !== null) throw new SenderError("the harbor is closed");
  if (ctx.connectionId !== null) ctx.db.visit.insert({ connection: ctx.connectionId, since: ctx.timestamp });
});
export const idle = stdb.reducer(() => {});
export const leave = stdb.reducer({ name: t.string() }, (ctx, { name }) => {
  ctx.db.boat.name.delete(name);
});
export const moveBoat = stdb.reducer(
  { name: t.string(), dock: t.u32(), slot: t.u16() },
  (ctx, { name, dock, slot }) => {
    const old = ctx.db.boat.name.find(name);
    if (old === null) throw new SenderError("no such boat");
    ctx.db.boat.id.update({ ...old, dock, slot, motto: "onward" });
  },
);
export const openHarbor = stdb.init((ctx) => {
  ctx.db.gauge.insert({ id: 1, level: -3 });
  console.info("harbor opened");
});
export const planPatrol = stdb.reducer({ millis: t.u64(), gauge: t.u32() }, (ctx, { millis, gauge }) => {
  const at = ctx.timestamp.microsSinceUnixEpoch + millis * 1000n;
  ctx.db.patrol.insert({ scheduled_id: 0n, scheduled_at: ScheduleAt.time(at), gauge });
});
export const runPatrol = stdb.reducer(
  { name: "run_patrol", onSchedule: patrol },
  { job: patrol.rowType },
  (ctx, { job }) => {
    const found = ctx.db.gauge.id.find(job.gauge);
    if (found !== null) ctx.db.gauge.id.update({ ...found, level: found.level + 1 });
  },
);
export const setGauge = stdb.reducer({ id: t.u32(), level: t.i32() }, (ctx, row) => {
  if (ctx.db.gauge.id.find(row.id) === null) ctx.db.gauge.insert(row);
  else ctx.db.gauge.id.update(row);
});
export const writeNote = stdb.reducer({ text: t.string() }, (ctx, { text }) => {
  ctx.db.note.insert({ id: 0n, owner: ctx.sender, text });
});

export const myNotes = stdb.view({ public: true }, t.array(note.rowType), (ctx) => [
  ...ctx.db.note.owner.filter(ctx.sender),
]);
export const firstDock = stdb.anonymousView({ public: true }, t.array(boat.rowType), (ctx) => [
  ...ctx.db.boat.berth.filter([1]),
]);

export const refill = stdb.procedure(
  { id: t.u32(), level: t.i32() },
  t.result(t.u32(), t.string()),
  (ctx, { id, level }) => {
    if (level < 0) return { err: "only upwards" } as never;
    ctx.withTx((tx) => {
      tx.db.gauge.id.delete(id);
      tx.db.gauge.insert({ id, level });
    });
    return { ok: level } as never;
  },
);
export const tide = stdb.procedure({ moon: t.u32(), sun: t.u32() }, Hull, (_ctx, { moon, sun }) => ({
  length: moon + sun,
  beam: 0.5,
}));
