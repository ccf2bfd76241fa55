#!/usr/bin/env node
// The `lightcone` command. Plain JavaScript: it runs on any Node, and finds one that is new enough.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const majorMin = 24;

// Node's own answer is a debugger that every user of the machine may attach to. `node --inspect` opens one that is wanted.
process.on("SIGUSR1", () => undefined);

if (Number(process.versions.node.split(".")[0]) >= majorMin) {
  await import("@lightcone/cli/main");
} else {
  const node = findNode(dirname(fileURLToPath(import.meta.url))) ?? findNode(process.cwd());
  if (node === undefined) {
    process.stderr.write(
      `lightcone needs Node ${majorMin} or newer; this is ${process.version}.\n` +
        `Install it from https://nodejs.org or your system's packages, or for this project alone with: npm install node@${majorMin}\n`,
    );
    process.exit(1);
  }
  // `import.meta.resolve` is not there before Node 20.6.
  const main = createRequire(import.meta.url).resolve("@lightcone/cli/main");
  const child = spawn(node, ["--disable-sigusr1", main, ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal sends Ctrl-C to both; what is sent to this process alone is passed on.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => void child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`lightcone: ${node} did not start: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) =>
    process.exit(code ?? (signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : 1)),
  );
}

/** npm's package `node`, in this folder or one above it, if its Node is new enough. */
function findNode(from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
    if (existsSync(path)) {
      const answer = spawnSync(path, ["--version"]);
      if (answer.status === 0 && Number(/^v(\d+)/.exec(answer.stdout.toString())?.[1]) >= majorMin) return path;
    }
    if (dirname(folder) === folder) return undefined;
  }
}
