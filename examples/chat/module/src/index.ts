/** A chat room: who is there, under what name, and what was said. */
import { schema, SenderError, t, table } from "lightcone/module";

const spacetime = schema({
  user: table({ public: true }, { identity: t.identity().primaryKey(), name: t.string().optional(), online: t.bool() }),
  message: table({ public: true }, { sender: t.identity(), sent: t.timestamp(), text: t.string() }),
});
export default spacetime;

export const init = spacetime.init(() => {
  console.info("the room is open");
});

export const identityConnected = spacetime.clientConnected((ctx) => {
  const user = ctx.db.user.identity.find(ctx.sender);
  if (user === null) ctx.db.user.insert({ identity: ctx.sender, online: true });
  else ctx.db.user.identity.update({ ...user, online: true });
});

export const identityDisconnected = spacetime.clientDisconnected((ctx) => {
  const user = ctx.db.user.identity.find(ctx.sender);
  if (user === null) console.warn(`${ctx.sender.toHexString()} left without ever having come`);
  else ctx.db.user.identity.update({ ...user, online: false });
});

/** Gives the caller a name. */
export const setName = spacetime.reducer({ name: t.string() }, (ctx, { name }) => {
  if (name.trim() === "") throw new SenderError("Names must not be empty");
  const user = ctx.db.user.identity.find(ctx.sender);
  if (user === null) throw new SenderError("Cannot set name for unknown user");
  ctx.db.user.identity.update({ ...user, name });
});

/** Says something to everyone. */
export const sendMessage = spacetime.reducer({ text: t.string() }, (ctx, { text }) => {
  if (text.trim() === "") throw new SenderError("Messages must not be empty");
  console.info(`message ${text}`);
  ctx.db.message.insert({ sender: ctx.sender, sent: ctx.timestamp, text });
});
