/**
 * Makes one script of a TypeScript module: what `lightcone publish` sends and a database evaluates.
 *
 * The script is a function body in the CommonJS manner: it asks `require` for host modules, which are the
 * only imports left, and puts its exports on `exports`. Its source map is inline, with paths as seen from
 * the project's folder. Types are stripped, not checked. The format: docs/formats/typescript-host.md.
 *
 * A module that imports `spacetimedb/server` is bundled as the official command does it: `official-bundle.ts`.
 */
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { LightconeError } from "@lightcone/base";
import { rolldown, type Plugin, type RolldownError } from "rolldown";
import { findSurprises } from "./surprises.ts";
import { bundleOfficial } from "./official-bundle.ts";

export interface BundleOptions {
  /** The folder that paths in the source map are relative to. Default: the entry's own, or the one above `src`. */
  readonly projectPath?: string | undefined;
  /** What `process.env.NODE_ENV` reads as. */
  readonly environment?: "production" | "development" | undefined;
  /** Whether the source map says where the project's folder is, for a debugger on this machine. */
  readonly isDebugged?: boolean | undefined;
  /** Hears of what builds and will surprise (`surprises.ts`). */
  readonly warn?: ((text: string) => void) | undefined;
}

export interface Bundle {
  /** The script, with its source map inline. */
  readonly code: string;
  /** The source map, as JSON text. */
  readonly map: string;
}

/** What a module may import that is not a file. */
const hostModule = /^(?:lightcone:host|spacetime:sys)@/;

/**
 * Bundles the module whose entry file is `entryPath`.
 *
 * @throws {LightconeError} `ModuleInvalid` with file and line when something does not parse or resolve
 */
export async function bundleModule(entryPath: string, options: BundleOptions = {}): Promise<Bundle> {
  const entry = resolve(entryPath);
  const project = resolve(options.projectPath ?? dirname(entry).replace(/[/\\]src$/, ""));
  try {
    const bundle = await bundleOwn(entry, project, options);
    if (bundle !== undefined) return bundle;
    const code = await bundleOfficial(entry, { ...options, projectPath: project });
    const map = code.slice(code.lastIndexOf("base64,") + "base64,".length);
    return { code, map: Buffer.from(map, "base64").toString() };
  } catch (error) {
    if (error instanceof LightconeError) throw error;
    throw new LightconeError("ModuleInvalid", { reason: reasonOf(error, project) }, { cause: error });
  }
}

/** Undefined for a module that is not written with `lightcone/module`. */
async function bundleOwn(entry: string, project: string, options: BundleOptions): Promise<Bundle | undefined> {
  const unresolved: RolldownError[] = [];
  const sdkFolders = new Set<string>();
  let isOfficial = false;
  const official = (): never => {
    isOfficial = true;
    throw new Error("it is built as the official command does it");
  };
  try {
    const build = await rolldown({
      input: entry,
      cwd: project,
      platform: "browser",
      external: hostModule,
      tsconfig: false,
      resolve: {
        conditionNames: ["lightcone-host", "production", "import", "default"],
        mainFields: ["module", "main"],
      },
      transform: {
        target: "esnext",
        define: { "process.env.NODE_ENV": JSON.stringify(options.environment ?? "production") },
      },
      plugins: [
        modulePlugin(project, sdkFolders, official),
        ...(options.warn === undefined ? [] : [surprisesPlugin(project, options.warn)]),
      ],
      onLog: (_, log) => void (log.code === "UNRESOLVED_IMPORT" && unresolved.push(log)),
    });
    const { output } = await build.generate({
      format: "cjs",
      exports: "named",
      esModule: false,
      codeSplitting: false,
      sourcemap: true,
      comments: { legal: true, annotation: false, jsdoc: false },
      sourcemapPathTransform: (path) => shownPath(project, sdkFolders, path),
      file: resolve(project, "bundle.js"),
    });
    await build.close();
    if (unresolved.length > 0) throw Object.assign(new Error("unresolved imports"), { errors: unresolved });
    const { code, map } = output[0];
    const sourceRoot = options.isDebugged === true ? pathToFileURL(project + sep).href : undefined;
    const mapText = map === null ? "" : withoutSources(map.toString(), sourceRoot);
    const data = Buffer.from(mapText).toString("base64");
    const script = code.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "");
    return {
      code: `${script}\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,${data}\n`,
      map: mapText,
    };
  } catch (error) {
    if (isOfficial) return undefined;
    throw error;
  }
}

function surprisesPlugin(project: string, warn: (text: string) => void): Plugin {
  return {
    name: "lightcone-surprises",
    transform(code, id) {
      if (!id.startsWith(project + sep) || id.includes(`${sep}node_modules${sep}`)) return;
      for (const text of findSurprises(code, relative(project, id))) warn(text);
    },
  };
}

const sdk = "lightcone/module";

/**
 * Finds the SDK, and says early what would only fail inside the database.
 *
 * @param sdkFolders gets the folders of the packages that the SDK is made of, wherever links lead to
 * @param official is called when the module is written with the official package, which is installed
 */
function modulePlugin(project: string, sdkFolders: Set<string>, official: () => never): Plugin {
  return {
    name: "lightcone",
    async resolveId(source, importer) {
      if (source === sdk) {
        // The project's own SDK if it has one, else the one that came with this command, as it is inside a database.
        const own = await this.resolve(source, importer, { skipSelf: true });
        const found = own ?? (await this.resolve(source, fileURLToPath(import.meta.url), { skipSelf: true }));
        if (found !== null) sdkFolders.add(packageOf(found.id));
        return found;
      }
      if (source === "lightcone" || source === "lightcone/client")
        throw new LightconeError("ModuleInvalid", {
          reason: `${importer === undefined ? "it" : relative(project, importer)} imports "${source}", ${source === "lightcone" ? "which is the command" : "which is for clients"}: a module imports "${sdk}"`,
        });
      if (importer !== undefined && !hostModule.test(source) && isBelow(sdkFolders, importer)) {
        const part = await this.resolve(source, importer, { skipSelf: true });
        if (part !== null) sdkFolders.add(packageOf(part.id));
        return part;
      }
      const from = importer === undefined ? "" : ` (imported by ${relative(project, importer)})`;
      if (/^spacetimedb\/server\b/.test(source)) {
        if ((await this.resolve(source, importer, { skipSelf: true })) !== null) official();
        throw new LightconeError("ModuleInvalid", {
          reason: `${source}${from} is not installed: npm install spacetimedb, or import "${sdk}" in its place`,
        });
      }
      if (!source.startsWith("node:")) return undefined;
      throw new LightconeError("ModuleInvalid", {
        reason: `${source} is not there inside a database${from}: a module has no files, sockets, clock or chance but its context's`,
      });
    },
    resolveDynamicImport(_source, importer) {
      const from = importer === undefined ? "" : `, in ${relative(project, importer)}`;
      throw new LightconeError("ModuleInvalid", {
        reason: `import() cannot work inside a database${from}: use an import statement`,
      });
    },
  };
}

/** Positions are all that the map is for; the sources stay with their author. */
function withoutSources(map: string, sourceRoot: string | undefined): string {
  const { sourcesContent: _, ...rest } = JSON.parse(map) as Record<string, unknown>;
  return JSON.stringify(sourceRoot === undefined ? rest : { ...rest, sourceRoot });
}

/** As seen from the project; the SDK's own files as the package that they are. */
function shownPath(project: string, sdkFolders: ReadonlySet<string>, path: string): string {
  const full = resolve(project, path);
  const folder = [...sdkFolders].find((each) => full.startsWith(each + sep));
  const shown = folder === undefined ? relative(project, full) : join("lightcone", relative(folder, full));
  return shown.replaceAll("\\", "/");
}

function isBelow(folders: ReadonlySet<string>, path: string): boolean {
  return [...folders].some((folder) => path.startsWith(folder + sep));
}

/** The folder of the package that a file is of. */
function packageOf(path: string): string {
  let folder = dirname(path);
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function reasonOf(error: unknown, project: string): string {
  const errors = (error as { errors?: readonly RolldownError[] }).errors ?? [error as RolldownError];
  return errors
    .map(({ loc, id, code, message }) => {
      const file = loc?.file ?? id;
      const at =
        file === undefined
          ? ""
          : `${relative(project, file)}${loc === undefined ? "" : `:${loc.line}:${loc.column + 1}`}: `;
      return at + worded(code, stripColour(message));
    })
    .join("\n");
}

/** The bundler's message without its code; the frame that follows its first line stays. */
function worded(code: string | undefined, message: string): string {
  const [first = "", ...frame] = message.replace(/^\[\w+\] /, "").split("\n");
  const own =
    code === "INVALID_TLA_FORMAT"
      ? "`await` at the top level cannot work inside a database: a module is a script that runs to its end at once"
      : first;
  return [own, ...frame].join("\n");
}

function stripColour(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the codes are control characters
  return text.replaceAll(/\u001b\[[0-9;]*m/g, "").trim();
}
