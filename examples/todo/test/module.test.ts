// What the module promises: members see a list and change it, others neither.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "lightcone/client";
import type * as todo from "../module/src/index.ts";
import { startServer, type Server } from "./server.ts";

type Db = ReturnType<typeof connect<typeof todo>>;
let server: Server;
const opened: Db[] = [];
before(async () => (server = await startServer("todo")));
after(async () => {
  for (const db of opened) db.close();
  await server.stop();
});

/** Somebody new, who sees what there is to see. */
async function person(): Promise<Db> {
  const db = connect<typeof todo>({ uri: server.url, database: "todo" });
  opened.push(db);
  await db.subscribe(db.tables.myLists, db.tables.myTasks, db.tables.myMembers).applied;
  return db;
}

/** Waits until somebody else's change has come to a table. */
async function until(isSo: () => boolean, table: { onChange(run: () => void): () => void }): Promise<void> {
  if (isSo()) return;
  await new Promise<void>((resolve) => {
    const end = table.onChange(() => {
      if (!isSo()) return;
      end();
      resolve();
    });
  });
}

test("a list is its members' alone, until somebody is invited", async () => {
  const [ann, ben] = [await person(), await person()];
  await ann.reducers.createList({ title: "Groceries", name: "Ann" });
  const [list] = ann.tables.myLists.rows();
  assert.ok(list);
  await ann.reducers.addTask({ list: list.id, text: " milk " });
  const [task] = ann.tables.myTasks.rows();
  assert.equal(task?.text, "milk");

  assert.deepEqual(ben.tables.myTasks.rows(), []);
  await assert.rejects(ben.reducers.addTask({ list: list.id, text: "gin" }), /no member/);
  await assert.rejects(ben.reducers.setDone({ task: task.id, isDone: true }), /gone/);
  await assert.rejects(ben.reducers.joinList({ invitation: "guess", name: "Ben" }), /no such invitation/);

  await ben.reducers.joinList({ invitation: list.invitation, name: "Ben" });
  assert.deepEqual(
    ben.tables.myTasks.rows().map(({ text, by }) => [text, by]),
    [["milk", "Ann"]],
  );
  await ben.reducers.setDone({ task: task.id, isDone: true });
  await assert.rejects(ben.reducers.renewInvitation({ list: list.id }), /Only the owner/);
  await ann.reducers.removeDone({ list: list.id });
  assert.deepEqual(ann.tables.myTasks.rows(), []);
});

test("with its owner goes a list; with anybody else only their place in it", async () => {
  const [ann, ben] = [await person(), await person()];
  await ann.reducers.createList({ title: "Trip", name: "Ann" });
  const [list] = ann.tables.myLists.rows();
  assert.ok(list);
  await ben.reducers.joinList({ invitation: list.invitation, name: "Ben" });
  await ben.reducers.leaveList({ list: list.id });
  assert.equal(ben.tables.myLists.rows().length, 0);
  await until(() => ann.tables.myMembers.rows().length === 1, ann.tables.myMembers);
  await ben.reducers.joinList({ invitation: list.invitation, name: "Ben" });
  await ann.reducers.leaveList({ list: list.id });
  await assert.rejects(ben.reducers.addTask({ list: list.id, text: "tent" }), /no member/);
});

test("what has no words is refused", async () => {
  const ann = await person();
  await assert.rejects(ann.reducers.createList({ title: "  ", name: "Ann" }), /A list needs a word/);
  await assert.rejects(ann.reducers.createList({ title: "x".repeat(201), name: "Ann" }), /at most 200/);
});
