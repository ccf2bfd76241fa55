/** `modules/rust/harbor`, written with the package `spacetimedb` 1.12. Functions are numbered as there: by their names. */
import { ScheduleAt } from "spacetimedb";
import { errors, schema, SenderError, t, table } from "spacetimedb/server";

const Hull = t.object("Hull", { length: t.f32(), beam: t.f32() });
const Rig = t.enum("Rig", { Bare: t.unit(), Motor: t.u32(), Sail: Hull });

const boat = table(
  { name: "boat", public: true, indexes: [{ name: "berth", algorithm: "btree", columns: ["dock", "slot"] }] },
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
const gauge = table({ name: "gauge", public: true }, { id: t.u32().primaryKey(), level: t.i32() });
const note = table(
  { name: "note", public: true },
  { id: t.u64().primaryKey().autoInc(), owner: t.identity().index(), text: t.string() },
);
const visit = table({ name: "visit" }, { connection: t.connectionId().primaryKey(), since: t.timestamp() });
const patrol = table(
  { name: "patrol", public: true, scheduled: "run_patrol" },
  { scheduled_id: t.u64().primaryKey().autoInc(), scheduled_at: t.scheduleAt(), gauge: t.u32() },
);
const stdb = schema(boat, gauge, note, visit, patrol);

stdb.clientVisibilityFilter.sql("SELECT * FROM note WHERE note.owner = :sender");

stdb.reducer("capsize", {}, (ctx) => {
  ctx.db.gauge.insert({ id: 50, level: 0 });
  throw new RangeError("the boat turned over");
});
stdb.reducer("dock_boat", { name: t.string(), dock: t.u32(), slot: t.u16(), rig: Rig, hull: Hull }, (ctx, asked) => {
  if (asked.name === "") throw new SenderError("a boat needs a name");
  const more = { motto: undefined, tags: ["new"], seal: new Uint8Array([0xde, 0xad]), crest: 0x0102n, weight: 1.5 };
  try {
    ctx.db.boat.insert({ id: 0n, ...asked, ...more, arrived: ctx.timestamp, berth_fee: 7 });
  } catch (error) {
    if (!(error instanceof errors.UniqueAlreadyExists)) throw error;
    throw new SenderError("insertion error on table `boat`:duplicate unique column");
  }
});
stdb.reducer("drop_gauge", { id: t.u32() }, (ctx, { id }) => {
  ctx.db.gauge.id.delete(id);
});
stdb.clientDisconnected("farewell", (ctx) => {
  if (ctx.connectionId !== null) ctx.db.visit.connection.delete(ctx.connectionId);
});
stdb.clientConnected("greet", (ctx) => {
  if (ctx.db.gauge.id.find(99) !== null) throw new SenderError("the harbor is closed");
  if (ctx.connectionId !== null) ctx.db.visit.insert({ connection: ctx.connectionId, since: ctx.timestamp });
});
stdb.reducer("idle", {}, () => {});
stdb.reducer("leave", { name: t.string() }, (ctx, { name }) => {
  ctx.db.boat.name.delete(name);
});
stdb.reducer("move_boat", { name: t.string(), dock: t.u32(), slot: t.u16() }, (ctx, { name, dock, slot }) => {
  const old = ctx.db.boat.name.find(name);
  if (old === null) throw new SenderError("no such boat");
  ctx.db.boat.id.update({ ...old, dock, slot, motto: "onward" });
});
stdb.init("open_harbor", (ctx) => {
  ctx.db.gauge.insert({ id: 1, level: -3 });
  console.info("harbor opened");
});
stdb.reducer("plan_patrol", { millis: t.u64(), gauge: t.u32() }, (ctx, { millis, gauge }) => {
  const at = ctx.timestamp.microsSinceUnixEpoch + millis * 1000n;
  ctx.db.patrol.insert({ scheduled_id: 0n, scheduled_at: ScheduleAt.time(at), gauge });
});
stdb.reducer("run_patrol", { job: patrol.rowType }, (ctx, { job }) => {
  const found = ctx.db.gauge.id.find(job.gauge);
  if (found !== null) ctx.db.gauge.id.update({ ...found, level: found.level + 1 });
});
stdb.reducer("set_gauge", { id: t.u32(), level: t.i32() }, (ctx, row) => {
  if (ctx.db.gauge.id.find(row.id) === null) ctx.db.gauge.insert(row);
  else ctx.db.gauge.id.update(row);
});
stdb.reducer("write_note", { text: t.string() }, (ctx, { text }) => {
  ctx.db.note.insert({ id: 0n, owner: ctx.sender, text });
});

stdb.view({ name: "my_notes", public: true }, t.array(note.rowType), (ctx) => [
  ...ctx.db.note.owner.filter(ctx.sender),
]);
stdb.anonymousView({ name: "first_dock", public: true }, t.array(boat.rowType), (ctx) => [
  ...ctx.db.boat.berth.filter([1]),
]);

stdb.procedure("refill", { id: t.u32(), level: t.i32() }, t.result(t.u32(), t.string()), (ctx, { id, level }) => {
  if (level < 0) return { err: "only upwards" } as never;
  ctx.withTx((tx) => {
    tx.db.gauge.id.delete(id);
    tx.db.gauge.insert({ id, level });
  });
  return { ok: level } as never;
});
stdb.procedure("tide", { moon: t.u32(), sun: t.u32() }, Hull, (_ctx, { moon, sun }) => ({
  length: moon + sun,
  beam: 0.5,
}));
