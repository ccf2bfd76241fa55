/** How long does a changed row of a join take to find the rows it is joined with? */
import { t } from "@lightcone/sats";
import { caller, LiveStore, median } from "./support/live-store.ts";
import type { Figure, Question } from "./support/question.ts";
import { againFigures, runAgain } from "./support/run-again.ts";

export const liveJoin: Question = {
  name: "live-join",
  workload:
    "joins of tables of 1,000,000 rows, in which each row of one has one row in the next: two tables, three tables, and two of which one has no index on its side; a commit inserts a row of the first, or changes one of the first and one of the last; the peers run the join of three again",
  unit: "microseconds a commit, from the commit to the delta",
  expected: "under 4; both ends changed under 8",
  run: (run) => {
    const rowCount = run.isSmoke ? 2_000 : 1_000_000;
    const commits = run.isSmoke ? 100 : 20_000;
    const figures: Figure[] = [];
    const say = (name: string, value: number, reach?: string): void =>
      void figures.push({ name, value, unit: "µs", ...(reach === undefined ? {} : { reach }) });
    for (const { name, sql, isBare, reach } of joins) {
      const store = openTables(rowCount, isBare);
      const again = sql === three ? runAgain(store, { sql, senders: [caller(0)] }) : undefined;
      const begun = performance.now();
      store.subscribe(store.plan(sql));
      const openedMs = performance.now() - begun;
      const measured = measure(store, rowCount, commits, sql === three ? "c" : "b");
      say(name, measured.one, reach?.one);
      say(`… both ends`, measured.both, reach?.both);
      if (again !== undefined) figures.push(...againFigures(again, measured.one));
      if (!isBare) continue;
      figures.push({ name: "… subscribing", value: openedMs, unit: "ms" });
      figures.push({
        name: "… an arranged row",
        value: store.live.arrangementBytes / rowCount,
        unit: "bytes",
        reach: "<= 20",
      });
    }
    return Promise.resolve(figures);
  },
};

const two = "SELECT a.* FROM a JOIN b ON a.k = b.id WHERE b.x = 3";
const three = "SELECT a.* FROM a JOIN b ON a.k = b.id JOIN c ON b.k = c.id WHERE c.x = 3";

interface Join {
  readonly name: string;
  readonly sql: string;
  readonly isBare: boolean;
  readonly reach?: { readonly one: string; readonly both: string };
}

const joins: readonly Join[] = [
  { name: "two tables", sql: two, isBare: false },
  { name: "three tables", sql: three, isBare: false, reach: { one: "<= 4", both: "<= 8" } },
  { name: "two tables, no index on one side", sql: two, isBare: true },
];

/** `k` leads to the next table's `id`, one row each. */
function openTables(rowCount: number, isBare: boolean): LiveStore {
  const columns = { id: t.u32, k: t.u32, x: t.u32 };
  const indexed = { columns, unique: [["id"]], indexes: isBare ? [] : [{ columns: ["k"] }] };
  const store = new LiveStore({ name: "a", ...indexed }, { name: "b", ...indexed }, { name: "c", ...indexed });
  for (const name of ["a", "b", "c"]) store.fill(name, rowCount, (id) => row(id, rowCount));
  return store;
}

/** As many values of `k` as rows: 7919 is prime to the number of rows. */
const row = (id: number, rowCount: number) => ({ id, k: (id * 7919 + 1) % rowCount, x: 3 });

function measure(store: LiveStore, rowCount: number, commits: number, last: "b" | "c") {
  let nextId = rowCount;
  let at = 0;
  const insertFirst = (): void => {
    const id = nextId++;
    store.insert("a", { ...row(id * 31, rowCount), id });
  };
  const changeBoth = (): void => {
    insertFirst();
    at = (at + 104_729) % rowCount;
    const before = row(at, rowCount);
    store.delete(last, before);
    store.insert(last, { ...before, x: 4 });
  };
  const rounds = (make: () => void): number => median([1, 2, 3].map(() => store.microsEach(commits, make)));
  store.microsEach(Math.min(commits, 5_000), insertFirst);
  return { one: rounds(insertFirst), both: rounds(changeBoth) };
}
