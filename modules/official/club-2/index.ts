/** A club: members of its own, and a chat twice, which it did not write. For `spacetimedb` 2.x. */
import { schema, t, table } from "spacetimedb/server";
import * as chat from "./chat";
import { chatLine } from "./chat-tables";

const member = table({ public: true }, { id: t.u32().primaryKey().autoInc(), name: t.string().unique() });
const club = schema({ member, chat, backRoom: chat });
export default club;

export const joinClub = club.reducer({ name: t.string() }, (ctx, { name }) => {
  ctx.db.member.insert({ id: 0, name });
  chat.sendLine(ctx.as.chat, { roomName: "hall", text: `${name} is here` });
  ctx.db.backRoom.chatLine.insert({
    lineId: 0n,
    roomName: "cellar",
    mood: { tag: "loudVoiced" },
    text: `${name}!`,
    saidBy: ctx.sender,
  });
});
export const hush = club.reducer({ roomName: t.string() }, (ctx, { roomName }) => {
  for (const line of [...ctx.db.chat.chatLine.byRoom.filter(roomName)])
    ctx.db.chat.chatLine.lineId.update({ ...line, mood: { tag: "calm" }, text: line.text.toLowerCase() });
  ctx.db.chat.audit.entryMade.insert({ id: 0, what: "hushed" });
});
export const countAll = club.procedure(t.u64(), (ctx) =>
  ctx.withTx((tx) => {
    chat.sendLine(tx.as.chat, { roomName: "count", text: "one more" });
    return tx.db.chat.chatLine.count() + tx.db.backRoom.chatLine.count();
  }),
);
export const hallTexts = club.anonymousView({ public: true, name: "hall_texts" }, t.array(chatLine.rowType), (ctx) => [
  ...ctx.db.chat.chatLine.roomName.filter("hall"),
]);
