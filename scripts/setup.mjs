/**
 * Makes a fresh clone ready: finds a Node that is new enough and installs the packages.
 *
 * Plain JavaScript that runs on Node 18 and later, since it runs before anything is checked. The system's
 * Node is used when it is 24 or newer; else the one that npm's optional package `node` brought.
 */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

export const root = fileURLToPath(new URL("..", import.meta.url));
const majorMin = 24;
/** What this file, `run.mjs` and npm's packages for the set-up run on. */
const setupMajorMin = 18;

/** Installs the packages when they are missing or older than the lock file. */
export function ensureInstalled() {
  if (Number(process.versions.node.split(".")[0]) < setupMajorMin)
    fail(
      `Lightcone is set up with Node ${setupMajorMin} or newer; this is ${process.version}. Install one from https://nodejs.org ` +
        `or your system's packages. Node ${majorMin}, which everything then runs on, comes with the packages.`,
    );
  const stamp = join(root, "node_modules", ".package-lock.json");
  const lock = join(root, "package-lock.json");
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return;
  if (existsSync(stamp) && process.env["LIGHTCONE_SKIP_INSTALL"]) return;
  process.stderr.write("Installing packages (once) …\n");
  const npm = process.env["npm_execpath"];
  const [command, args] = npm ? [process.execPath, [npm]] : ["npm", []];
  const result = spawnSync(command, [...args, "ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, "inherit"],
  });
  if (result.status !== 0) fail("`npm ci` failed; its messages are above.");
}

/** Gives the path of a Node that is new enough, or ends with what to install. */
export function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= majorMin) return process.execPath;
  const bundled = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  if (existsSync(bundled) && spawnSync(bundled, ["--version"]).status === 0) return bundled;
  fail(
    `Lightcone needs Node ${majorMin} or newer; this is ${process.version}, and npm's optional package "node" ` +
      `is not installed. Install Node ${majorMin} from your system's packages, or run: npm install --include=optional`,
  );
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureInstalled();
  process.stdout.write(`${findNode()}\n`);
}
