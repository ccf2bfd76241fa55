// Goal: issue 9, views: what the author of a view writes is what the database is told of it, and is given when it asks.
// Method: a module with views of every form on the real engine, in both sandboxes; the database's side of views is asked as it asks.
import { connect } from "lightcone/client";
import { ByteReader, toHex, valueCodec, type AlgebraicType } from "@lightcone/sats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";
import { traceCaller, type EngineDatabase } from "../wasm/engine-database.ts";
import type * as module from "./modules/views.ts";
import { bundleOf, openModule, sandboxes } from "./bundled.ts";

const other = { ...traceCaller, sender: new Uint8Array(32).fill(9) };
const noArgs = new Uint8Array(0);

/** What a view gives to somebody: its rows as values, or what else became of it. */
function seen(database: EngineDatabase, name: string, { sender } = traceCaller): unknown {
  const def = database.def.views.find((view) => view.name === name);
  if (def === undefined) throw new Error(`no view ${name}`);
  const { index: viewIndex, isAnonymous } = def;
  database.store.begin();
  const outcome = database.instance.callView?.({ viewIndex, isAnonymous, sender, args: noArgs });
  database.store.rollback();
  if (outcome?.kind !== "rows") return outcome;
  const type: AlgebraicType = { kind: "Array", element: def.rowType };
  return valueCodec(type).read(new ByteReader(outcome.bytes, "rows"));
}

describe.each(sandboxes)("issue 9, views in TypeScript, %s", (sandbox) => {
  test("each form", async () => {
    const database = await openModule("modules/views.ts", sandbox);
    const facts = database.def.views.map(({ name, index, isAnonymous, shape, primaryKey }) => [
      name,
      index,
      isAnonymous,
      shape,
      primaryKey,
    ]);
    expect(facts.toSorted()).toEqual([
      ["anybody", 0, true, "option", 0],
      ["breaks", 1, true, "array", 0],
      ["crowded", 2, true, "array", 0],
      ["crowds", 3, true, "array", 0],
      ["mine_again", 1, false, "array", 0],
      ["my_secrets", 2, false, "array", 0],
      ["myself", 0, false, "option", 0],
      ["refuses", 4, true, "array", 0],
      ["standings", 5, true, "array", 0],
      ["team_mates", 3, false, "array", 0],
    ]);
    expect(seen(database, "myself")).toEqual([]);
    expect(seen(database, "standings")).toEqual([]);
    expect(database.call("join", ["ann", 1])).toEqual({ kind: "ok" });
    expect(database.call("join", ["bob", 1], other)).toEqual({ kind: "ok" });
    expect(seen(database, "my_secrets")).toMatchObject([{ id: 1n, text: "of ann" }]);
    expect(seen(database, "my_secrets", other)).toMatchObject([{ id: 2n, text: "of bob" }]);
    expect(seen(database, "myself", other)).toMatchObject([{ name: "bob" }]);
    expect(seen(database, "anybody")).toMatchObject([{ name: "ann" }]);
    expect(seen(database, "standings")).toEqual([{ team: 1, count: 2 }]);
    const sql = `SELECT * FROM "me" WHERE "me"."inPlay" = TRUE`;
    expect(seen(database, "mine_again")).toEqual({ kind: "query", sql });
    const sender = toHex(traceCaller.sender.toReversed());
    expect(seen(database, "team_mates")).toEqual({
      kind: "query",
      sql: `SELECT * FROM "player" WHERE ("player"."inPlay" = TRUE) AND ("player"."id" <> 0x${sender})`,
    });
  });

  test("one that refuses, and one whose rows are none", async () => {
    const database = await openModule("modules/views.ts", sandbox);
    expect(seen(database, "refuses")).toEqual({ kind: "error", message: "not today" });
    expect(seen(database, "breaks")).toMatchObject({ kind: "panic", message: expect.stringContaining("TypeError") });
  });
});

describe("issue 9, views in TypeScript, on a server", () => {
  let served: Served;
  beforeAll(async () => {
    served = await Served.open();
    await served.publish("views", await bundleOf("modules/views.ts"), "Js");
  });
  afterAll(() => served.stop());

  const texts = async (view: string, columns = "*"): Promise<readonly string[]> =>
    (await served.sql("views", `SELECT ${columns} FROM ${view}`)).map((row) => JSON.stringify(row)).toSorted();
  const join = async (name: string, team: number, token?: string): Promise<void> => {
    expect((await served.call("views", "join", JSON.stringify([name, team]), token)).status).toBe(200);
  };
  const anotherToken = async (): Promise<string> => {
    const answer = await fetch(`${served.url}/v1/identity`, { method: "POST" });
    const { token }: { token: string } = JSON.parse(await answer.text());
    return token;
  };

  test("are read as tables, each by its caller, and kept up to date", async () => {
    await join("ann", 1);
    const client = await RawClient.open(served.url, "views", { token: served.token });
    await client.next();
    const say = (queryId: number, query: string): void =>
      client.say({ kind: "SubscribeSingle", query, requestId: queryId, queryId });
    for (const [at, view] of ["standings", "my_secrets", "team_mates", "myself"].entries()) {
      say(at + 1, `SELECT * FROM ${view}`);
      expect((await client.next())?.kind).toBe("SubscribeApplied");
    }
    await join("bob", 1, await anotherToken());
    await join("cy", 2, await anotherToken());
    expect(await texts("standings")).toEqual(["[1,2]", "[2,1]"]);
    expect(await texts("my_secrets", "text")).toEqual([`["of ann"]`]);
    expect(await texts("team_mates", "name")).toEqual([`["bob"]`, `["cy"]`]);
    expect(await texts("myself", "name")).toEqual([`["ann"]`]);
    expect(await texts("anybody", "name")).toHaveLength(1);
    // Of what others did the caller hears what is in the views: where they stand, and who plays.
    const heard = [await client.next(), await client.next()].map((message) =>
      message?.kind === "TransactionUpdateLight"
        ? message.tables.map(({ tableName, rowCount }) => `${tableName} ${rowCount}`).toSorted()
        : message?.kind,
    );
    // A team of more is a row less and a row more; that of another is a row more.
    expect(heard).toEqual([
      ["standings 2", "team_mates 1"],
      ["standings 1", "team_mates 1"],
    ]);
    client.close();
  });

  test("to `lightcone/client` they are tables", async () => {
    const db = connect<typeof module>({ uri: served.url, database: "views", token: served.token });
    await db.subscribe("SELECT * FROM my_secrets", "SELECT * FROM standings", "SELECT * FROM myself").applied;
    expect(db.tables.mySecrets.rows().map(({ text }) => text)).toEqual(["of ann"]);
    expect(db.tables.me.rows().map(({ name }) => name)).toEqual(["ann"]);
    const teams = (): unknown[] =>
      db.tables.standings
        .rows()
        .map(({ team, count }) => [team, count])
        .toSorted();
    expect(teams()).toEqual([
      [1, 2],
      [2, 1],
    ]);
    await join("dee", 2, await anotherToken());
    await expect.poll(teams).toEqual([
      [1, 2],
      [2, 2],
    ]);
    db.close();
  });

  test("one that refuses is told as that", async () => {
    const answer = await served.request("POST", "/v1/database/views/sql", "SELECT * FROM refuses");
    expect([answer.status >= 400, await answer.text()]).toEqual([true, expect.stringContaining("not today")]);
    const broken = await served.request("POST", "/v1/database/views/sql", "SELECT * FROM breaks");
    expect(broken.status).toBeGreaterThanOrEqual(400);
    expect(await texts("standings")).toHaveLength(2);
  });

  test("row 9: those that read views are kept up to date, over a host that ends and publishes of other views", async () => {
    const uri = served.url;
    const db = connect<typeof module>({ uri, database: "views", token: served.token, onError: () => undefined });
    await db.subscribe("SELECT * FROM crowded", "SELECT * FROM mine_again", "SELECT * FROM team_mates").applied;
    const names = (rows: Iterable<{ readonly name: string }>): string[] => [...rows].map(({ name }) => name).toSorted();
    const players = async (): Promise<readonly (readonly [string, number])[]> =>
      (await served.sql("views", "SELECT name, team FROM player")).map(([name, team]) => [String(name), Number(team)]);
    /** Players of teams of more than `least`, from the table. */
    const crowd = async (least: number): Promise<string[]> => {
      const all = await players();
      const sizeOf = (team: number): number => all.filter(([, other]) => other === team).length;
      return all.flatMap(([name, team]) => (sizeOf(team) > least ? [name] : [])).toSorted();
    };
    const holds = async (least: number): Promise<void> => {
      const is = await crowd(least);
      await expect.poll(() => names(db.tables.crowded.rows())).toEqual(is);
      expect(await texts("crowded", "name")).toEqual(is.map((name) => `["${name}"]`));
      // A query over one table, which is kept row by row: all that play but the caller.
      const others = (await players()).flatMap(([name]) => (name === "ann" ? [] : [name])).toSorted();
      await expect.poll(() => names(db.tables.teamMates.rows())).toEqual(others);
    };
    await holds(1);
    await join("eve", 3, await anotherToken());
    await holds(1);
    served.killHost();
    await join("fay", 3, await anotherToken());
    await holds(1);
    expect(await crowd(1)).toContain("fay");
    // What `crowds` gives is other rows now, and `crowded` follows.
    const bundle = await bundleOf("modules/views.ts");
    const fuller = bundle.replace("row.count.gt(1)", "row.count.gt(2)");
    expect(fuller).not.toBe(bundle);
    await served.publish("views", fuller, "Js");
    await holds(2);
    await join("gus", 3, await anotherToken());
    await holds(2);
    expect(await crowd(2)).toEqual(["eve", "fay", "gus"]);
    expect(names(db.tables.mineAgain.rows())).toEqual(["ann"]);
    // A join of a view that reads views with a table, asked once.
    const joined = "SELECT secret.text FROM secret JOIN mine_again ON secret.owner = mine_again.id";
    expect(await served.sql("views", joined)).toEqual([["of ann"]]);
    db.close();
    // One that is read is exported: a publish without it is refused, and what was there goes on.
    const without = bundle.replace("exports.crowds = crowds;", "");
    expect(without).not.toBe(bundle);
    await expect(served.publish("views", without, "Js")).rejects.toThrow("is not exported");
    expect(await texts("crowded", "name")).toHaveLength((await crowd(2)).length);
  });
});
