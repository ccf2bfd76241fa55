// What the module promises: everybody sees notes, and only who wrote one removes it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "lightcone/client";
import type * as notes from "../module/src/index.ts";
import { startServer, type Server } from "./server.ts";

let server: Server;
const opened: { close(): void }[] = [];
before(async () => (server = await startServer("notes")));
after(async () => {
  for (const db of opened) db.close();
  await server.stop();
});

async function person() {
  const db = connect<typeof notes>({ uri: server.url, database: "notes" });
  opened.push(db);
  await db.subscribe(db.tables.note).applied;
  return db;
}

test("a note is everybody's to read, and its author's to remove", async () => {
  const [ann, ben] = [await person(), await person()];
  const read = new Promise<bigint>((resolve) => ben.tables.note.onInsert(({ id }) => resolve(id)));
  await ann.reducers.addNote({ text: " hello " });
  const id = await read;
  assert.equal(ben.tables.note.get(id)?.text, "hello");
  await assert.rejects(ben.reducers.removeNote({ id }), /Only who wrote/);
  await ann.reducers.removeNote({ id });
  assert.deepEqual(ann.tables.note.rows(), []);
  await assert.rejects(ann.reducers.addNote({ text: " " }), /needs a text/);
});
