/** `lightcone build`. */
import { buildModule, type ProgramFlags } from "../build/build-module.ts";
import { print } from "../terminal.ts";

export type BuildFlags = Pick<ProgramFlags, "modulePath" | "projectPath" | "debug">;

export async function build(flags: BuildFlags): Promise<void> {
  const program = await buildModule(flags);
  print(`${program.path} (${program.bytes.length} bytes)`);
  print("Build finished successfully.");
}
