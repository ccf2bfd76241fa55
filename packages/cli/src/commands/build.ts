/** `lightcone build`. */
import { buildModule, type ProgramFlags } from "../build/build-module.ts";
import { describeProgram } from "../build/describe-program.ts";
import { writeSchemaFile } from "../build/schema-file.ts";
import { print } from "../terminal.ts";

export type BuildFlags = Pick<ProgramFlags, "modulePath" | "projectPath" | "debug" | "check" | "features" | "lintDir">;

export async function build(flags: BuildFlags): Promise<void> {
  const program = await buildModule(flags);
  // What does not describe itself would be refused when it is published.
  await writeSchemaFile(program, await describeProgram(program));
  print(`${program.path} (${program.bytes.length} bytes)`);
  print("Build finished successfully.");
}
