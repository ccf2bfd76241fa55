// Goal: a reducer that will not end, or that recurses and goes on writing at every depth, spoils nothing.
// Method: run them interruptibly on the real engine; afterwards indexes and rows must agree, or the store say that it is
// worthless and be discarded, as the database does.
import { runCount } from "@lightcone/base/testing";
import { Script } from "node:vm";
import { describe, expect, test } from "vitest";
import type { EngineDatabase } from "../wasm/engine-database.ts";
import { openModule, sandboxes } from "./bundled.ts";

function within(timeoutMs: number, work: () => unknown): unknown {
  Reflect.set(globalThis, "lightconeTestWork", work);
  return new Script("lightconeTestWork()").runInThisContext({ timeout: timeoutMs });
}

/** Every row is found through every unique index, and the indexes hold nothing else. */
function expectWhole(database: EngineDatabase): void {
  const table = database.store.tableByName("players");
  if (table === undefined) throw new Error("no table");
  const open = { kind: "unbounded" } as const;
  for (const index of table.indexes.filter(({ ranged }) => ranged)) {
    const cursor = index.openCursor();
    cursor.seekRange(new Uint8Array(), 0, open, open);
    let count = 0;
    while (cursor.next() !== -1) count++;
    expect(count).toBe(table.rowCount);
  }
}

const cases = runCount(5);

describe.each(sandboxes)("%s", (sandbox) => {
  test("recursion that catches and inserts at every depth", async () => {
    for (let round = 0; round < cases; round++) {
      const database = await openModule("modules/everything.ts", sandbox);
      database.call("grow", [10 + round]);
      // Different depths to start from, so that the stack ends at different places.
      const dive = (depth: number): unknown => (depth === 0 ? database.call("hostile") : dive(depth - 1));
      let outcome: unknown;
      try {
        outcome = dive(round * 7);
      } catch (error) {
        outcome = error;
      }
      if (database.store.poisoned) {
        expect(outcome).toBeInstanceOf(Error);
        continue;
      }
      expectWhole(database);
      expect(database.call("grow", [0])).toEqual({ kind: "ok" });
    }
  });

  test("a loop that writes, catches and goes on is ended by time", async () => {
    const database = await openModule("modules/everything.ts", sandbox);
    database.call("grow", [100]);
    const call = { reducerId: reducerId(database, "loop"), ...database.traceCall };
    database.store.begin();
    expect(() => within(60, () => database.instance.callReducer(call))).toThrow(
      expect.objectContaining({ code: "ERR_SCRIPT_EXECUTION_TIMEOUT" }),
    );
    if (!database.store.poisoned) {
      database.store.rollback();
      database.reopen();
      expectWhole(database);
      expect(database.rows("players")).toHaveLength(100);
      expect(database.call("run", ["count"])).toEqual({ kind: "ok" });
    }
  });
});

function reducerId(database: EngineDatabase, name: string): number {
  return database.def.reducers.find((reducer) => reducer.name === name)?.id ?? -1;
}
