/** Views in TypeScript, of every form. */
import { schema, SenderError, t, table, type InferSchema, type ReducerCtx } from "lightcone/module";

const note = table(
  { public: false, indexes: [{ accessor: "byOwner", algorithm: "btree", columns: ["owner", "at"] }] },
  { id: t.u64().primaryKey().autoInc(), owner: t.identity(), at: t.u32().index(), text: t.string() },
);
const room = table({ public: true }, { id: t.u32().primaryKey(), name: t.string() });
const spacetime = schema({ note, room });
export default spacetime;

type Ctx = ReducerCtx<InferSchema<typeof spacetime>>;

export const write = spacetime.reducer({ at: t.u32(), text: t.string() }, (ctx: Ctx, { at, text }) => {
  if (text === "") throw new SenderError("a note has a text");
  ctx.db.note.insert({ id: 0n, owner: ctx.sender, at, text });
});
export const erase = spacetime.reducer({ id: t.u64() }, (ctx, { id }) => {
  ctx.db.note.id.delete(id);
});
export const furnish = spacetime.reducer({ id: t.u32(), name: t.string() }, (ctx, { id, name }) => {
  if (ctx.db.room.id.find(id) === null) ctx.db.room.insert({ id, name });
  else ctx.db.room.id.update({ id, name });
});

/** A caller's own notes, which nobody else can see. */
export const myNotes = spacetime.view({ public: true }, t.array(note.rowType), (ctx) => [
  ...ctx.db.note.byOwner.filter(ctx.sender),
]);
const Summary = t.row("Summary", { notes: t.u64(), rooms: t.u64() });
/** The same for all. */
export const summary = spacetime.anonymousView({ public: true }, t.option(Summary), (ctx) => {
  const notes = ctx.db.note.count();
  return notes === 0n ? null : { notes, rooms: ctx.db.room.count() };
});
/** A query instead of rows. */
export const early = spacetime.anonymousView({ public: true, name: "early_notes" }, t.array(note.rowType), (ctx) =>
  ctx.from.note.where((row) => row.at.lt(10)),
);
/** Rooms that a note of the caller's is about. */
export const myRooms = spacetime.view({ public: true }, t.array(room.rowType), (ctx) =>
  ctx.from.note.rightSemijoin(ctx.from.room, (one, other) => one.at.eq(other.id)).where((row) => row.name.ne("")),
);
/** Does as it is told by the names of rooms. */
export const odd = spacetime.view({ public: true }, t.array(room.rowType), (ctx) => {
  const told = ctx.db.room.id.find(99)?.name;
  if (told === "loop") for (;;);
  if (told === "throw") throw new Error("as I was told");
  if (told === "refuse") throw new SenderError("not for you");
  if (told === "write") (ctx.db as unknown as Ctx["db"]).room.insert({ id: 1000, name: "by a view" });
  if (told === "promise") return Promise.resolve([]) as never;
  if (told === "wrong") return [{ id: "no number", name: 5 }] as never;
  if (told === "nothing") return undefined as never;
  return [...ctx.db.room.iter()].filter(({ id }) => id < 90);
});
