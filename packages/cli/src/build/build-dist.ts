/**
 * Builds what users install: a package of its own, with a generated `package.json`, in the folder that is named, or
 * else in `packages/lightcone/dist`. Run by `npm run dist`; nothing of it ships.
 *
 *   bin/lightcone.js   the launcher
 *   cli/               the command and the processes it starts, bundled for Node; npm's packages stay outside
 *   module.js          what authors import; module-host.js is the same for inside a database
 *   client.js          what pages and programs import; live.js and react.js are for those that show its rows
 *   testing.js         what tests of modules import: the database, without the processes around it
 *   types/             declarations, package by package
 *   docs/              the pages that texts send the reader to
 *   templates/         what `init --template` makes projects of
 *
 * Beside them lies the same as one file, `lightcone-VERSION.tgz`, which is what projects install: of a folder npm makes
 * a link sooner or later, and then brings nothing along that the package needs.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPrograms, isForeign } from "@lightcone/server/build-programs";
import { rolldown, type InputOptions } from "rolldown";

interface Manifest {
  readonly version: string;
  readonly description: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>;
  readonly exports?: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const dist = resolve(process.argv[2] ?? join(root, "packages/lightcone/dist"));
const packages = join(root, "packages");
const manifestOf = (name: string): Manifest => JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));

/** Programs that are started by their file's address: each is a file of its own, beside the others. */
const programs: Readonly<Record<string, string>> = {
  main: "cli/src/main.ts",
  "host-main": "server/src/process/host-main.ts",
  "watch-main": "server/src/process/watch-main.ts",
  "database-factory": "server/src/process/database-factory.ts",
  "procedure-main": "host-js/src/sys/procedure-main.ts",
  "keep-main": "cli/src/keep/keep-main.ts",
};

/** What a module and its test must have the same of: the package that the module imports, with its classes of values. */
const modulesOwn = {
  name: "the module's own package",
  resolveId: (source: string) =>
    source === "@lightcone/module" ||
    /\/(connection-id|identity|schedule-at|time-duration|timestamp|uuid)\.ts$/.test(source)
      ? { id: "./module.js", external: "relative" as const }
      : undefined,
};

/** What is imported as `lightcone/NAME`. */
const pathNames = ["module", "client", "live", "react"];

/** Goes into the bundle: its package asks for a newer Node than the one that npm may run on. */
const bundled: readonly string[] = ["commander"];

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "bin"), { recursive: true });
await buildPrograms(join(dist, "cli"), pathsOf(programs), bundled);
for (const name of bundled) cpSync(join(root, "node_modules", name, "LICENSE"), join(dist, "cli", `LICENSE-${name}`));
// Together, since what they have in common must be one: an error, or an identity, is known by its class.
await bundle(".", Object.fromEntries(pathNames.map((name) => [name, `lightcone/src/${name}.ts`])), {});
await bundle(
  ".",
  { "module-host": "lightcone/src/module.ts" },
  { resolve: { conditionNames: ["lightcone-host", "import", "default"] } },
);
await bundle(".", { testing: "lightcone/src/testing.ts" }, { platform: "node", plugins: [modulesOwn] });
emitTypes();
writeLauncher();
writeManifest();
// Texts send the reader to pages by their paths.
for (const name of ["README.md", "LICENSE", "ARCHITECTURE.md", "CHANGELOG.md", "docs"])
  cpSync(join(root, name), join(dist, name), { recursive: true });
copyTemplates();
const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
if (files.length === 0) process.exit(1);
const tarball = join(dist, pack());
process.stdout.write(
  `dist: ${files.length} files in ${relative(root, dist)}\nIn a project of yours: npm install ${tarball}\n`,
);

async function bundle(folder: string, entries: Readonly<Record<string, string>>, options: InputOptions): Promise<void> {
  const input = pathsOf(entries);
  const build = await rolldown({ platform: "neutral", tsconfig: false, input, external: isForeign, ...options });
  await build.write({
    dir: join(dist, folder),
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
  });
  await build.close();
}

function pathsOf(entries: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(packages, path)]));
}

/** Declarations of what is public and of what it refers to, by relative paths. */
function emitTypes(): void {
  const types = join(dist, "types");
  const config = join(root, "packages/lightcone/tsconfig.dist.json");
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  // TypeScript 7.0.2 on several threads leaves a file out now and then, and says nothing.
  execFileSync(process.execPath, [tsc, "-p", config, "--singleThreaded", "--outDir", types], { stdio: "inherit" });
  // What is a declaration already the compiler leaves where it is.
  cpSync(join(packages, "module/src/globals.d.ts"), join(types, "module/src/globals.d.ts"));
  for (const entry of readdirSync(types, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    writeFileSync(path, withRelativeImports(readFileSync(path, "utf8"), dirname(path), types));
  }
}

function withRelativeImports(text: string, from: string, types: string): string {
  const relativeTo = (path: string): string => {
    const short = relative(from, path).replace(/\.ts$/, ".js");
    return short.startsWith(".") ? short : `./${short}`;
  };
  return text
    .replaceAll(/"@lightcone\/([\w-]+)((?:\/[\w-]+)*)"/g, (_, name: string, path: string) => {
      const file = join(types, name, exportedFile(name, path));
      // What is not there would make every type that uses it `any`, and nobody would say so.
      if (!existsSync(file.replace(/\.ts$/, ".d.ts"))) throw new Error(`${file} has no declarations`);
      return `"${relativeTo(file)}"`;
    })
    .replaceAll(/"(\.[^"]*)\.ts"/g, '"$1.js"')
    .replaceAll('"#host"', '"./host-outside.js"');
}

/** The source file behind a package's own name, or behind a path under it. */
function exportedFile(name: string, path: string): string {
  const file = manifestOf(name).exports?.[`.${path}`];
  if (file === undefined) throw new Error(`@lightcone/${name}${path} is not exported`);
  return file;
}

/** The examples that are whole projects, without what running them leaves there. */
function copyTemplates(): void {
  const examples = join(root, "examples");
  const left = new Set(["node_modules", "dist", ".lightcone"]);
  for (const name of readdirSync(examples).filter((each) => existsSync(join(examples, each, "lightcone.json"))))
    cpSync(join(examples, name), join(dist, "templates", name), {
      recursive: true,
      filter: (path) => !left.has(basename(path)),
    });
}

/** Gives the name of the file that npm made. */
function pack(): string {
  const npm = process.env["npm_execpath"];
  const [command, args] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const words = [...args, "pack", "--silent", "--pack-destination", dist];
  return execFileSync(command, words, { cwd: dist, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}

function writeLauncher(): void {
  const source = readFileSync(join(root, "packages/lightcone/bin/lightcone.js"), "utf8");
  writeFileSync(join(dist, "bin/lightcone.js"), source.replaceAll("@lightcone/cli/main", "../cli/main.js"), {
    mode: 0o755,
  });
}

function writeManifest(): void {
  const { version, description } = manifestOf("lightcone");
  const { peerDependencies, peerDependenciesMeta } = manifestOf("react");
  const workspace: { readonly optionalDependencies: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  const dependencies: Record<string, string> = {};
  // Only what the built files import: a dependency of a package that is not in them does not ship.
  const code = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".js"))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
  const imports = new Set(
    [...code.matchAll(/\b(?:from|import|require)\b\s*\(?\s*["']((?:@[\w.-]+\/)?[\w.-]+)/g)].map((match) => match[1]),
  );
  // `require` by way of `createRequire(…)(…)` has no such word before it.
  for (const match of code.matchAll(/createRequire\([^)]*\)\(["']([\w@/.-]+)["']\)/g)) imports.add(match[1]);
  for (const name of readdirSync(packages))
    for (const [dependency, range] of Object.entries(manifestOf(name).dependencies ?? {}))
      if (!dependency.startsWith("@lightcone/") && imports.has(dependency)) dependencies[dependency] = range;
  const types = (name: string): string => `./types/lightcone/src/${name}.d.ts`;
  const manifest = {
    name: "lightcone",
    version,
    description,
    license: "MIT",
    type: "module",
    // The launcher runs on an older Node, and finds the one that comes along.
    engines: { node: ">=18" },
    bin: { lightcone: "./bin/lightcone.js" },
    exports: {
      "./module": { types: types("module"), "lightcone-host": "./module-host.js", default: "./module.js" },
      ...Object.fromEntries(
        [...pathNames.slice(1), "testing"].map((name) => [
          `./${name}`,
          { types: types(name), default: `./${name}.js` },
        ]),
      ),
      "./package.json": "./package.json",
    },
    sideEffects: false,
    dependencies: Object.fromEntries(Object.entries(dependencies).sort(([a], [b]) => (a < b ? -1 : 1))),
    peerDependencies,
    peerDependenciesMeta,
    // Puts a Node that is new enough into the project's `node_modules/.bin`, for `npx node` and its scripts too.
    optionalDependencies: { node: workspace.optionalDependencies["node"] },
  };
  writeFileSync(join(dist, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}
