/**
 * Bundles a module that is written with the official package `spacetimedb`, as its own command does: one ES module whose only
 * imports are `spacetime:sys@…`, with its source map inline.
 */
import { LightconeError } from "@lightcone/base";
import { rolldown, type RolldownError } from "rolldown";

export interface OfficialBundleOptions {
  /** The folder that the package is looked for in, and paths of the source map are relative to. */
  readonly projectPath: string;
  readonly environment?: "production" | "development" | undefined;
}

/** @throws {RolldownError} when something does not parse or resolve */
export async function bundleOfficial(entry: string, options: OfficialBundleOptions): Promise<string> {
  const unresolved: RolldownError[] = [];
  const build = await rolldown({
    input: entry,
    cwd: options.projectPath,
    platform: "browser",
    external: /^spacetime:sys/,
    tsconfig: false,
    resolve: { conditionNames: ["production", "import", "default"], mainFields: ["exports", "module", "main"] },
    transform: {
      target: "esnext",
      define: { "process.env.NODE_ENV": JSON.stringify(options.environment ?? "production") },
    },
    plugins: [{ name: "one package", resolveId: refuseTwo }],
    onLog: (_, log) => void (log.code === "UNRESOLVED_IMPORT" && unresolved.push(log)),
  });
  const { output } = await build.generate({
    format: "esm",
    exports: "auto",
    codeSplitting: false,
    sourcemap: "inline",
    sourcemapDebugIds: true,
    sourcemapPathTransform: (path) => path.replace(/^(?:\.\.\/)+/, ""),
  });
  await build.close();
  if (unresolved.length > 0) throw Object.assign(new Error("unresolved imports"), { errors: unresolved });
  return output[0].code;
}

/** A module's tables and functions are of one package. */
function refuseTwo(source: string): undefined {
  if (source !== "lightcone/module") return;
  throw new LightconeError("ModuleInvalid", {
    reason: `it imports both "lightcone/module" and "spacetimedb/server": a module is written with one of them`,
  });
}
