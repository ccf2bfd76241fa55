/** How long does a changed row take to find the one query, of very many, that it concerns? */
import { DatabaseSync } from "node:sqlite";
import { Identity, identity, t } from "@lightcone/sats";
import { caller, LiveStore, median } from "./support/live-store.ts";
import type { Figure, Question } from "./support/question.ts";

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
    const again = evaluatedAgain(queryCount);
    const sqlite = evaluatedBySqlite(queryCount);
    figures.push({ name: "all evaluated again, here", value: again, unit: "µs" });
    figures.push({ name: "all evaluated again, by node:sqlite", value: sqlite, unit: "µs" });
    figures.push({ name: "… to a live commit", value: Math.min(again, sqlite) / many, unit: "×", reach: ">= 100" });
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

function evaluatedAgain(queryCount: number): number {
  const store = itemStore(queryCount);
  const plan = store.plan(sql);
  const begun = performance.now();
  let count = 0;
  for (let i = 0; i < queryCount; i += 1) count += store.count(plan, caller(i));
  if (count !== queryCount * rowsEach) throw new Error(`${count} rows`);
  return (performance.now() - begun) * 1000;
}

function evaluatedBySqlite(queryCount: number): number {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE item (id INTEGER PRIMARY KEY, owner BLOB, size INTEGER); CREATE INDEX o ON item (owner)");
  const insert = database.prepare("INSERT INTO item VALUES (?, ?, ?)");
  database.exec("BEGIN");
  for (let id = 0; id < queryCount * rowsEach; id += 1) insert.run(id, caller(id % queryCount), id & 1023);
  database.exec("COMMIT");
  const query = database.prepare("SELECT * FROM item WHERE owner = ?");
  const begun = performance.now();
  let count = 0;
  for (let i = 0; i < queryCount; i += 1) count += query.all(caller(i)).length;
  if (count !== queryCount * rowsEach) throw new Error(`${count} rows`);
  const micros = (performance.now() - begun) * 1000;
  database.close();
  return micros;
}
