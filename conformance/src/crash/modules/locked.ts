/** Lets nobody in, in the way that it was last told to; nobody is told by whom. */
import { schema, SenderError, t, table } from "lightcone/module";

const locked = schema({ mode: table({ public: true }, { id: t.u8().primaryKey(), how: t.string() }) });
export default locked;

export const come = locked.clientConnected((ctx) => {
  switch (ctx.db.mode.id.find(1)?.how) {
    case "refuses":
      throw new SenderError("nobody comes in");
    case "breaks":
      throw new TypeError("the lock is stuck");
    case "loops":
      for (;;);
    case "hangs":
      // Longer than anybody waits, in a function that no interrupt reaches.
      Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);
      return;
    case undefined:
  }
});

export const lock = locked.reducer({ how: t.string() }, (ctx, { how }) => {
  ctx.db.mode.id.delete(1);
  ctx.db.mode.insert({ id: 1, how });
});
