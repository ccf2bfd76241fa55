// What the module promises: everybody sees notes, and only who wrote one removes it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { testModule } from "lightcone/testing";
import * as notes from "../module/src/index.ts";

test("a note is everybody's to read, and its author's to remove", async () => {
  await using world = await testModule(notes);
  const [ann, ben] = [world.as("ann"), world.as("ben")];
  const read = await ben.subscribe((from) => from.note);
  await ann.addNote({ text: " hello " });
  const [note] = read.take().inserted;
  assert.equal(note?.text, "hello");
  await assert.rejects(ben.removeNote({ id: note.id }), { message: /Only who wrote/ });
  await ann.removeNote({ id: note.id });
  assert.deepEqual(read.rows, []);
  await assert.rejects(ann.addNote({ text: " " }), { message: /needs a text/ });
});
