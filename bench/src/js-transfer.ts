/**
 * How many transfers a second does a TypeScript module do in the database's thread, commits included, without a network?
 *
 * Workload: `support/bank-run.ts`; the module runs in the real sandbox. Part of `npm run bench -- thread`.
 */
import { loadJsModule } from "@lightcone/host-js";
import { type BankKind, measureBank } from "./support/bank-run.ts";
import { typescriptModule } from "./support/bench-server.ts";

/** The rate of each round, in transfers a second. */
export async function measureTypeScript(kind: BankKind, rounds: number, callsPerRound: number): Promise<number[]> {
  const { bytes } = await typescriptModule("bank");
  const code = typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
  return measureBank(loadJsModule(code), kind, rounds, callsPerRound);
}
