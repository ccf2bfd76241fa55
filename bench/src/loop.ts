/** How long does a call that never ends hold up others, on a database of ten million rows? */
import {
  LocalClient,
  addRows,
  openLocal,
  publishLocal,
  stockProgram,
  timesOfOthers,
} from "./support/local-database.ts";
import type { Question } from "./support/question.ts";

const budgetMs = 500;

export const loop: Question = {
  name: "loop",
  workload: `a reducer that loops for ever, given ${budgetMs} ms, on a database of 10,000,000 rows; another client calls every millisecond`,
  unit: "ms that the longest of the other client's calls took",
  expected: "the budget and some 10 ms",
  run: async (run) => {
    const database = await openLocal(run.directory, { reducerTimeoutMs: budgetMs });
    await publishLocal(database, await stockProgram());
    await addRows(database, "addPoints", 0, run.isSmoke ? 2000 : 10_000_000);
    const client = await LocalClient.open(database);
    const rounds = run.isSmoke ? 1 : 5;
    const times = await timesOfOthers(database, async () => {
      for (let round = 0; round < rounds; round += 1) {
        await client.call("spin", 0, 0);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    await database.stop(60_000);
    return [
      { name: "another call, longest", value: times.maxMs, unit: "ms", reach: `<= ${budgetMs + 50}` },
      { name: "another call, median", value: times.quantileMs(0.5), unit: "ms" },
    ];
  },
};
