/**
 * The repository's commands: `npm start`, `npm test`, `npm run ok | bench | dev | dist | docs | soak | fuzz`.
 *
 * Each sets up what is missing, then hands over to a Node that is new enough.
 */
import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { ensureInstalled, findNode, root } from "./setup.mjs";

const tool = (path) => join(root, "node_modules", path);
const vitest = (...args) => [tool("vitest/vitest.mjs"), "run", ...args];

/** Node's own answer to SIGUSR1 is a debugger that every user of the machine may attach to; `--inspect` opens one that is wanted. */
const noDebugger = "--disable-sigusr1";
process.on("SIGUSR1", () => undefined);

/** What a command runs, one process after another; the first failure ends it. */
const commands = {
  start: (rest) => [[noDebugger, join(root, "packages/cli/src/main.ts"), "demo", ...rest]],
  dist: (rest) => [[join(root, "packages/cli/src/build/build-dist.ts"), ...rest]],
  // `-- --dev` serves the pages, and shows a change of one at once.
  docs: (rest) => [
    [join(root, "scripts/write-api.ts")],
    [
      tool("vitepress/bin/vitepress.js"),
      rest.includes("--dev") ? "dev" : "build",
      join(root, "site"),
      ...rest.filter((word) => word !== "--dev"),
    ],
  ],
  dev: (rest) => [[noDebugger, "--watch-path=packages", join(root, "packages/cli/src/main.ts"), "demo", ...rest]],
  test: (rest) => [vitest(...rest)],
  bench: (rest) => [[join(root, "bench/src/main.ts"), ...rest]],
  fuzz: (rest) => [[join(root, "conformance/src/fuzz/main.ts"), ...rest]],
  soak: (rest) => [vitest("--config", "vitest.soak.config.ts", ...rest)],
  ok: () => [
    [tool("oxfmt/bin/oxfmt"), "--check", "."],
    [tool("oxlint/bin/oxlint"), "--type-aware", "--deny-warnings"],
    [tool("typescript/bin/tsc"), "-p", "."],
    ...["chat", "game", "react", "todo"].map((each) => [tool("typescript/bin/tsc"), "-p", `examples/${each}/page`]),
    [tool("knip/bin/knip.js")],
    [join(root, "scripts/tidy.ts")],
    [join(root, "scripts/write-errors.ts"), "--check"],
    [join(root, "scripts/write-limits.ts"), "--check"],
    [join(root, "scripts/write-compatibility.ts"), "--check"],
    [join(root, "scripts/write-api.ts"), "--check"],
    vitest(),
  ],
};

const [name, ...rest] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) {
  process.stderr.write(`usage: node scripts/run.mjs ${Object.keys(commands).join(" | ")}\n`);
  process.exit(2);
}
ensureInstalled();
const node = findNode();
// Tools that start `node` themselves must find the same one.
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env["PATH"] ?? ""}` };

for (const args of command(rest)) {
  const code = await run(args);
  if (code !== 0) process.exit(code);
}

function run(args) {
  const child = spawn(node, args, { cwd: root, stdio: "inherit", env });
  // The child gets the terminal's signals itself; this process only waits for its end.
  const forward = (signal) => void child.kill(signal);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, forward);
  process.on("SIGINT", () => undefined);
  return new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? (signal ? 1 : 0))));
}
