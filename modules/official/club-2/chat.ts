/** A library: lines by room, reminders, secrets that only their owners see. It has a library of its own. */
import { ScheduleAt } from "spacetimedb";
import { schema, SenderError, t } from "spacetimedb/server";
import * as audit from "./audit";
import { chatLine, reminder, secret, waved } from "./chat-tables";

const chat = schema({ chatLine, reminder, secret, waved, audit });
export default chat;

export const sendLine = chat.reducer({ roomName: t.string(), text: t.string() }, (ctx, { roomName, text }) => {
  if (text === "") throw new SenderError("A line needs words");
  ctx.db.chatLine.insert({ lineId: 0n, roomName, mood: { tag: "calm" }, text, saidBy: ctx.sender });
  audit.noteDown(ctx.as.audit, { what: `a line in ${roomName}` });
});
export const keepSecret = chat.reducer({ text: t.string() }, (ctx, { text }) => {
  ctx.db.secret.insert({ owner: ctx.sender, text });
});
export const waveTo = chat.reducer({ roomName: t.string() }, (ctx, { roomName }) => {
  ctx.db.waved.insert({ roomName });
});
export const remindSoon = chat.reducer({ text: t.string() }, (ctx, { text }) => {
  const scheduledAt = ScheduleAt.time(ctx.timestamp.microsSinceUnixEpoch + 1n);
  ctx.db.reminder.insert({ scheduledId: 0n, scheduledAt, text });
});
export const remindNow = chat.reducer(
  { name: "remind_now", onSchedule: reminder },
  { due: reminder.rowType },
  (ctx, { due }) => {
    const saidBy = ctx.databaseIdentity;
    ctx.db.chatLine.insert({ lineId: 0n, roomName: "reminders", mood: { tag: "loudVoiced" }, text: due.text, saidBy });
  },
);
export const countLines = chat.procedure(t.u64(), (ctx) => ctx.withTx((tx) => tx.db.chatLine.count()));
export const hallLines = chat.anonymousView({ public: true, name: "hall_lines" }, t.array(chatLine.rowType), (ctx) => [
  ...ctx.db.chatLine.roomName.filter("hall"),
]);
export const linesOfMine = chat.view({ public: true, name: "my_lines" }, t.array(chatLine.rowType), (ctx) =>
  ctx.from.chatLine.where((line) => line.saidBy.eq(ctx.sender)),
);
export const ownSecrets = chat.clientVisibilityFilter.sql("SELECT * FROM secret WHERE owner = :sender");
