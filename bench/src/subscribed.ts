/** What do ten and a hundred thousand point subscriptions on a table cost those who change it? */
import { join } from "node:path";
import { typescriptModule } from "./support/bench-server.ts";
import { Listeners } from "./support/listen.ts";
import { runLoad } from "./support/load.ts";
import type { Figure, Question, Run } from "./support/question.ts";
import { openBank, type OpenSystem } from "./transfers.ts";

/** Their share of the figure without subscriptions. */
const reaches = [
  { count: 10_000, reach: 0.95 },
  { count: 100_000, reach: 0.8 },
] as const;

export const subscribed: Question = {
  name: "subscribed",
  workload:
    "transfers between random ones of 100,000 accounts, TypeScript; 64 connections x 40 calls in flight, while 100 others hold distinct subscriptions to one account each",
  unit: "transfers/s",
  expected: "95 % with 10,000 and 80 % with 100,000 of what there is without: with them each transfer is told twice",
  run: async (run) => {
    const accountCount = run.isSmoke ? 1000 : 100_000;
    const system = await openBank(join(run.directory, "bank"), await typescriptModule("bank"), accountCount);
    try {
      const figures: Figure[] = [];
      for (const { count, reach } of reaches) {
        const { without, withThem, deliveries } = await compared(run, system, run.isSmoke ? count / 100 : count);
        const name = `${count.toLocaleString("en")} subscriptions`;
        figures.push(
          { name: `${name}, none`, value: without, unit: "transfers/s" },
          { name, value: withThem, unit: "transfers/s" },
          { name: `${name}, deliveries`, value: deliveries, unit: "/s" },
          { name: `${name} to none`, value: withThem / without, unit: "times", reach: `>= ${reach}` },
        );
      }
      return figures;
    } finally {
      await system.stop();
    }
  },
};

/** With and without, by turns, since the machine is not the same from minute to minute; the middle of each. */
async function compared(
  run: Run,
  system: OpenSystem,
  count: number,
): Promise<{ readonly without: number; readonly withThem: number; readonly deliveries: number }> {
  const seen = { without: [] as number[], withThem: [] as number[], deliveries: [] as number[] };
  for (let turn = 0; turn < (run.isSmoke ? 1 : 3); turn += 1) {
    const without = await load(run, system);
    const listeners = await Listeners.open({
      target: system.target,
      connectionCount: run.isSmoke ? 10 : 100,
      queries: { kind: "points", text: "SELECT * FROM account WHERE id", count },
    });
    const withThem = await load(run, system);
    const { perSecond: deliveries } = await listeners.stop();
    seen.without.push(without);
    seen.withThem.push(withThem);
    seen.deliveries.push(deliveries);
    run.say(
      `  ${Math.round(without)}/s without, ${Math.round(withThem)}/s with ${count}: ${Math.round(deliveries)} told/s`,
    );
  }
  return {
    without: middle(seen.without),
    withThem: middle(seen.withThem),
    deliveries: middle(seen.deliveries),
  };
}

async function load(run: Run, { target, processes = {} }: OpenSystem): Promise<number> {
  const { perSecond } = await runLoad({
    target,
    connectionCount: run.isSmoke ? 8 : 64,
    inFlight: run.isSmoke ? 4 : 40,
    warmUpMs: run.isSmoke ? 200 : 2000,
    runMs: run.isSmoke ? 200 : 4000,
    processes,
  });
  return perSecond;
}

const middle = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
