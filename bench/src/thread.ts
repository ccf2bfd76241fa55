/** How many transfers a second does a module do in the database's thread, commits included, without a network? */
import { measureTypeScript } from "./js-transfer.ts";
import { bankKinds, median } from "./support/bank-run.ts";
import type { Figure, Question } from "./support/question.ts";
import { measureRust } from "./wasm-transfer.ts";

export const thread: Question = {
  name: "thread",
  workload:
    "transfers between random ones of 100,000 accounts of 12 bytes, a transaction and a commit record each; with one unique index, with an ordered one over the branch besides (16 bytes), and with one over the balance instead, which every transfer moves",
  unit: "transfers/s, the median round",
  expected: "above 1,500,000 in TypeScript and 1,000,000 in Rust",
  run: async (run) => {
    const rounds = run.isSmoke ? 1 : 7;
    const calls = run.isSmoke ? 2000 : 500_000;
    const figures: Figure[] = [];
    for (const kind of bankKinds) {
      const inTypeScript = await measureTypeScript(kind, rounds, calls);
      figures.push(figure(`TypeScript, ${kind.name}`, inTypeScript, ">= 1,500,000"));
      const inRust = await measureRust(kind, rounds, calls);
      if (inRust === undefined) run.say("  Rust: skipped, modules/rust is not built");
      else figures.push(figure(`Rust, ${kind.name}`, inRust, ">= 1,000,000"));
    }
    return figures;
  },
};

const figure = (name: string, perSecond: readonly number[], reach: string): Figure => ({
  name,
  value: median(perSecond),
  unit: "transfers/s",
  reach,
});
