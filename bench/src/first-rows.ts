/** How fast do the first rows of a large subscription leave the thread, and whom do they hold up? */
import {
  LocalClient,
  addRows,
  openLocal,
  publishLocal,
  stockProgram,
  timesOfOthers,
} from "./support/local-database.ts";
import type { Question } from "./support/question.ts";

export const firstRows: Question = {
  name: "first-rows",
  workload:
    "a subscription to 1,000,000 rows of about 80 bytes with two strings, while another client calls every millisecond",
  unit: "MB/s from the message to its last part, ms another call takes",
  expected: "300 MB/s; other calls at most 10 ms",
  run: async (run) => {
    const rowCount = run.isSmoke ? 20_000 : 1_000_000;
    const database = await openLocal(run.directory);
    await publishLocal(database, await stockProgram());
    await addRows(database, "addPoints", 0, 1000);
    await addRows(database, "addItems", 0, rowCount);
    // The log catches up first: what is timed is the subscription.
    await database.request({ kind: "snapshot" });
    const client = await LocalClient.open(database);
    const rates: number[] = [];
    const times = await timesOfOthers(database, async () => {
      for (let round = 0; round < 5; round += 1) {
        const from = performance.now();
        const bytes = await client.subscribe("SELECT * FROM item");
        rates.push(bytes / 1e6 / ((performance.now() - from) / 1000));
      }
    });
    await database.stop(1000);
    rates.sort((a, b) => a - b);
    return [
      { name: "first rows", value: rates[2] ?? 0, unit: "MB/s", reach: ">= 300" },
      { name: "another call, p99", value: times.quantileMs(0.99), unit: "ms" },
      { name: "another call, longest", value: times.maxMs, unit: "ms", reach: "<= 10" },
    ];
  },
};
