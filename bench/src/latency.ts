/** How long does one durable call take, when 64 connections have one in flight each? */
import { join } from "node:path";
import { measureSync } from "./log-sync.ts";
import { rustModule, typescriptModule } from "./support/bench-server.ts";
import { runLoad } from "./support/load.ts";
import type { Figure, Question } from "./support/question.ts";
import { openBank } from "./transfers.ts";

export const latency: Question = {
  name: "latency",
  workload:
    "transfers between random ones of 100,000 accounts; 64 connections, one call in flight each, answers when durable",
  unit: "ms",
  expected: "p50 one to two syncs; p99 at most three times the p99 of a sync and one ms",
  run: async (run) => {
    const figures: Figure[] = [];
    const accountCount = run.isSmoke ? 1000 : 100_000;
    const programs = { "TypeScript module": await typescriptModule("bank"), "Rust module": await rustModule("bank") };
    for (const [name, program] of Object.entries(programs)) {
      if (program === undefined) {
        run.say(`  ${name}: skipped, modules/rust is not built`);
        continue;
      }
      const bank = await openBank(join(run.directory, program.hostType), program, accountCount);
      try {
        const before = await measureSync(run.directory, run.isSmoke ? 20 : 1000);
        const result = await runLoad({
          target: bank.target,
          connectionCount: run.isSmoke ? 8 : 64,
          inFlight: 1,
          warmUpMs: run.isSmoke ? 200 : 2000,
          runMs: run.isSmoke ? 200 : 6000,
        });
        const after = await measureSync(run.directory, run.isSmoke ? 20 : 1000);
        const syncMs = Math.max(before.p99Ms, after.p99Ms);
        figures.push(
          { name: `${name}, calls`, value: result.perSecond, unit: "transfers/s" },
          { name: `${name}, p50`, value: result.p50Ms, unit: "ms" },
          { name: `${name}, p99`, value: result.p99Ms, unit: "ms", reach: `<= ${(3 * syncMs + 1).toFixed(2)}` },
          { name: `${name}, fdatasync p99 around it`, value: syncMs, unit: "ms" },
        );
      } finally {
        await bank.stop();
      }
    }
    return figures;
  },
};
