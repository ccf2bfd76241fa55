/** The chat of every first tutorial, written with the package `spacetimedb` 2.x. */
import { schema, SenderError, t, table } from "spacetimedb/server";

const stdb = schema({
  user: table({ public: true }, { identity: t.identity().primaryKey(), name: t.string().optional(), online: t.bool() }),
  message: table({ public: true }, { sender: t.identity(), sent: t.timestamp(), text: t.string() }),
});
export default stdb;

export const init = stdb.init(() => console.info("the room is open"));

export const identityConnected = stdb.clientConnected((ctx) => {
  const known = ctx.db.user.identity.find(ctx.sender);
  if (known === null) ctx.db.user.insert({ identity: ctx.sender, name: undefined, online: true });
  else ctx.db.user.identity.update({ ...known, online: true });
});

export const identityDisconnected = stdb.clientDisconnected((ctx) => {
  const known = ctx.db.user.identity.find(ctx.sender);
  if (known === null) console.warn(`${ctx.sender.toHexString()} left without ever having come`);
  else ctx.db.user.identity.update({ ...known, online: false });
});

export const setName = stdb.reducer({ name: t.string() }, (ctx, { name }) => {
  if (name.trim() === "") throw new SenderError("Names must not be empty");
  const known = ctx.db.user.identity.find(ctx.sender);
  if (known === null) throw new SenderError("Cannot set name for unknown user");
  ctx.db.user.identity.update({ ...known, name });
});

export const sendMessage = stdb.reducer({ text: t.string() }, (ctx, { text }) => {
  if (text.trim() === "") throw new SenderError("Messages must not be empty");
  console.info(`message ${text}`);
  ctx.db.message.insert({ sender: ctx.sender, sent: ctx.timestamp, text });
});
