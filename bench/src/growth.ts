/** Does a table that grows to ten million rows, or a snapshot of it, hold up other calls? */
import { addRows, openLocal, publishLocal, stockProgram, timesOfOthers } from "./support/local-database.ts";
import type { Histogram } from "./support/histogram.ts";
import type { Figure, Question } from "./support/question.ts";

export const growth: Question = {
  name: "growth",
  workload:
    "a table of 12-byte rows with a unique index grows to 10,000,000 in calls of 500 rows, then a snapshot; another client calls every millisecond",
  unit: "ms that the other client's calls take",
  expected: "p99 below 2 ms, longest below 5 ms",
  run: async (run) => {
    const rowCount = run.isSmoke ? 50_000 : 10_000_000;
    const database = await openLocal(run.directory);
    await publishLocal(database, await stockProgram());
    // A call of 500 rows takes ten times as long until it is compiled: that is not what is asked.
    const from = run.isSmoke ? 10_000 : 200_000;
    await addRows(database, "addPoints", 0, from);
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, run.isSmoke ? 100 : 3000));
    const quiet = await timesOfOthers(database, pause);
    const steady = await timesOfOthers(database, () => addRows(database, "addItems", 0, run.isSmoke ? 2000 : 500_000));
    const growing = await timesOfOthers(database, () => addRows(database, "addPoints", from, rowCount));
    const large = await timesOfOthers(database, pause);
    const snapshot = await timesOfOthers(database, async () => {
      await database.request({ kind: "snapshot" });
    });
    await database.stop(60_000);
    return [
      ...figures("quiet", quiet),
      ...figures("beside the same calls on a small table", steady),
      ...figures("growing", growing, `<= 5 longest`),
      ...figures("quiet with all rows", large),
      ...figures("during a snapshot", snapshot, `<= 5 longest, p99 <= ${(2 * large.quantileMs(0.99)).toFixed(2)}`),
    ];
  },
};

function figures(name: string, times: Histogram, reach?: string): readonly Figure[] {
  return [
    { name: `${name}, p99`, value: times.quantileMs(0.99), unit: "ms" },
    { name: `${name}, longest`, value: times.maxMs, unit: "ms", ...(reach === undefined ? {} : { reach }) },
  ];
}
