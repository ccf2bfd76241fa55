/** How many transfers a second does a module do in the database's thread, commits included, without a network? */
import { measureTransfers as measureTypeScript } from "./js-transfer.ts";
import type { Figure, Question } from "./support/question.ts";
import { measureTransfers as measureWasm } from "./wasm-transfer.ts";

export const thread: Question = {
  name: "thread",
  workload:
    "transfers between random ones of 100,000 accounts of 12 bytes, a transaction and a commit record each; with one unique index, and with an ordered index over the balance besides",
  unit: "transfers/s, the median round",
  expected: "above 1,500,000 in TypeScript and 1,000,000 in Rust",
  run: async (run) => {
    const rounds = run.isSmoke ? 1 : 7;
    const calls = run.isSmoke ? 2000 : 500_000;
    const figures: Figure[] = [];
    for (const reducer of ["transfer", "transfer_ranked"] as const) {
      const kind = reducer === "transfer" ? "one index" : "two indexes";
      const inTypeScript = await measureTypeScript(reducer, rounds, calls);
      figures.push(figure(`TypeScript, ${kind}`, inTypeScript.perSecond, ">= 1,500,000"));
      const inRust = measureWasm(reducer, rounds, calls);
      if (inRust === undefined) run.say("  Rust: skipped, modules/rust is not built");
      else figures.push(figure(`Rust, ${kind}`, inRust.perSecond, ">= 1,000,000"));
    }
    return figures;
  },
};

function figure(name: string, perSecond: readonly number[], reach: string): Figure {
  const median = perSecond.toSorted((a, b) => a - b)[Math.floor(perSecond.length / 2)] ?? 0;
  return { name, value: median, unit: "transfers/s", reach };
}
