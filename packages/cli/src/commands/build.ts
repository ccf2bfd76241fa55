/** `lightcone build`. */
import { buildModule, type ProgramFlags } from "../build/build-module.ts";
import { describeProgram } from "../build/describe-program.ts";
import { writeSchemaFile } from "../build/schema-file.ts";
import { print } from "../terminal.ts";

export type BuildFlags = Pick<ProgramFlags, "modulePath" | "projectPath" | "debug" | "check" | "features" | "lintDir">;

export async function build(flags: BuildFlags): Promise<void> {
  const program = await buildModule(flags);
  // What a publish would refuse of it alone is refused here.
  const described = await describeProgram(program);
  if (described.rowLevelRules.length > 0) (await import("@lightcone/database")).checkRules(described);
  await writeSchemaFile(program, described);
  print(`${program.path} (${program.bytes.length} bytes)`);
  print("Build finished successfully.");
}
