/**
 * How many transfers a second does a Rust module do in the database's thread, commits included, without a network?
 *
 * Workload: `support/bank-run.ts`. Part of `npm run bench -- thread`.
 */
import { loadWasmModule } from "@lightcone/host-wasm";
import { type BankKind, measureBank } from "./support/bank-run.ts";
import { rustModule } from "./support/bench-server.ts";

/** The rate of each round, in transfers a second; undefined when the module is not built. */
export async function measureRust(
  kind: BankKind,
  rounds: number,
  callsPerRound: number,
): Promise<number[] | undefined> {
  const program = await rustModule("bank");
  if (program === undefined || typeof program.bytes === "string") return undefined;
  return measureBank(loadWasmModule(program.bytes, { memoryPagesMax: 4096 }), kind, rounds, callsPerRound);
}
