/** How long does a database take to open again, with a long log behind its snapshot? */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { LocalClient, addRows, openLocal, publishLocal, stockProgram } from "./support/local-database.ts";
import type { Figure, Question, Run } from "./support/question.ts";

export const restart: Question = {
  name: "restart",
  workload:
    "a snapshot of 1,000,000 and of 10,000,000 rows of 12 bytes with a unique index, and 1,300,000 calls in the log after it: some 200 MB",
  unit: "s until the database is open",
  expected: "2 s and 6 s",
  run: async (run) => [
    await timeRestart(run, "small", run.isSmoke ? 2000 : 1_000_000, 2),
    await timeRestart(run, "large", run.isSmoke ? 5000 : 10_000_000, 6),
  ],
};

async function timeRestart(run: Run, name: string, rowCount: number, reachSeconds: number): Promise<Figure> {
  const directory = join(run.directory, name);
  const database = await openLocal(directory);
  await publishLocal(database, await stockProgram());
  await addRows(database, "addPoints", 0, rowCount);
  await database.request({ kind: "snapshot" });
  const client = await LocalClient.open(database);
  const callCount = run.isSmoke ? 200 : 1_300_000;
  for (let from = 0; from < callCount; from += 500) {
    const count = Math.min(500, callCount - from);
    await client.touch(Array.from({ length: count }, (_, index) => ((from + index) * 7919) % rowCount));
  }
  // As a crash would leave it: a copy of the files, since the database itself would end with a snapshot.
  const crashed = `${directory}-crashed`;
  await cp(directory, crashed, { recursive: true, filter: (path) => !/\.new$|\/lock/.test(path) });
  await database.stop(60_000);
  const from = performance.now();
  const again = await openLocal(crashed);
  const seconds = (performance.now() - from) / 1000;
  await again.stop(60_000);
  return { name: `${rowCount.toLocaleString("en")} rows`, value: seconds, unit: "s", reach: `<= ${reachSeconds}` };
}
