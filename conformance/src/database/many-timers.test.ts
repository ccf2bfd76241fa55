// Goal: issue 9, scheduling: a hundred thousand rows that wait cost nothing but their room, and each runs once, whatever restarts and
// publishes come in between.
// Method: a database in this process on a clock that stands; its timers are counted. It is ended, cleanly and in the middle of things,
// with the same rows waiting; then some are due.
import { manualClock, memoryFileSystem, type ManualClock } from "@lightcone/commitlog/testing";
import type { Database } from "@lightcone/database";
import { expect, test } from "vitest";
import { call, openLocal, program, publish, sql } from "./local.ts";

const start = 1_700_000_000_000_000;
const waitingCount = 100_000;
const dueCount = 500;
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const at = (ms: number): string => JSON.stringify({ __timestamp_micros_since_unix_epoch__: start + ms * 1000 });

test("issue 9, scheduling: rows that wait", async () => {
  const plain = manualClock(start);
  let timersSet = 0;
  const clock: ManualClock = {
    ...plain,
    get waitingCount() {
      return plain.waitingCount;
    },
    after(delayMs, run) {
      timersSet += 1;
      return plain.after(delayMs, run);
    },
  };
  const files = memoryFileSystem();
  const counts = async (database: Database): Promise<readonly unknown[]> => [
    (await sql(database, "SELECT COUNT(*) AS n FROM job"))[0]?.[0],
    (await sql(database, "SELECT COUNT(*) AS n FROM ran"))[0]?.[0],
  ];

  const first = await openLocal({ clock, fileSystem: files });
  expect((await publish(first, "./modules/clockwork.ts")).status).toBe(200);
  // A day ahead, but for those that are due in a minute and in two.
  expect((await call(first, "once_each", `[${waitingCount}, ${at(86_400_000)}]`)).status).toBe(200);
  expect((await call(first, "once_each", `[${dueCount}, ${at(60_000)}]`)).status).toBe(200);
  expect((await call(first, "once_each", `[${dueCount}, ${at(120_000)}]`)).status).toBe(200);
  // However many wait, the clock has one timer for them, and calls that schedule nothing set none.
  await settle();
  timersSet = 0;
  for (let count = 0; count < 50; count += 1) await call(first, "once_each", `[0, ${at(0)}]`);
  expect(timersSet).toBeLessThan(10);
  expect(await counts(first)).toEqual([waitingCount + 2 * dueCount, 0]);

  // The process ends; the next has them, and runs the first part.
  await settle();
  files.endProcess();
  const second = await openLocal({ clock, fileSystem: files });
  expect(await counts(second)).toEqual([waitingCount + 2 * dueCount, 0]);
  plain.advance(61_000);
  await expect.poll(() => counts(second)).toEqual([waitingCount + dueCount, dueCount]);

  // A publish leaves them as they are, and what is due while the database is down runs when it is up.
  const next = new TextDecoder().decode(await program("./modules/clockwork.ts")).replace(/^/, "/* another */");
  const bytes = new TextEncoder().encode(next);
  const reply = await second.request({ kind: "publish", program: bytes, hostType: "js", breakClients: false });
  expect(reply.status).toBe(200);
  await second.stop(1000);
  plain.advance(65_000);
  const third = await openLocal({ clock, fileSystem: files });
  await expect.poll(() => counts(third)).toEqual([waitingCount, 2 * dueCount]);
  const names = new Set((await sql(third, "SELECT name FROM ran")).map(([name]) => name));
  expect(names.size).toBe(2 * dueCount);
  await third.stop(1000);
});
