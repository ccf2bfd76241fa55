/** Notes who comes and goes, and lets nobody in while the door is shut: to 0c… it breaks, with 0d… it talks. */
import { ConnectionId, schema, SenderError, t, table } from "lightcone/module";

const doorman = schema({
  visit: table(
    { public: true },
    { id: t.u64().primaryKey().autoInc(), what: t.string(), connection: t.connectionId() },
  ),
  door: table({}, { id: t.u8().primaryKey() }),
});
export default doorman;

export const open = doorman.init((ctx) => {
  ctx.db.visit.insert({ id: 0n, what: "init", connection: new ConnectionId(0n) });
});

export const come = doorman.clientConnected((ctx) => {
  const sender = ctx.sender.toHexString();
  if (ctx.db.door.count() > 0n && sender !== "01".repeat(32)) {
    if (sender.startsWith("0c")) throw new TypeError("the door fell off");
    throw new SenderError(sender.startsWith("0d") ? "é".repeat(200) : "the door is shut");
  }
  if (ctx.connectionId !== null) ctx.db.visit.insert({ id: 0n, what: "come", connection: ctx.connectionId });
});

export const go = doorman.clientDisconnected((ctx) => {
  if (ctx.connectionId !== null) ctx.db.visit.insert({ id: 0n, what: "go", connection: ctx.connectionId });
});

export const shut = doorman.reducer((ctx) => {
  ctx.db.door.insert({ id: 1 });
});

export const stumble = doorman.reducer((ctx) => {
  ctx.db.door.insert({ id: 2 });
  throw new Error("down the stairs");
});
