// Goal: a recorded call, run again on a fresh instance, changes the same rows to the byte; where a module keeps something outside of
// its tables, the first row that differs is named.
// Method: databases in this process that have done all kinds of things, were ended and opened again; then their logs, with the calls
// of a module in TypeScript and of one in Rust.
import { manualClock, memoryFileSystem, type ManualClock } from "@lightcone/commitlog/testing";
import { rerunCalls, type Database, type RerunReport } from "@lightcone/database";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { rustModule } from "../rust-modules.ts";
import { call, makeCaller, openLocal, program, publish, sql, textOf } from "./local.ts";

const identity = new Uint8Array(32).fill(2);
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};
type Files = ReturnType<typeof memoryFileSystem>;

async function opened(files: Files, clock: ManualClock): Promise<Database> {
  return openLocal({ fileSystem: files, clock });
}
async function calls(database: Database, ...named: readonly (readonly [name: string, args: string])[]): Promise<void> {
  for (const [name, args] of named) await call(database, name, args, makeCaller(7));
}
const rerun = (fileSystem: Files, from?: number): Promise<RerunReport> =>
  rerunCalls({ fileSystem, clock: manualClock(), directory: "/data", identity, from });

describe("issue 9, reducers: a recorded call is run again", () => {
  async function busy(files: Files): Promise<ManualClock> {
    const clock = manualClock();
    const database = await opened(files, clock);
    expect((await publish(database, "./modules/rerun.ts")).status).toBe(200);
    await calls(database, ["make", "[7]"], ["refuse", "[]"], ["make", "[4]"], ["soon", "[2]"]);
    for (let step = 0; step < 12; step += 1) {
      clock.advance(1);
      await settle();
    }
    await calls(database, ["proceed", "[]"], ["refuse", "[]"], ["make", "[1]"]);
    await database.stop(100);
    // What a sequence had reserved is given back at the end, or skipped after a crash.
    const again = await opened(files, clock);
    await calls(again, ["make", "[3]"]);
    await again.stop(100);
    return clock;
  }

  test("reducers, life-cycle reducers and scheduled ones change the same rows", async () => {
    const files = memoryFileSystem();
    await busy(files);
    const report = await rerun(files);
    expect(report).toMatchObject({ difference: undefined, tokenCount: 0, firstOffset: 0 });
    expect(report.rerunCount).toBeGreaterThan(20);
    expect(report.otherCount).toBeGreaterThan(1);
    expect(report.others).toMatchObject({ publishes: 0, statements: 0 });
    expect(report.others.procedures).toBeGreaterThan(0);
    expect(report.rerunCount + report.otherCount).toBe(report.lastOffset + 1);
  });

  test("from a later offset on: those before are taken as they are", async () => {
    const files = memoryFileSystem();
    await busy(files);
    const all = await rerun(files);
    const some = await rerun(files, all.lastOffset - 3);
    expect(some).toMatchObject({ difference: undefined, firstOffset: all.lastOffset - 3, lastOffset: all.lastOffset });
    expect(some.rerunCount + some.otherCount).toBe(4);
  });

  test("state outside of tables: the call and the row are named", async () => {
    const files = memoryFileSystem();
    const clock = await busy(files);
    const database = await opened(files, clock);
    await calls(database, ["keep", "[5]"], ["make", "[1]"], ["keep", "[6]"], ["make", "[1]"]);
    await database.stop(100);
    const { difference, lastOffset } = await rerun(files);
    expect(difference).toEqual({
      offset: lastOffset,
      functionName: "keep",
      timestampMicros: expect.any(Number),
      what: { kind: "recorded", change: "insert", table: "noise", row: `{"id":11}` },
    });
  });

  test("a publish that changed a table in between: calls run on the tables and the program of their time", async () => {
    const files = memoryFileSystem();
    const clock = await busy(files);
    const database = await opened(files, clock);
    const before = new TextDecoder().decode(await program("./modules/rerun.ts"));
    const changed = before.replace(
      "at: t.timestamp()",
      "at: t.timestamp(), extra: t.option(t.u8()).default(undefined)",
    );
    expect(changed).not.toBe(before);
    const bytes = new TextEncoder().encode(changed);
    const plan = await database.request({ kind: "plan", program: bytes, hostType: "js" });
    const { AutoMigrate }: { AutoMigrate: { token: string } } = JSON.parse(textOf(plan));
    const agreed = { breakClients: true, migrationToken: AutoMigrate.token };
    const reply = await database.request({ kind: "publish", program: bytes, hostType: "js", ...agreed });
    expect([reply.status, textOf(reply)]).toEqual([200, expect.anything()]);
    await calls(database, ["make", "[5]"], ["refuse", "[]"], ["make", "[5]"]);
    await database.stop(100);
    const report = await rerun(files);
    expect(report).toMatchObject({ difference: undefined });
    expect(report.rerunCount).toBeGreaterThan(20);
  });

  test("statements of the owner, and init, change the same rows", async () => {
    const files = memoryFileSystem();
    const clock = await busy(files);
    const database = await opened(files, clock);
    for (const text of [
      "UPDATE thing SET chance = 0.5 WHERE chance < 0.5",
      "DELETE FROM thing WHERE id = 3",
      "DELETE FROM thing WHERE chance = 7.0",
      `INSERT INTO present (id, who) VALUES (0x${"01".repeat(16)}, 0x${"01".repeat(32)})`,
      "DELETE FROM present WHERE who = :sender",
    ])
      await sql(database, text);
    await calls(database, ["make", "[2]"]);
    await database.stop(100);
    const report = await rerun(files);
    expect(report).toMatchObject({ difference: undefined, others: { publishes: 0, statements: 0 } });
  });

  test("a function that a publish ran to carry rows over", async () => {
    const files = memoryFileSystem();
    const database = await opened(files, manualClock());
    expect((await publish(database, "./modules/shop/first.ts")).status).toBe(200);
    await calls(database, ["enter", `["Ann", 40]`], ["sell", `[1, "Ann", 250]`], ["sell", `[2, "Ann", 50]`]);
    for (const next of ["second", "third"]) {
      const bytes = await program(`./modules/shop/${next}.ts`);
      const plan = await database.request({ kind: "plan", program: bytes, hostType: "js", dropsData: true });
      const { AutoMigrate }: { AutoMigrate: { token: string } } = JSON.parse(textOf(plan));
      const agreed = { breakClients: true, migrationToken: AutoMigrate.token, dropsData: true };
      const reply = await database.request({ kind: "publish", program: bytes, hostType: "js", ...agreed });
      expect([reply.status, textOf(reply)]).toEqual([200, expect.anything()]);
    }
    await calls(database, ["owe", `["Bea"]`]);
    await database.stop(100);
    // The first and the second ran nothing.
    expect(await rerun(files)).toMatchObject({ difference: undefined, others: { publishes: 2 } });
  });

  test("what follows from a token is no difference: the log does not keep it", async () => {
    const files = memoryFileSystem();
    const clock = await busy(files);
    const database = await opened(files, clock);
    await calls(database, ["ask_token", "[]"]);
    await database.stop(100);
    expect(await rerun(files)).toMatchObject({ difference: undefined, tokenCount: 1 });
  });
});

const showcase = rustModule("showcase");
describe.skipIf(showcase === undefined)("issue 9, reducers: a recorded call of a Rust module is run again", () => {
  test("it changes the same rows", async () => {
    const files = memoryFileSystem();
    const clock = manualClock();
    const database = await opened(files, clock);
    const program = new Uint8Array(readFileSync(showcase ?? ""));
    const reply = await database.request({ kind: "publish", program, hostType: "wasm", breakClients: false });
    expect(reply.status).toBe(200);
    await calls(
      database,
      ["who_am_i", "[]"],
      ["roll", "[]"],
      ["panic_now", `["x"]`],
      ["roll", "[]"],
      ["fill_scores", "[]"],
    );
    await calls(
      database,
      ["add_sequenced", `[0, 0, 0, 0, "a"]`],
      ["tick_in", `[1, "once"]`],
      ["tick_every", `[2, "again"]`],
    );
    for (let step = 0; step < 8; step += 1) {
      clock.advance(1);
      await settle();
    }
    await database.stop(100);
    const report = await rerun(files);
    expect(report).toMatchObject({ difference: undefined });
    expect(report.rerunCount).toBeGreaterThan(15);
  });
});
