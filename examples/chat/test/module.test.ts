// What the module promises: who is there under what name, and what was said, for everybody.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "lightcone/client";
import type * as chat from "../module/src/index.ts";
import { startServer, type Server } from "./server.ts";

let server: Server;
const opened: { close(): void }[] = [];
before(async () => (server = await startServer("chat")));
after(async () => {
  for (const db of opened) db.close();
  await server.stop();
});

async function person() {
  const db = connect<typeof chat>({ uri: server.url, database: "chat" });
  opened.push(db);
  await db.subscribe(db.tables.user, db.tables.message).applied;
  return db;
}

test("what is said reaches everybody, under the name of who says it", async () => {
  const [ann, ben] = [await person(), await person()];
  await ann.reducers.setName({ name: "Ann" });
  const heard = new Promise<string>((resolve) => ben.tables.message.onInsert(({ text }) => resolve(text)));
  await ann.reducers.sendMessage({ text: "Is anyone there?" });
  assert.equal(await heard, "Is anyone there?");
  const [said] = ben.tables.message.rows();
  assert.ok(said);
  assert.equal(ben.tables.user.get(said.sender)?.name, "Ann");
});

test("what is empty is refused", async () => {
  const ann = await person();
  await assert.rejects(ann.reducers.setName({ name: " " }), /Names must not be empty/);
  await assert.rejects(ann.reducers.sendMessage({ text: "" }), /Messages must not be empty/);
});
