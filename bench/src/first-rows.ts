/** How fast do the rows of a large query leave the thread, and whom do they hold up? */
import type { Database } from "@lightcone/database";
import {
  LocalClient,
  addRows,
  openLocal,
  publishLocal,
  stockProgram,
  timesOfOthers,
} from "./support/local-database.ts";
import type { Figure, Question } from "./support/question.ts";

const semijoin = "SELECT a.* FROM point a JOIN point b ON a.id = b.id";

export const firstRows: Question = {
  name: "first-rows",
  workload:
    "1,000,000 rows of about 80 bytes with two strings as a subscription and over HTTP, and a semijoin of as many of 12 bytes, while another client calls every millisecond",
  unit: "MB/s from the message to its last part, ms another call takes",
  expected: "300 MB/s; other calls at most 10 ms",
  run: async (run) => {
    const rowCount = run.isSmoke ? 20_000 : 1_000_000;
    const database = await openLocal(run.directory);
    await publishLocal(database, await stockProgram());
    await addRows(database, "addPoints", 0, rowCount);
    await addRows(database, "addItems", 0, rowCount);
    // The log catches up first: what is timed is the queries.
    await database.request({ kind: "snapshot" });
    const client = await LocalClient.open(database);
    const figures = [
      ...(await timed(database, "first rows", 5, () => client.subscribe("SELECT * FROM item"), ">= 300")),
      ...(await timed(database, "semijoin", 1, () => client.subscribe(semijoin))),
      ...(await timed(database, "SQL over HTTP", 1, () => bytesOf(database, "SELECT * FROM item"))),
    ];
    await database.stop(1000);
    return figures;
  },
};

/** Asks some rounds of a query: its rate, and what another client's calls took meanwhile. */
async function timed(
  database: Database,
  name: string,
  rounds: number,
  ask: () => Promise<number>,
  reach?: string,
): Promise<Figure[]> {
  const rates: number[] = [];
  const times = await timesOfOthers(database, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const from = performance.now();
      const bytes = await ask();
      rates.push(bytes / 1e6 / ((performance.now() - from) / 1000));
    }
  });
  rates.sort((a, b) => a - b);
  const rate = { name, value: rates[rates.length >> 1] ?? 0, unit: "MB/s" };
  return [
    reach === undefined ? rate : { ...rate, reach },
    { name: `${name}: another call, p99`, value: times.quantileMs(0.99), unit: "ms" },
    { name: `${name}: another call, longest`, value: times.maxMs, unit: "ms", reach: "<= 10" },
  ];
}

/** The bytes of a statement's answer. */
async function bytesOf(database: Database, text: string): Promise<number> {
  const connectionId = crypto.getRandomValues(new Uint8Array(16));
  const caller = { identity: new Uint8Array(32).fill(2), connectionId, claims: "", isOwner: true };
  const reply = await database.request({ kind: "sql", caller, text, confirmed: false });
  if (reply.status !== 200) throw new Error(new TextDecoder().decode(reply.body));
  return reply.body.length;
}
