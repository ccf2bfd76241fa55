// Goal: issue 9, views: what the author of a view writes is what the database is told of it, and is given when it asks.
// Method: a module with views of every form on the real engine, in both sandboxes; the database's side of views is asked as it asks.
import { ByteReader, toHex, valueCodec, type AlgebraicType } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { traceCaller, type EngineDatabase } from "../wasm/engine-database.ts";
import { openModule, sandboxes } from "./bundled.ts";

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
      ["my_secrets", 1, false, "array", 0],
      ["myself", 0, false, "option", 0],
      ["refuses", 2, true, "array", 0],
      ["standings", 3, true, "array", 0],
      ["team_mates", 2, false, "array", 0],
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
