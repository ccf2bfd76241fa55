// Goal: row 2. A call whose time ends at any moment, also while its commit is told, is answered by what became of it,
// and nobody's rows are wrong for it: what is told is what is in the log.
// Method: a call that writes many rows, of which several clients hear in both forms of the wire, and a watchdog that ends
// turns after so many milliseconds, from the middle of the call until after it. Hosts that were left half-way are
// followed by others. Then answers, rows and what clients count are compared.
import { runCount } from "@lightcone/base/testing";
import { CriticalSection } from "@lightcone/base";
import { runInterruptible, type Watchdog } from "@lightcone/base/node";
import type { ServerMessage, TableUpdate } from "@lightcone/protocol";
import { expect, test } from "vitest";
import { Hosts } from "./hosts.ts";
import { LocalClient, makeCaller, publish, sql } from "./local.ts";

const rounds = runCount(16);
const rowCount = 1500;
/** Different queries of one client: most of the time goes into telling it. */
const queryCount = 60;

/** Ends one turn, when it is told to, after `endAfterMs`: in the middle of a section as well, as no other watchdog does. */
class ShortWatchdog implements Watchdog {
  readonly sliceMs = 3;
  readonly critical = new CriticalSection();
  endAfterMs: number | undefined;
  endedCount = 0;

  run(work: () => void, budgetMs: number): boolean {
    const timeout = this.endAfterMs ?? budgetMs;
    this.critical.reset();
    const isWhole = runInterruptible(work, { timeout });
    if (!isWhole) {
      this.endedCount += 1;
      this.endAfterMs = undefined;
    }
    return isWhole;
  }

  runWithin(work: () => void, budgetMs: number): boolean {
    const goOn = this.critical.setAside();
    try {
      return this.run(work, budgetMs);
    } finally {
      goOn();
    }
  }
}

function tablesOf(message: ServerMessage): readonly TableUpdate[] {
  if (message.kind === "TransactionUpdate") return message.status.kind === "Committed" ? message.status.tables : [];
  return message.kind === "TransactionUpdateLight" || message.kind === "SubscribeMultiApplied" ? message.tables : [];
}

/** Rows that a client was sent, each as often as it was; none is ever deleted. */
function countOf({ messages }: LocalClient): number {
  let count = 0;
  for (const { updates } of messages.flatMap(tablesOf)) for (const { inserts } of updates) count += inserts.count;
  return count;
}

test("row 2: a call that is cut short at any moment", { timeout: 60_000 + rounds * 3000 }, async () => {
  const hosts = new Hosts();
  hosts.crashesMax = Infinity; // a call that is ended in the middle of a change counts against its module
  const watchdog = new ShortWatchdog();
  const link = await hosts.open({ watchdog, limits: { reducerTimeoutMs: 10_000 } });
  expect((await publish(link, "./modules/many.ts")).status).toBe(200);
  const caller = new LocalClient(link, makeCaller(5));
  const listeners = Array.from(
    { length: 6 },
    (_, index) => new LocalClient(link, makeCaller(10 + index), { light: index % 2 === 0 }),
  );
  const [heavy] = listeners;
  for (const client of [caller, ...listeners]) {
    await client.until(({ messages }) => messages.length === 1);
    const queries =
      client === heavy
        ? Array.from({ length: queryCount }, (_, index) => `SELECT * FROM many WHERE number >= ${index}`)
        : ["SELECT * FROM many"];
    client.say({ kind: "SubscribeMulti", queries, requestId: 1, queryId: 1 });
    await client.until(({ answeredCount }) => answeredCount === 1);
  }
  // How long the whole of it takes, with everybody's messages: the moments are spread over that. The first call takes
  // longer than those that follow, so the shortest counts.
  let from = performance.now();
  const args = new Uint8Array(8);
  new DataView(args.buffer).setUint32(4, rowCount, true);
  caller.call("fill", args, 1);
  await caller.until(({ answeredCount }) => answeredCount === 2);
  let wholeMs = performance.now() - from;

  let done = 1;
  let failed = 0;
  for (let round = 1; round <= rounds + 1; round += 1) {
    new DataView(args.buffer).setUint32(0, round, true);
    // The last has all the time that it takes, however slow the machine has become.
    if (round <= rounds) watchdog.endAfterMs = Math.max(1, Math.round((wholeMs * 1.2 * round) / rounds));
    const endedBefore = watchdog.endedCount;
    from = performance.now();
    caller.call("fill", args.slice(), round + 1);
    await caller.until(({ answeredCount, closed }) => answeredCount === round + 2 || closed !== undefined);
    watchdog.endAfterMs = undefined;
    if (watchdog.endedCount === endedBefore) wholeMs = Math.min(wholeMs, performance.now() - from);
    expect(caller.closed).toBeUndefined();
    const answers = caller.messages.filter((each) => each.kind === "TransactionUpdate" && each.requestId === round + 1);
    expect(answers).toHaveLength(1);
    const [answer] = answers;
    const isDone = answer?.kind === "TransactionUpdate" && answer.status.kind === "Committed";
    // Whether its time ended in the middle of a change, and its host with it, does not show.
    if (!isDone) expect(answer).toMatchObject({ status: { message: expect.stringMatching(/ and was ended$/) } });
    if (isDone) done += 1;
    else failed += 1;
    const [[count] = []] = await sql(link, `SELECT COUNT(*) AS n FROM many WHERE round = ${round}`);
    expect(count, `round ${round} was answered ${isDone ? "as done" : "as failed"}`).toBe(isDone ? rowCount : 0);
  }
  const [[total] = []] = await sql(link, "SELECT COUNT(*) AS n FROM many");
  expect(total).toBe(done * rowCount);
  for (const client of [caller, ...listeners]) {
    expect(client.closed).toBeUndefined();
    let expected = done * rowCount;
    // The query with a bound leaves out so many rows of each round.
    if (client === heavy) expected = done * (queryCount * rowCount - (queryCount * (queryCount - 1)) / 2);
    await client.until((each) => countOf(each) >= expected);
    expect(countOf(client)).toBe(expected);
  }
  // It shows nothing unless some were cut short, and some not.
  expect([failed > 0, done > 1, watchdog.endedCount > 0], `${failed} failed, ${done} done`).toEqual([true, true, true]);
  await link.stop(1000);
});
