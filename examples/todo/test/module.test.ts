// What the module promises: members see a list and change it, others neither.
import assert from "node:assert/strict";
import { test } from "node:test";
import { testModule } from "lightcone/testing";
import * as todo from "../module/src/index.ts";

interface Task {
  readonly id: bigint;
  readonly text: string;
  readonly by: string;
}
const myTasks = "SELECT * FROM my_tasks";

/** A world in which Ann has a list, and Ben is somebody else. */
async function annsList() {
  const world = await testModule(todo);
  const [ann, ben] = [world.as("ann"), world.as("ben")];
  await ann.createList({ title: "Groceries", name: "Ann" });
  const [list] = [...world.db.list.iter()];
  assert.ok(list);
  return { world, ann, ben, list };
}

test("a list is its members' alone, until somebody is invited", async () => {
  const { world, ann, ben, list } = await annsList();
  await using _ = world;
  await ann.addTask({ list: list.id, text: " milk " });
  const [task] = await ann.query<Task>(myTasks);
  assert.equal(task?.text, "milk");

  const seen = await ben.subscribe<Task>(myTasks);
  assert.deepEqual(seen.rows, []);
  await assert.rejects(ben.addTask({ list: list.id, text: "gin" }), { message: /no member/ });
  await assert.rejects(ben.setDone({ task: task.id, isDone: true }), { message: /gone/ });
  await assert.rejects(ben.joinList({ invitation: "guess", name: "Ben" }), { message: /no such invitation/ });

  await ben.joinList({ invitation: list.invitation, name: "Ben" });
  assert.deepEqual(
    seen.take().inserted.map(({ text, by }) => [text, by]),
    [["milk", "Ann"]],
  );
  await ben.setDone({ task: task.id, isDone: true });
  await assert.rejects(ben.renewInvitation({ list: list.id }), { message: /Only the owner/ });
  await ann.removeDone({ list: list.id });
  assert.equal(world.db.task.count(), 0n);
});

test("an invitation that was renewed is void", async () => {
  const { world, ann, ben, list } = await annsList();
  await using _ = world;
  await ann.renewInvitation({ list: list.id });
  await assert.rejects(ben.joinList({ invitation: list.invitation, name: "Ben" }), { message: /no such invitation/ });
});

test("with its owner goes a list; with anybody else only their place in it", async () => {
  const { world, ann, ben, list } = await annsList();
  await using _ = world;
  await ben.joinList({ invitation: list.invitation, name: "Ben" });
  await ben.joinList({ invitation: list.invitation, name: "Ben" }); // twice is once
  assert.equal(world.db.member.count(), 2n);
  await ben.leaveList({ list: list.id });
  assert.equal(world.db.member.count(), 1n);
  await ann.addTask({ list: list.id, text: "tent" });
  await ann.leaveList({ list: list.id });
  assert.deepEqual([world.db.list.count(), world.db.task.count(), world.db.member.count()], [0n, 0n, 0n]);
});

test("what has no words, or too many, is refused", async () => {
  await using world = await testModule(todo);
  const ann = world.as("ann");
  await assert.rejects(ann.createList({ title: "  ", name: "Ann" }), { message: /A list needs a word/ });
  await assert.rejects(ann.createList({ title: "x".repeat(201), name: "Ann" }), { message: /at most 200/ });
});
