// Goal: row 11, on a real server and with the clients proper: whoever subscribed to a table that a publish makes private
// is told so by its subscription's own error, sees its rows leave, and goes on with the rest.
// Method: the official client and ours, each with a subscription to the table and one to another; then a program in
// which the table is private, and a row more in each.
import { fileURLToPath } from "node:url";
import { connect } from "lightcone/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import type * as shelf from "../crash/modules/shelf.ts";
import type { OfficialBindings } from "../crash/subscribers.ts";
import { Served } from "../served.ts";
import { GeneratedBindings, hasOfficialClient } from "./chat-client.ts";

const bundle = async (name: string): Promise<string> =>
  (await bundleModule(fileURLToPath(new URL(`../crash/modules/${name}.ts`, import.meta.url)))).code;
const said = /table `item` may not be read any more, since the module was updated, executing: `SELECT \* FROM item`/;

let served: Served;
let open: string;
let secret: string;
beforeAll(async () => {
  served = await Served.open();
  [open, secret] = await Promise.all([bundle("shelf"), bundle("shelf-private")]);
});
afterAll(() => served.stop());

async function withRows(database: string): Promise<void> {
  await served.publish(database, open, "Js");
  await served.call(database, "put", `[1, 1, "an item"]`);
  await served.call(database, "note", `[1, "a mark"]`);
}

/** Publishes the program in which the items are private; then a row more in each table. */
async function takeAway(database: string): Promise<void> {
  const plan = await served.request("POST", `/v1/database/${database}/pre_publish?host_type=Js`, secret);
  const { AutoMigrate }: { AutoMigrate: { token: string } } = JSON.parse(await plan.text());
  const path = `/v1/database/${database}?host_type=Js&policy=BreakClients&token=${AutoMigrate.token}`;
  expect((await served.request("PUT", path, secret)).status).toBe(200);
  expect((await served.call(database, "put", `[2, 1, "a secret"]`)).status).toBe(200);
  expect((await served.call(database, "note", `[1, "another mark"]`)).status).toBe(200);
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`waited too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("row 11: a table that a publish makes private", () => {
  test("our client", async () => {
    await withRows("ours");
    const errors: string[] = [];
    const states: string[] = [];
    const db = connect<typeof shelf>({
      uri: served.url,
      database: "ours",
      onState: (state) => states.push(state),
      onError: (error) => errors.push(error.message),
    });
    await db.subscribe("SELECT * FROM item").applied;
    await db.subscribe("SELECT * FROM mark").applied;
    expect(db.tables.item.rows()).toHaveLength(1);
    await takeAway("ours");
    await until("the second mark", () => db.tables.mark.rows().length === 2);
    expect(errors).toEqual([expect.stringMatching(said)]);
    expect(db.tables.item.rows()).toEqual([]);
    expect(states.filter((state) => state === "connecting").length).toBeLessThanOrEqual(1);
    db.close();
  });

  test.skipIf(!hasOfficialClient)("the official client", async () => {
    await withRows("official");
    const generated = await GeneratedBindings.of(new TextEncoder().encode(open), "Js");
    const { DbConnection } = generated.bindings as unknown as OfficialBindings;
    let isClosed = false;
    const connection = await new Promise<
      Parameters<Parameters<ReturnType<typeof DbConnection.builder>["onConnect"]>[0]>[0]
    >((resolve, reject) => {
      DbConnection.builder()
        .withUri(served.url.replace("http", "ws"))
        .withModuleName("official")
        .onConnect(resolve)
        .onConnectError((_context, error) => reject(error))
        .onDisconnect(() => (isClosed = true))
        .build();
    });
    const errors: (string | undefined)[] = [];
    for (const query of ["SELECT * FROM item", "SELECT * FROM mark"]) {
      await new Promise<void>((resolve) => {
        connection
          .subscriptionBuilder()
          .onApplied(resolve)
          .onError((context) => errors.push(context.event?.message))
          .subscribe([query]);
      });
    }
    expect([...connection.db.item.iter()]).toHaveLength(1);
    await takeAway("official");
    await until("the second mark", () => [...connection.db.mark.iter()].length === 2);
    expect(errors).toEqual([expect.stringMatching(said)]);
    expect([...connection.db.item.iter()]).toEqual([]);
    expect(isClosed).toBe(false);
    connection.disconnect();
    await generated.remove();
  });
});
