/** Reducers that do harm, one kind each, and a harmless one to see whether the database still works. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  item: table(
    { public: true, indexes: [{ accessor: "byGroup", algorithm: "btree", columns: ["group", "name"] }] },
    { id: t.u64().primaryKey().autoInc(), group: t.u32(), name: t.string().unique() },
  ),
});
export default spacetime;

let count = 0;

export const add = spacetime.reducer({ name: t.string() }, (ctx, { name }) => {
  ctx.db.item.insert({ id: 0n, group: name.length % 7, name });
});

export const loop = spacetime.reducer((ctx) => {
  ctx.db.item.insert({ id: 0n, group: 1, name: "must not stay: loop" });
  for (;;) count += 1;
});

/** Catches what ends it, and loops on. */
export const loopCatching = spacetime.reducer((ctx) => {
  for (;;) {
    try {
      for (;;) ctx.db.item.insert({ id: 0n, group: 2, name: `must not stay: ${(count += 1)}` });
    } catch {
      count += 1;
    }
  }
});

/** Goes on writing at every depth of the stack, whatever is thrown. */
export const recurseCatching = spacetime.reducer((ctx) => {
  const deeper = (depth: number): void => {
    try {
      ctx.db.item.insert({ id: 0n, group: 3, name: `${depth} ${(count += 1)}` });
      deeper(depth + 1);
    } catch {
      ctx.db.item.insert({ id: 0n, group: 4, name: `caught at ${depth} ${(count += 1)}` });
    }
  };
  deeper(0);
});

export const fillHeap = spacetime.reducer(() => {
  const kept: object[] = [];
  for (;;) kept.push({ at: kept.length, text: `row ${kept.length}` });
});

export const fillTypedArrays = spacetime.reducer(() => {
  const kept: Uint8Array[] = [];
  for (;;) kept.push(new Uint8Array(1 << 22).fill(kept.length + 1));
});

export const insertForEver = spacetime.reducer((ctx) => {
  const padding = "x".repeat(1000);
  for (;;) ctx.db.item.insert({ id: 0n, group: 5, name: `${padding} ${(count += 1)}` });
});

export const fail = spacetime.reducer(() => {
  throw new RangeError("on purpose");
});
