// What the module promises: who is there under what name, and what was said, for everybody.
import assert from "node:assert/strict";
import { test } from "node:test";
import { testModule } from "lightcone/testing";
import * as chat from "../module/src/index.ts";

test("what is said reaches everybody, under the name of who says it", async () => {
  await using world = await testModule(chat);
  const [ann, ben] = [world.as("ann"), world.as("ben")];
  await ann.setName({ name: "Ann" });
  const heard = await ben.subscribe((from) => from.message);
  await ann.sendMessage({ text: "Is anyone there?" });
  const [said] = heard.take().inserted;
  assert.equal(said?.text, "Is anyone there?");
  assert.equal(world.db.user.identity.find(said.sender)?.name, "Ann");
});

test("who leaves is kept, and is not there", async () => {
  await using world = await testModule(chat);
  const ann = world.as("ann");
  await ann.setName({ name: "Ann" });
  assert.equal(world.db.user.identity.find(ann.identity)?.online, true);
  await ann.disconnect();
  const user = world.db.user.identity.find(ann.identity);
  assert.deepEqual([user?.name, user?.online], ["Ann", false]);
});

test("what is empty is refused", async () => {
  await using world = await testModule(chat);
  const ann = world.as("ann");
  await assert.rejects(ann.setName({ name: " " }), { message: /Names must not be empty/ });
  await assert.rejects(ann.sendMessage({ text: "" }), { message: /Messages must not be empty/ });
});
