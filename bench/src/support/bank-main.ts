/** The process of one bank: says the rate of each round. Arguments: `BankSettings` as JSON. */
import type { ModuleProgram } from "@lightcone/host";
import { loadJsModule } from "@lightcone/host-js";
import { loadWasmModule } from "@lightcone/host-wasm";
import { setEngineFlags } from "@lightcone/server";
import { type BankSettings, measureBank } from "./bank-run.ts";
import { rustModule, typescriptModule } from "./bench-server.ts";

setEngineFlags();
// Our own parent wrote it.
const { language, kind, roundCount, callCount } = JSON.parse(process.argv[2] ?? "") as BankSettings;
process.stdout.write(JSON.stringify(measureBank(await programOf(language), kind, roundCount, callCount)));

async function programOf(of: BankSettings["language"]): Promise<ModuleProgram> {
  const program = of === "TypeScript" ? await typescriptModule("bank") : await rustModule("bank");
  if (program === undefined) throw new Error("modules/rust is not built");
  const { bytes } = program;
  return typeof bytes === "string" ? loadJsModule(bytes) : loadWasmModule(bytes, { memoryPagesMax: 4096 });
}
