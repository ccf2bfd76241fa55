/**
 * Bundles a module that is written with the official package `spacetimedb`, as its own command does: one ES module whose only
 * imports are `spacetime:sys@…`, with its source map inline.
 */
import { rolldown } from "rolldown";

export interface OfficialBundleOptions {
  /** The folder that the package is looked for in, and paths of the source map are relative to. */
  readonly projectPath: string;
  readonly environment?: "production" | "development" | undefined;
}

/** @throws {RolldownError} when something does not parse or resolve */
export async function bundleOfficial(entry: string, options: OfficialBundleOptions): Promise<string> {
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
  return output[0].code;
}
