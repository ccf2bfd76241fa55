/** Reducers that write without end, each in its own way, and one that does not. */
import { ScheduleAt, schema, t, table } from "lightcone/module";

const spacetime = schema({
  item: table(
    { public: true, indexes: [{ accessor: "byGroup", algorithm: "btree", columns: ["group"] }] },
    { id: t.u32().primaryKey(), group: t.u32() },
  ),
  alarm: table({ scheduled: "ring" }, { at: t.scheduleAt(), key: t.u64().primaryKey().autoInc() }),
});
export default spacetime;

export const add = spacetime.reducer({ id: t.u32() }, (ctx, { id }) => {
  ctx.db.item.insert({ id, group: 7 });
});

export const insert = spacetime.reducer((ctx) => {
  for (let id = 1000; ; id += 1) ctx.db.item.insert({ id, group: id % 3 });
});

export const update = spacetime.reducer((ctx) => {
  ctx.db.item.insert({ id: 500, group: 0 });
  for (let group = 1; ; group += 1) ctx.db.item.id.update({ id: 500, group });
});

export const insertAndDelete = spacetime.reducer((ctx) => {
  for (;;) {
    for (let id = 1000; id < 1200; id += 1) ctx.db.item.insert({ id, group: 9 });
    ctx.db.item.byGroup.delete(9);
  }
});

export const insertCatching = spacetime.reducer((ctx) => {
  for (let id = 1000; ; id += 1) {
    try {
      ctx.db.item.insert({ id: id % 3000, group: id });
    } catch {
      // On it goes.
    }
  }
});

export const ring = spacetime.reducer({ row: spacetime.tables.alarm.rowType }, (ctx) => {
  for (let id = 1000; ; id += 1) ctx.db.item.insert({ id, group: id % 3 });
});

export const ringSoon = spacetime.reducer((ctx) => {
  ctx.db.alarm.insert({ key: 0n, at: ScheduleAt.time(ctx.timestamp.microsSinceUnixEpoch) });
});
