/** The chat of every first tutorial, written with the package `spacetimedb` 1.12. */
import { schema, SenderError, t, table } from "spacetimedb/server";

const user = table(
  { name: "user", public: true },
  { identity: t.identity().primaryKey(), name: t.string().optional(), online: t.bool() },
);
const message = table(
  { name: "message", public: true },
  { sender: t.identity(), sent: t.timestamp(), text: t.string() },
);
const stdb = schema(user, message);

stdb.init(() => console.info("the room is open"));

stdb.clientConnected("identity_connected", (ctx) => {
  const known = ctx.db.user.identity.find(ctx.sender);
  if (known === null) ctx.db.user.insert({ identity: ctx.sender, name: undefined, online: true });
  else ctx.db.user.identity.update({ ...known, online: true });
});

stdb.clientDisconnected("identity_disconnected", (ctx) => {
  const known = ctx.db.user.identity.find(ctx.sender);
  if (known === null) console.warn(`${ctx.sender.toHexString()} left without ever having come`);
  else ctx.db.user.identity.update({ ...known, online: false });
});

stdb.reducer("set_name", { name: t.string() }, (ctx, { name }) => {
  if (name.trim() === "") throw new SenderError("Names must not be empty");
  const known = ctx.db.user.identity.find(ctx.sender);
  if (known === null) throw new SenderError("Cannot set name for unknown user");
  ctx.db.user.identity.update({ ...known, name });
});

stdb.reducer("send_message", { text: t.string() }, (ctx, { text }) => {
  if (text.trim() === "") throw new SenderError("Messages must not be empty");
  console.info(`message ${text}`);
  ctx.db.message.insert({ sender: ctx.sender, sent: ctx.timestamp, text });
});
