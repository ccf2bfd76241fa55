/** How long does one durable call take, when 64 connections have one in flight each? */
import { join } from "node:path";
import { measureSync, type SyncTimes } from "./log-sync.ts";
import { rustModule, typescriptModule, type Program } from "./support/bench-server.ts";
import { runLoad } from "./support/load.ts";
import type { Figure, Question, Run } from "./support/question.ts";
import { openBank, openEcho, type OpenSystem } from "./transfers.ts";

export const latency: Question = {
  name: "latency",
  workload:
    "transfers between random ones of 100,000 accounts; 64 connections, one call in flight each, answers when durable",
  unit: "ms",
  expected:
    "p50 one to two syncs; p99 at most three times the p99 of a sync and one ms; the echo shows the transport's",
  run: async (run) => {
    const accountCount = run.isSmoke ? 1000 : 100_000;
    const rust = await rustModule("bank");
    if (rust === undefined) run.say("  Rust module: skipped, modules/rust is not built");
    const open = (name: string, program: Program): Promise<OpenSystem> =>
      openBank(join(run.directory, name), program, accountCount);
    return [
      ...(await measure(run, "echo", () => openEcho(join(run.directory, "echo"), accountCount))),
      ...(await measure(run, "TypeScript module", async () => open("typescript", await typescriptModule("bank")))),
      ...(rust === undefined ? [] : await measure(run, "Rust module", () => open("rust", rust))),
    ];
  },
};

/** As the disk does while the processors are busy with the same load, or with nothing else. */
const reachOf = ({ p99Ms }: SyncTimes): string => (3 * p99Ms + 1).toFixed(2);

async function measure(run: Run, name: string, open: () => Promise<OpenSystem>): Promise<readonly Figure[]> {
  const system = await open();
  try {
    const alone = await measureSync(run.directory, run.isSmoke ? 20 : 1000);
    const load = runLoad({
      target: system.target,
      connectionCount: run.isSmoke ? 8 : 64,
      inFlight: 1,
      warmUpMs: run.isSmoke ? 200 : 2000,
      runMs: run.isSmoke ? 200 : 6000,
    });
    const beside = await measureSync(run.directory, run.isSmoke ? 20 : 700, 10);
    const result = await load;
    return [
      { name: `${name}, calls`, value: result.perSecond, unit: "transfers/s" },
      { name: `${name}, p50`, value: result.p50Ms, unit: "ms" },
      { name: `${name}, p99`, value: result.p99Ms, unit: "ms", reach: `<= ${reachOf(beside)}, or ${reachOf(alone)}` },
      { name: `${name}, fdatasync p99 beside it`, value: beside.p99Ms, unit: "ms" },
      { name: `${name}, fdatasync p99 alone`, value: alone.p99Ms, unit: "ms" },
    ];
  } finally {
    await system.stop();
  }
}
