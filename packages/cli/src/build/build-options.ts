/** What `--build-options` of other commands says to `build`. */
import { parseArgs } from "node:util";
import { CliFailure } from "../failure.ts";
import type { ProgramFlags } from "./build-module.ts";

const options = {
  debug: { type: "boolean", short: "d" },
  features: { type: "string" },
  "lint-dir": { type: "string" },
  "no-check": { type: "boolean" },
} as const;

/** The flags with what their `buildOptions` adds. @throws {CliFailure} naming an option that `build` has not */
export function withBuildOptions(flags: ProgramFlags): ProgramFlags {
  const words = (flags.buildOptions ?? "").split(/\s+/).filter((word) => word !== "");
  try {
    const { values } = parseArgs({ args: words, options });
    return {
      ...flags,
      debug: flags.debug === true || values.debug === true,
      check: flags.check === true && values["no-check"] !== true,
      features: values.features ?? flags.features,
      lintDir: values["lint-dir"] ?? flags.lintDir,
    };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CliFailure(`--build-options: ${error.message}`, {
      hint: "`lightcone build --help` has the options of build: --debug, --features, --lint-dir, --no-check.",
      exitCode: 2,
    });
  }
}
