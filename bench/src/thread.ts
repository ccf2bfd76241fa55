/** How many transfers a second does a module do in the database's thread, commits included, without a network? */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bankKinds, type BankSettings } from "./support/bank-run.ts";
import { rustModule } from "./support/bench-server.ts";
import type { Figure, Question } from "./support/question.ts";

export const thread: Question = {
  name: "thread",
  workload:
    "transfers between random ones of 100,000 accounts, a transaction and a commit record each, a process for each figure; accounts of 12 bytes with one unique index, of 16 with an ordered one over the branch besides, and of 12 with one over the balance, which every transfer moves",
  unit: "transfers/s, the median round",
  expected: "above 1,500,000 in TypeScript and 1,000,000 in Rust",
  run: async (run) => {
    const roundCount = run.isSmoke ? 1 : 7;
    const callCount = run.isSmoke ? 2000 : 500_000;
    const isRustBuilt = (await rustModule("bank")) !== undefined;
    if (!isRustBuilt) run.say("  Rust: skipped, modules/rust is not built");
    const figures: Figure[] = [];
    for (const kind of bankKinds) {
      figures.push(await measure({ language: "TypeScript", kind, roundCount, callCount }, ">= 1,500,000"));
      if (isRustBuilt) figures.push(await measure({ language: "Rust", kind, roundCount, callCount }, ">= 1,000,000"));
    }
    return figures;
  },
};

const main = fileURLToPath(new URL("./support/bank-main.ts", import.meta.url));

/** In a process of its own, as a database has one: others would leave code behind that is slower for having seen more. */
async function measure(settings: BankSettings, reach: string): Promise<Figure> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, JSON.stringify(settings)]);
  const rates = JSON.parse(stdout) as readonly number[]; // our own child wrote it
  const median = rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)] ?? 0;
  return { name: `${settings.language}, ${settings.kind.name}`, value: median, unit: "transfers/s", reach };
}
