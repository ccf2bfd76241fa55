/**
 * To-do lists that people share. Nothing is public: who is a member of a list sees it, and everything on it, by the views
 * at the end. Whoever has a list's invitation, a word that its members see, may join it.
 */
import { schema, SenderError, t, table, type InferSchema, type ReducerCtx } from "lightcone/module";

const list = table({}, { id: t.u64().primaryKey().autoInc(), title: t.string(), invitation: t.string().unique() });
const member = table(
  { indexes: [{ accessor: "byBoth", algorithm: "btree", columns: ["list", "person"] }] },
  {
    id: t.u64().primaryKey().autoInc(),
    list: t.u64().index(),
    person: t.identity().index(),
    name: t.string(),
    isOwner: t.bool(),
  },
);
const task = table(
  {},
  {
    id: t.u64().primaryKey().autoInc(),
    list: t.u64().index(),
    text: t.string(),
    isDone: t.bool(),
    /** The name of who wrote it. */
    by: t.string(),
  },
);

const app = schema({ list, member, task });
export default app;
type Ctx = ReducerCtx<InferSchema<typeof app>>;

const textLengthMax = 200;
const tasksMax = 500;

// --- what people do

/** Begins a list, whose owner the caller is. */
export const createList = app.reducer({ title: t.string(), name: t.string() }, (ctx, { title, name }) => {
  const made = ctx.db.list.insert({ id: 0n, title: worded(title, "A list"), invitation: makeInvitation(ctx) });
  ctx.db.member.insert({ id: 0n, list: made.id, person: ctx.sender, name: worded(name, "A person"), isOwner: true });
});

/** Joins the list of an invitation; does nothing for who is a member already. */
export const joinList = app.reducer({ invitation: t.string(), name: t.string() }, (ctx, { invitation, name }) => {
  const found = ctx.db.list.invitation.find(invitation);
  if (found === null) throw new SenderError("There is no such invitation (any more)");
  if (membership(ctx, found.id) !== undefined) return;
  ctx.db.member.insert({ id: 0n, list: found.id, person: ctx.sender, name: worded(name, "A person"), isOwner: false });
});

/** Makes the invitation that is known void, and another one. */
export const renewInvitation = app.reducer({ list: t.u64() }, (ctx, { list: id }) => {
  if (!mine(ctx, id).isOwner) throw new SenderError("Only the owner of a list can do that");
  const found = ctx.db.list.id.find(id);
  if (found !== null) ctx.db.list.id.update({ ...found, invitation: makeInvitation(ctx) });
});

/** Leaves a list. With its owner goes the list. */
export const leaveList = app.reducer({ list: t.u64() }, (ctx, { list: id }) => {
  const own = mine(ctx, id);
  ctx.db.member.id.delete(own.id);
  if (!own.isOwner) return;
  ctx.db.member.list.delete(id);
  ctx.db.task.list.delete(id);
  ctx.db.list.id.delete(id);
  console.info("%s gave up list %d", own.name, id);
});

export const addTask = app.reducer({ list: t.u64(), text: t.string() }, (ctx, { list: id, text }) => {
  const { name } = mine(ctx, id);
  if ([...ctx.db.task.list.filter(id)].length >= tasksMax) throw new SenderError(`A list holds ${tasksMax} tasks`);
  ctx.db.task.insert({ id: 0n, list: id, text: worded(text, "A task"), isDone: false, by: name });
});

export const setDone = app.reducer({ task: t.u64(), isDone: t.bool() }, (ctx, { task: id, isDone }) => {
  ctx.db.task.id.update({ ...taskOf(ctx, id), isDone });
});

export const changeText = app.reducer({ task: t.u64(), text: t.string() }, (ctx, { task: id, text }) => {
  ctx.db.task.id.update({ ...taskOf(ctx, id), text: worded(text, "A task") });
});

export const removeTask = app.reducer({ task: t.u64() }, (ctx, { task: id }) => {
  ctx.db.task.id.delete(taskOf(ctx, id).id);
});

export const removeDone = app.reducer({ list: t.u64() }, (ctx, { list: id }) => {
  mine(ctx, id);
  for (const each of [...ctx.db.task.list.filter(id)]) if (each.isDone) ctx.db.task.id.delete(each.id);
});

// --- who may

/** The caller's place in a list; undefined for who is no member. */
function membership(ctx: Ctx, id: bigint) {
  return [...ctx.db.member.byBoth.filter([id, ctx.sender])][0];
}

function mine(ctx: Ctx, id: bigint) {
  const own = membership(ctx, id);
  // Whether the list is there is none of a stranger's business.
  if (own === undefined) throw new SenderError("You are no member of that list");
  return own;
}

function taskOf(ctx: Ctx, id: bigint) {
  const found = ctx.db.task.id.find(id);
  if (found === null || membership(ctx, found.list) === undefined) throw new SenderError("That task is gone");
  return found;
}

function worded(text: string, what: string): string {
  const words = text.trim();
  if (words === "") throw new SenderError(`${what} needs a word or two`);
  if (words.length > textLengthMax) throw new SenderError(`${what} has at most ${textLengthMax} characters`);
  return words;
}

/** A word that nobody guesses, within what a URL takes as it is. */
function makeInvitation(ctx: Ctx): string {
  return Array.from({ length: 16 }, () => "abcdefghjkmnpqrstuvwxyz23456789"[Math.floor(ctx.random() * 31)]).join("");
}

// --- who sees what: each view has the rows of the lists that its caller is a member of

export const myLists = app.view({ public: true }, t.array(list.rowType), (ctx) =>
  [...ctx.db.member.person.filter(ctx.sender)].flatMap((own) => ctx.db.list.id.find(own.list) ?? []),
);

export const myMembers = app.view({ public: true }, t.array(member.rowType), (ctx) =>
  [...ctx.db.member.person.filter(ctx.sender)].flatMap((own) => [...ctx.db.member.list.filter(own.list)]),
);

export const myTasks = app.view({ public: true }, t.array(task.rowType), (ctx) =>
  [...ctx.db.member.person.filter(ctx.sender)].flatMap((own) => [...ctx.db.task.list.filter(own.list)]),
);
