/** Never comes to an end for some: 0x0b… cannot come, 0x0c… cannot go. */
import { schema, t, table } from "lightcone/module";

const stubborn = schema({ done: table({ public: true }, { id: t.u64().primaryKey().autoInc() }) });
export default stubborn;

export const come = stubborn.clientConnected((ctx) => {
  if (ctx.sender.toHexString().startsWith("0b")) for (;;);
});

export const go = stubborn.clientDisconnected((ctx) => {
  ctx.db.done.insert({ id: 0n });
  if (ctx.sender.toHexString().startsWith("0c")) for (;;);
});

export const act = stubborn.reducer((ctx) => {
  ctx.db.done.insert({ id: 0n });
});

export const loop = stubborn.reducer(() => {
  for (;;);
});
