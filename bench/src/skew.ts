/** Does it matter that some rows are asked for far more often than others? */
import { join } from "node:path";
import { rustModule, typescriptModule, type Program } from "./support/bench-server.ts";
import { runLoad } from "./support/load.ts";
import type { Figure, Question, Run } from "./support/question.ts";
import { openBank } from "./transfers.ts";

const exponent = 1.5;

export const skew: Question = {
  name: "skew",
  workload: `transfers between 100,000 accounts; 64 connections x 40 calls in flight; accounts evenly drawn, and by Zipf's law with an exponent of ${exponent}`,
  unit: "transfers/s",
  expected: "no less than with even draws: there are no locks, and rows that are often used stay in the cache",
  run: async (run) => {
    const rust = await rustModule("bank");
    if (rust === undefined) run.say("  Rust module: skipped, modules/rust is not built");
    return [
      ...(await measured(run, "TypeScript module", await typescriptModule("bank"))),
      ...(rust === undefined ? [] : await measured(run, "Rust module", rust)),
    ];
  },
};

async function measured(run: Run, name: string, program: Program): Promise<readonly Figure[]> {
  const system = await openBank(join(run.directory, name), program, run.isSmoke ? 1000 : 100_000);
  const seen = { even: [] as number[], skewed: [] as number[] };
  try {
    for (let turn = 0; turn < (run.isSmoke ? 1 : 3); turn += 1) {
      for (const way of ["even", "skewed"] as const) {
        const { perSecond } = await runLoad({
          target: { ...system.target, skew: way === "even" ? undefined : exponent },
          connectionCount: run.isSmoke ? 8 : 64,
          inFlight: run.isSmoke ? 4 : 40,
          warmUpMs: run.isSmoke ? 200 : 2000,
          runMs: run.isSmoke ? 200 : 4000,
        });
        seen[way].push(perSecond);
      }
    }
  } finally {
    await system.stop();
  }
  const [even, skewed] = [middle(seen.even), middle(seen.skewed)];
  return [
    { name: `${name}, even`, value: even, unit: "transfers/s" },
    { name: `${name}, skewed`, value: skewed, unit: "transfers/s" },
    { name: `${name}, skewed to even`, value: skewed / even, unit: "times", reach: ">= 0.95" },
  ];
}

const middle = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
