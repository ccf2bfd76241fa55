// Goal: what README has people type installs Lightcone for good: a later `npm install` of something else leaves it as it is.
// Method: build it, and let npm itself install it, in the words that the build prints, from a registry in this process whose
// packages are empty, but say of themselves what the real ones say.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lightcone-install-"));
const project = join(folder, "project");
const installed = join(project, "node_modules/lightcone");
const PATH = `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`;
let registry = "";
let command = "";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly engines?: object;
}

/** What the registry says of a package, and what it gives: nothing but that. */
function manifestOf(name: string): Manifest {
  const places = [join(root, "packages/cli/node_modules", name), join(root, "node_modules", name)];
  const path = places.map((place) => join(place, "package.json")).find(existsSync);
  if (path === undefined) return { name, version: "24.0.0" }; // `node`, which a machine with a Node of its own lacks
  const { version, engines }: Manifest = JSON.parse(readFileSync(path, "utf8"));
  return { name, version, ...(engines === undefined ? {} : { engines }) };
}

function tarballOf(name: string): Buffer {
  const place = join(folder, "empty", name);
  mkdirSync(join(place, "package"), { recursive: true });
  writeFileSync(join(place, "package/package.json"), JSON.stringify(manifestOf(name)));
  return execFileSync("tar", ["-czf", "-", "-C", place, "package"]);
}

const server = createServer((request, response) => {
  const [name = "", file] = decodeURIComponent(request.url ?? "")
    .slice(1)
    .split("/-/");
  if (file !== undefined) return response.end(tarballOf(name));
  const { version, ...manifest } = manifestOf(name);
  const one = { ...manifest, version, dist: { tarball: `${registry}${name}/-/package.tgz` } };
  return response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions: { [version]: one } }));
});

/** Runs npm in the project. */
async function npm(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const options = ["--registry", registry, "--cache", join(folder, "cache"), "--no-audit", "--no-fund"];
  const child = spawn("npm", [...args, ...options], {
    cwd: project,
    env: { ...process.env, PATH, npm_config_ignore_scripts: "true", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code]: unknown[] = await once(child, "close");
  if (code !== 0) throw new Error(`npm ${args.join(" ")} ended with ${String(code)}:\n${said}`);
}

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  registry = `http://127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}/`;
  const said = execFileSync(
    process.execPath,
    [join(root, "packages/cli/src/build/build-dist.ts"), join(folder, "dist")],
    { cwd: root, env: { ...process.env, PATH }, encoding: "utf8" },
  );
  command = /npm install .*$/m.exec(said)?.[0] ?? "";
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

test("what is installed stays whole when something else is installed later, on Node 20 as well", async () => {
  const whole = (): void => {
    expect(lstatSync(installed).isSymbolicLink()).toBe(false);
    const manifest: { dependencies: object } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    const needed = [...Object.keys(manifest.dependencies), "node"];
    expect(needed).toEqual(expect.arrayContaining(["hono", "rolldown"]));
    expect(needed.filter((name) => !existsSync(join(project, "node_modules", name, "package.json")))).toEqual([]);
  };
  const old = join(folder, "old.mjs");
  writeFileSync(
    old,
    `Object.defineProperty(process, "version", { value: "v20.19.0" });
Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.19.0" } });`,
  );
  await npm([...command.split(" ").slice(1), "--engine-strict"], { NODE_OPTIONS: `--import=${old}` });
  whole();
  mkdirSync(join(folder, "small"));
  writeFileSync(join(folder, "small/package.json"), JSON.stringify({ name: "small", version: "1.0.0" }));
  await npm(["install", "../small"]);
  whole();
  expect(existsSync(join(project, "node_modules/small/package.json"))).toBe(true);
});
