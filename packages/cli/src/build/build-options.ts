/** What `--build-options` of other commands says to `build`. */
import { parseArgs } from "node:util";
import { CliFailure } from "../failure.ts";

/** How a module is built. */
export interface BuildFlags {
  readonly debug?: boolean | undefined;
  /** Whether a debugger looks at it. */
  readonly isDebugged?: boolean | undefined;
  /** Hears of what builds and will surprise. */
  readonly warn?: ((text: string) => void) | undefined;
  /** The same in the words of `build`, of commands that build by the way. */
  readonly buildOptions?: string | undefined;
  /** False: types are not looked at. */
  readonly check?: boolean | undefined;
  /** Of a Rust module's package, by comma. */
  readonly features?: string | undefined;
  /** Where the sources of a Rust module are looked through for what prints to nobody; empty: nowhere. */
  readonly lintDir?: string | undefined;
}

const options = {
  debug: { type: "boolean", short: "d" },
  features: { type: "string" },
  "lint-dir": { type: "string" },
  "no-check": { type: "boolean" },
} as const;

/** The flags with what their `buildOptions` adds. @throws {CliFailure} naming an option that `build` has not */
export function withBuildOptions<T extends BuildFlags>(flags: T): T {
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
