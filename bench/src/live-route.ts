/** How long does a changed row take to find the one query, of very many, that it concerns? */
import { Identity, identity, t } from "@lightcone/sats";
import { caller, LiveStore, median } from "./support/live-store.ts";
import type { Figure, Question } from "./support/question.ts";
import { againFigures, runAgain } from "./support/run-again.ts";

const sql = "SELECT * FROM item WHERE owner = :sender";

export const liveRoute: Question = {
  name: "live-route",
  workload:
    "a commit that inserts one row, and 10 or 10,000 live queries `WHERE owner = :sender`, each of another caller; the peers run all queries again, of rows that each caller has ten of",
  unit: "microseconds from the commit to the query's delta",
  expected: "under 1, whatever the number of queries",
  run: (run) => {
    const commits = run.isSmoke ? 200 : 100_000;
    const queryCount = run.isSmoke ? 500 : 10_000;
    const few = median([1, 2, 3].map(() => route(10, queryCount, commits)));
    const many = median([1, 2, 3].map(() => route(queryCount, queryCount, commits)));
    const figures: Figure[] = [
      { name: "10 queries", value: few, unit: "µs" },
      { name: `${queryCount} queries`, value: many, unit: "µs", reach: "<= 1, and <= 1.3 of those of 10" },
    ];
    const senders = Array.from({ length: queryCount }, (_, i) => caller(i));
    figures.push(...againFigures(runAgain(itemStore(queryCount), { sql, senders }), many));
    return Promise.resolve(figures);
  },
};

const rowsEach = 10;

function itemStore(callerCount: number): LiveStore {
  const store = new LiveStore({
    name: "item",
    columns: { id: t.u32, owner: identity, size: t.u32 },
    unique: [["id"]],
    indexes: [{ columns: ["owner"] }],
  });
  store.fill("item", callerCount * rowsEach, (id) => item(id, id % callerCount));
  return store;
}

const item = (id: number, owner: number) => ({ id, owner: new Identity(caller(owner)), size: id & 1023 });

function route(queryCount: number, callerCount: number, commits: number): number {
  const store = itemStore(callerCount);
  const plan = store.plan(sql);
  for (let i = 0; i < queryCount; i += 1) store.subscribe(plan, caller(i));
  let next = callerCount * rowsEach;
  let told = 0;
  const measure = (count: number): number =>
    store.microsEach(
      count,
      (i) => store.insert("item", item(next++, (i * 7919) % queryCount)),
      () => {
        told += 1;
      },
    );
  measure(Math.min(commits, 20_000));
  const micros = measure(commits);
  if (told !== commits + Math.min(commits, 20_000)) throw new Error(`${told} deltas of as many commits`);
  return micros;
}
