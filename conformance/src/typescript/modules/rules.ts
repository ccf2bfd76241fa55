/** Rooms with members: who sees which rows is said by rules, as SQL and as queries. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  note: table({ public: true }, { id: t.u64().primaryKey().autoInc(), owner: t.identity().index(), text: t.string() }),
  room: table({ public: true }, { id: t.u32().primaryKey(), open: t.bool() }),
  member: table({}, { key: t.u64().primaryKey().autoInc(), room: t.u32().index(), who: t.identity() }),
  message: table({ public: true }, { id: t.u64().primaryKey().autoInc(), room: t.u32().index(), text: t.string() }),
  shout: table({ public: true, event: true }, { room: t.u32(), text: t.string() }),
});
export default spacetime;

export const ownNotes = spacetime.clientVisibilityFilter.sql("SELECT * FROM note WHERE owner = :sender");
export const openRooms = spacetime.rls((ctx) => ctx.from.room.where((room) => room.open.eq(true)));
export const ownRooms = spacetime.rls((ctx) =>
  ctx.from.room.leftSemijoin(
    ctx.from.member.where((member) => member.who.eq(ctx.sender)),
    (room, member) => room.id.eq(member.room),
  ),
);
/** Whoever sees a room sees what is said there. */
export const seenRooms = spacetime.rls((ctx) =>
  ctx.from.message.leftSemijoin(ctx.from.room, (message, room) => message.room.eq(room.id)),
);
export const heardShouts = spacetime.rls((ctx) =>
  ctx.from.member
    .where((member) => member.who.eq(ctx.sender))
    .rightSemijoin(ctx.from.shout, (member, shout) => member.room.eq(shout.room)),
);

export const writeNote = spacetime.reducer({ text: t.string() }, (ctx, { text }) => {
  ctx.db.note.insert({ id: 0n, owner: ctx.sender, text });
});

export const setRoom = spacetime.reducer({ id: t.u32(), open: t.bool() }, (ctx, room) => {
  ctx.db.room.id.delete(room.id);
  ctx.db.room.insert(room);
});

export const join = spacetime.reducer({ room: t.u32() }, (ctx, { room }) => {
  ctx.db.member.insert({ key: 0n, room, who: ctx.sender });
});

export const leave = spacetime.reducer({ room: t.u32() }, (ctx, { room }) => {
  for (const member of [...ctx.db.member.room.filter(room)])
    if (member.who.isEqual(ctx.sender)) ctx.db.member.key.delete(member.key);
});

export const post = spacetime.reducer({ room: t.u32(), text: t.string() }, (ctx, { room, text }) => {
  ctx.db.message.insert({ id: 0n, room, text });
});

/** Moves what was said in a room to another, in one transaction. */
export const move = spacetime.reducer({ from: t.u32(), to: t.u32() }, (ctx, { from, to }) => {
  for (const message of [...ctx.db.message.room.filter(from)]) ctx.db.message.id.update({ ...message, room: to });
});

export const shout = spacetime.reducer({ room: t.u32(), text: t.string() }, (ctx, { room, text }) => {
  ctx.db.shout.insert({ room, text });
});
