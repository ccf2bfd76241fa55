/** The module of the benches about size: rows of two shapes, calls that add many, one that never ends. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  /** 12 bytes, one unique index. */
  point: table({ public: true }, { id: t.u32().primaryKey(), value: t.i64() }),
  /** About 80 bytes with two strings, no unique index. */
  item: table({ public: true }, { shelf: t.u64(), name: t.string(), note: t.string(), value: t.i64() }),
});
export default spacetime;

export const addPoints = spacetime.reducer({ from: t.u32(), count: t.u32() }, (ctx, { from, count }) => {
  for (let id = from; id < from + count; id++) ctx.db.point.insert({ id, value: 0n });
});

export const addItems = spacetime.reducer({ from: t.u32(), count: t.u32() }, (ctx, { from, count }) => {
  for (let id = from; id < from + count; id++) {
    const name = `item number ${id}`;
    ctx.db.item.insert({ shelf: BigInt(id), name, note: `what there is to say of ${name}`, value: 0n });
  }
});

/** Changes one point: what other clients do meanwhile. */
export const touch = spacetime.reducer({ from: t.u32(), count: t.u32() }, (ctx, { from, count }) => {
  ctx.db.point.id.update({ id: from, value: BigInt(count) });
});

export const spin = spacetime.reducer({ from: t.u32(), count: t.u32() }, () => {
  for (;;);
});
