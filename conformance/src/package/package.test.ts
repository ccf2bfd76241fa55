// Goal: what users install works by itself: the command, the server, a module, a client, and the types of both.
// Method: build it, pack it, unpack it into an empty project beside nothing but its own dependencies, and use it.
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blocksOf, commandsOf, filesOf, pages, unlikePage, writePages, type Block } from "./pages.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lightcone-package-"));
const project = join(folder, "project");
const installed = join(project, "node_modules/lightcone");
const env = {
  ...process.env,
  PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`,
  XDG_CONFIG_HOME: join(folder, "config"),
  NO_COLOR: "1",
  LIGHTCONE_SERVER: "",
};
const running: ChildProcess[] = [];

const moduleText = `import { schema, SenderError, t, table } from "lightcone/module";
const app = schema({
  message: table({ public: true }, { id: t.u64().primaryKey().autoInc(), text: t.string() }),
});
export default app;
export const sendMessage = app.reducer({ text: t.string() }, (ctx, { text }) => {
  if (text === "") throw new SenderError("Messages must not be empty");
  ctx.db.message.insert({ id: 0n, text });
});
`;
const pageText = `import { connect } from "lightcone/client";
import type * as chat from "./module.ts";
const db = connect<typeof chat>({ uri: process.argv[2] ?? "", database: process.argv[3] ?? "chat" });
db.tables.message.onInsert((message) => console.log("said", message.text.toUpperCase()));
await db.subscribe("SELECT * FROM message").applied;
await db.reducers.sendMessage({ text: "from a page" });
const refused = await db.reducers.sendMessage({ text: "" }).catch((error: Error) => error.message);
console.log("refused", refused);
db.close();
`;
const typesOfProject = {
  compilerOptions: {
    module: "nodenext",
    target: "es2024",
    lib: ["es2024", "dom"],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    allowImportingTsExtensions: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  },
  include: ["*.ts", "readme/*.ts"],
};

function node(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}
const lightcone = (...args: readonly string[]): string => node(join(installed, "bin/lightcone.js"), ...args);

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

async function startServer(data = "data"): Promise<string> {
  const args = ["start", "--listen-addr", "127.0.0.1:0", "--data-dir", join(folder, data), "--log-level", "warn"];
  const child = spawn(process.execPath, [join(installed, "bin/lightcone.js"), ...args], { cwd: project, env });
  running.push(child);
  let said = "";
  for await (const chunk of child.stdout) {
    said += String(chunk);
    const url = /listening on (http:\S+)/.exec(said)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the server ended: ${said}`);
}

/** The README's module is published, and its page says hello and goes on. */
async function readmesPage(url: string): Promise<void> {
  expect([...filesOf("README.md").keys()]).toEqual(["module.ts", "page.ts"]);
  lightcone("publish", "my_chat", "--module-path", "readme", "-s", url);
  const file = join(project, "readme/page.ts");
  writeFileSync(file, readFileSync(file, "utf8").replace("http://127.0.0.1:3000", url));
  const page = spawn(process.execPath, [file], { cwd: project, env, stdio: ["ignore", "pipe", "inherit"] });
  running.push(page);
  const [said]: Buffer[] = await once(page.stdout, "data");
  expect(String(said)).toBe("hello\n");
  expect(page.exitCode).toBeNull();
  page.kill();
}

beforeAll(() => {
  const dist = join(folder, "dist");
  execFileSync(process.execPath, [join(root, "packages/cli/src/build/build-dist.ts"), dist], { cwd: root, env });
  const tarball = readdirSync(dist).find((name) => name.endsWith(".tgz")) ?? "";
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(dist, tarball), "--strip-components=1", "-C", installed]);
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  for (const name of Object.keys(manifest.dependencies)) {
    const from = [join(root, "packages/cli/node_modules", name), join(root, "node_modules", name)].find(existsSync);
    mkdirSync(dirname(join(project, "node_modules", name)), { recursive: true });
    symlinkSync(from ?? `${name} is not installed`, join(project, "node_modules", name), "dir");
  }
  mkdirSync(join(project, "node_modules/@types"), { recursive: true });
  for (const name of ["react", "react-dom", "@types/react", "@types/react-dom"])
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name), "dir");
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  writeFileSync(join(project, "module.ts"), moduleText);
  writeFileSync(join(project, "page.ts"), pageText);
  mkdirSync(join(project, "readme"));
  for (const [name, text] of filesOf("README.md")) writeFileSync(join(project, "readme", name), text);
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(typesOfProject));
});
afterAll(async () => {
  for (const child of running) {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
  rmSync(folder, { recursive: true, force: true });
});

test("the command says its version", () => {
  expect(lightcone("version")).toMatch(/^lightcone \d+\.\d+\.\d+/);
});

test("a module in a folder without the package is built with what came with the command", () => {
  const apart = join(folder, "apart");
  mkdirSync(apart);
  writeFileSync(join(apart, "module.ts"), moduleText);
  const built = (from: string): string => {
    lightcone("build", "--no-check", "--module-path", from);
    // Its comments say which file each part is of, as seen from the module's folder.
    return readFileSync(join(project, from, "dist/bundle.js"), "utf8").replaceAll(/^\/\/.*\n/gm, "");
  };
  const [within, beside] = [built("."), built("../apart")];
  expect(beside).toContain("lightcone:host@");
  expect(beside).toBe(within);
});

describe("row 29: a Node that is too old", () => {
  /** Has the launcher believe that it runs on Node 20. */
  const old = `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})`;
  const launch = (cwd: string) =>
    spawnSync(process.execPath, ["--import", old, join(installed, "bin/lightcone.js"), "version"], {
      cwd,
      env,
      encoding: "utf8",
    });

  test("npm brings one that is new enough, where the launcher finds it", () => {
    expect(JSON.parse(readFileSync(join(installed, "package.json"), "utf8"))).toMatchObject({
      engines: { node: ">=18" },
      optionalDependencies: { node: "24.x" },
    });
    const bin = join(project, "node_modules/node/bin");
    mkdirSync(bin, { recursive: true });
    symlinkSync(process.execPath, join(bin, "node"));
    expect(launch(project)).toMatchObject({ status: 0, stdout: lightcone("version") });
    rmSync(dirname(bin), { recursive: true });
  });

  test("without one, a line says how to get it", () => {
    expect(launch(folder)).toMatchObject({ status: 1, stdout: "" });
    expect(launch(folder).stderr).toMatch(/needs Node 24 or newer; this is v[^]*npm install node@24\n$/);
  });
});

test(
  "the guide's module is as it says: its types, its test, and rows that are carried over",
  { timeout: 300_000 },
  async () => {
    const guide = join(project, "guide");
    mkdirSync(join(guide, "later"), { recursive: true });
    mkdirSync(join(guide, "node_modules/.bin"), { recursive: true });
    symlinkSync(join(installed, "bin/lightcone.js"), join(guide, "node_modules/.bin/lightcone"));
    const port = await freePort();
    expect([...filesOf("docs/modules.md").keys()]).toEqual([
      "module.ts",
      "chat.ts",
      "house.ts",
      "module.test.ts",
      "later.ts",
    ]);
    for (const [name, text] of filesOf("docs/modules.md"))
      writeFileSync(join(guide, name.replace("later.ts", "later/module.ts")), text.replaceAll(":4321", `:${port}`));
    const compilerOptions = { lib: ["esnext"] };
    const config = { extends: "../tsconfig.json", compilerOptions, include: ["**/*.ts"] };
    writeFileSync(join(guide, "tsconfig.json"), JSON.stringify(config));
    expect(node(join(root, "node_modules/typescript/bin/tsc"), "-p", "guide")).toBe("");
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--test", "module.test.ts"], {
      cwd: guide,
      env,
      encoding: "utf8",
    });
    expect({ status, stdout, stderr }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/pass 1\n[^]*fail 0\n/),
    });
    const url = await startServer();
    const server = ["-s", url];
    lightcone("publish", "game", "-p", "guide", ...server);
    lightcone("call", "game", "join", "Ada", "red", ...server);
    lightcone("call", "game", "score", "7", ...server);
    lightcone("call", "game", "start_round", "0", ...server);
    // The timer's row is due at once: a look or two at most.
    const players = (): string => lightcone("sql", "game", "SELECT name, score, medal FROM player", ...server);
    for (let looks = 0; looks < 20 && !players().includes("gold"); looks += 1);
    expect(players()).toMatch(/"Ada" +\| 7 +\| \(some = \(gold = \(\)\)\)/);
    expect(lightcone("logs", "game", ...server)).toMatch(/made by c200\w+\n[^]*round 1 is over at \d{4}-\S+Z\n/);

    const moves = (): string => lightcone("sql", "game", "SELECT points FROM move", ...server);
    expect(moves()).toMatch(/\n 7 *\n$/);
    const publishLater = (...flags: string[]): string =>
      lightcone("publish", "game", "-p", "guide/later", ...flags, ...server);
    // Tables with rows are gone: that is never done unasked.
    expect(() => publishLater("--break-clients")).toThrow(/Removing the table player[^]*--drop-data/);
    expect(moves()).toMatch(/\n 7 *\n$/);
    publishLater("--break-clients", "--drop-data");
    lightcone("call", ...server, "game", "add", "--", "-5");
    expect(lightcone("sql", "game", "SELECT points, note FROM turn", ...server)).toMatch(
      /\n 7 +\| "-" *\n -5 +\| "" *\n$/,
    );
    const own = running.pop();
    own?.kill("SIGTERM");
    expect(await once(own ?? process, "exit")).toEqual([0, null]);
  },
);

test("the guide for clients is as it says: its program, and that it is the same identity next time", async () => {
  const guide = join(project, "client-guide");
  mkdirSync(guide);
  expect([...filesOf("docs/client.md").keys()]).toEqual(["module.ts", "client.ts", "quick.ts", "kept.ts"]);
  for (const [name, text] of filesOf("docs/client.md")) writeFileSync(join(guide, name), text);
  const config = { extends: "../tsconfig.json", compilerOptions: { lib: ["esnext"] }, include: ["*.ts"] };
  writeFileSync(join(guide, "tsconfig.json"), JSON.stringify(config));
  const url = await startServer();
  lightcone("publish", "shop", "-p", "client-guide", "-s", url);
  const run = (): string =>
    execFileSync(process.execPath, ["client.ts", url], { cwd: guide, env, encoding: "utf8", stdio: "pipe" });
  const first = run();
  expect(first).toMatch(
    /^(?:connecting \n)?open \nI am (c200\w+)\n0 of them, 0 behind these\nnew: Apple, 5 of them\napple: 5, now 3\nrefused: There are not 4 of apple\nsold: 1\nnew: Pear, 3 of them\n3 pears before any answer\nclosed \n$/,
  );
  expect(run()).toContain(/I am c200\w+/.exec(first)?.[0]);
  const own = running.pop();
  own?.kill("SIGTERM");
  expect(await once(own ?? process, "exit")).toEqual([0, null]);
});

test("the guide for React is as it says: a page can be built of it", async () => {
  const guide = join(project, "react-guide");
  mkdirSync(guide);
  const files = filesOf("docs/react.md");
  expect([...files.keys()]).toEqual([
    "module.ts",
    "lightcone.ts",
    "main.tsx",
    "board.tsx",
    "server.tsx",
    "browser.tsx",
  ]);
  for (const [name, text] of files) writeFileSync(join(guide, name), text);
  const compilerOptions = { lib: ["esnext", "dom"], jsx: "react-jsx", types: [], skipLibCheck: true };
  writeFileSync(
    join(guide, "tsconfig.json"),
    JSON.stringify({ extends: "../tsconfig.json", compilerOptions, include: ["*"] }),
  );
  writeFileSync(join(guide, "index.html"), `<body><script type="module" src="./main.tsx"></script></body>`);
  const built = await build({ root: guide, logLevel: "error", configFile: false, build: { write: false } });
  const scripts = "output" in built ? built.output.flatMap((file) => (file.type === "chunk" ? [file.code] : [])) : [];
  expect(scripts.join("")).toContain("Did it arrive?");
  // Its own React is the only one, and of Lightcone there is one copy.
  expect(scripts.join("").split("is used outside of its <LightconeProvider").length).toBe(2);
});

/** The files of the guide to tests, in a folder of the project. */
function testingGuide(name: string): string {
  const folder = join(project, name);
  mkdirSync(folder);
  expect([...filesOf("docs/testing.md").keys()]).toEqual(["arena.ts", "arena.test.ts"]);
  for (const [file, text] of filesOf("docs/testing.md")) writeFileSync(join(folder, file), text);
  const config = { extends: "../tsconfig.json", compilerOptions: { lib: ["esnext"] }, include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  return folder;
}

describe("issue 10 §3: tests of modules, from the package", () => {
  test("the guide to them is as it says, under node:test", () => {
    const cwd = testingGuide("testing-guide");
    // And one that fails: its database is kept.
    const text = readFileSync(join(cwd, "arena.test.ts"), "utf8");
    writeFileSync(
      join(cwd, "failing.test.ts"),
      text.replaceAll(/^test\((?!"what fails)/gm, "test.skip(").replace("1n", "2n"),
    );
    const run = spawnSync(process.execPath, ["--test"], { cwd, env, encoding: "utf8" });
    expect(run).toMatchObject({ status: 1, stdout: expect.stringMatching(/pass 5\n[^]*fail 1\n/) });
    const directory = join(cwd, ".lightcone/failed-tests/what-fails-can-be-looked-at");
    expect(run.stdout).toContain(`npx lightcone start --data-dir ${directory}\n`);
    expect(existsSync(join(directory, "registry.json"))).toBe(true);
  });

  test("the same under vitest, in processes and in threads", () => {
    const cwd = testingGuide("testing-vitest");
    symlinkSync(join(root, "node_modules/vitest"), join(project, "node_modules/vitest"), "dir");
    const file = join(cwd, "arena.test.ts");
    writeFileSync(file, readFileSync(file, "utf8").replace("node:test", "vitest"));
    for (const pool of ["forks", "threads"]) {
      const words = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--root", cwd, "--pool", pool];
      const run = spawnSync(process.execPath, words, { cwd, env, encoding: "utf8" });
      expect({ pool, ...run }).toMatchObject({ pool, status: 0, stdout: expect.stringMatching(/5 passed/) });
    }
  });
});

describe("issue 10 §4: the code on every page", () => {
  /** Commands that are not run here: how their block begins, and why. */
  const notRun: Readonly<Record<string, string>> = {
    "npm start": "the README's, of a clone: conformance/src/browser/chat.test.ts starts the same",
    "npm run dist": "builds what is under test here",
    "npx lightcone init my-app --template todo --project-path":
      "asks npm for packages: conformance/src/package/templates.test.ts does all of it",
    "npx lightcone publish my_chat": "the README's module, which `readmesPage` publishes",
    "useradd --system": "changes the machine",
    "systemctl daemon-reload": "changes the machine",
    "docker build": "asks for a container engine",
    "ssh -N -L": "asks for another machine",
    "systemctl stop lightcone\nnpm install": "asks for a later version",
    "npx node my-chat/page.ts": "runs until it is ended; `readmesPage` does that",
  };
  const reasonOf = ({ text }: Block): string | undefined =>
    Object.entries(notRun).find(([beginning]) => text.startsWith(beginning))?.[1];

  /** Whoever runs tests keeps their machine as it is: such a block needs its reason, or it is not run. */
  const touchesTheMachine =
    /\b(?:sudo|su|useradd|docker|podman|ssh|scp|apt|apt-get|daemon-reload)\b|[ =]\/(?:opt|etc|usr|var|srv|root|home)\b/;
  const isRun = (block: Block): boolean => reasonOf(block) === undefined && !touchesTheMachine.test(block.text);

  test("in TypeScript it has the types of the package", () => {
    expect(writePages(join(project, "pages"))).toBeGreaterThan(15);
    const compilerOptions = { lib: ["esnext", "dom"], jsx: "react-jsx", skipLibCheck: true };
    const config = { extends: "../tsconfig.json", compilerOptions, include: ["**/*"] };
    writeFileSync(join(project, "pages/tsconfig.json"), JSON.stringify(config));
    expect(node(join(root, "node_modules/typescript/bin/tsc"), "-p", "pages")).toBe("");
  });

  test("what it shows of JSON reads", () => {
    const blocks = pages.flatMap(blocksOf).filter(({ language }) => language === "json");
    expect(blocks.length).toBeGreaterThan(0);
    for (const { text } of blocks) expect(() => JSON.parse(text), text).not.toThrow();
  });

  test("each reason for a command that is not run has one", () => {
    const commands = pages.flatMap(blocksOf).filter(({ language }) => language === "sh");
    expect(commands.length).toBeGreaterThan(5);
    expect(commands.filter((block) => touchesTheMachine.test(block.text) && reasonOf(block) === undefined)).toEqual([]);
    expect(new Set(commands.map(reasonOf).filter((reason) => reason !== undefined))).toEqual(
      new Set(Object.values(notRun)),
    );
  });

  test("its commands run, and print what the page says", async () => {
    const url = await startServer("data-of-pages");
    const bin = join(project, "node_modules/.bin");
    mkdirSync(bin, { recursive: true });
    symlinkSync(join(installed, "bin/lightcone.js"), join(bin, "lightcone"));
    const paths = { PATH: `${bin}${delimiter}${env.PATH}`, LIGHTCONE_SERVER: url };
    const problems: string[] = [];
    let count = 0;
    for (const page of pages) {
      const commands = commandsOf(page, isRun);
      if (commands === undefined) continue;
      const cwd = join(project, "pages", page.replace(/\.md$/, ""));
      mkdirSync(cwd, { recursive: true });
      const run = spawnSync("bash", ["-c", commands], { cwd, env: { ...env, ...paths }, encoding: "utf8" });
      if (run.status !== 0) problems.push(`${page}: ended with ${run.status}\n${run.stdout}${run.stderr}`);
      else problems.push(...unlikePage(page, run.stdout, isRun));
      count += 1;
    }
    expect(problems).toEqual([]);
    expect(count).toBeGreaterThan(5);
    const own = running.pop();
    own?.kill("SIGTERM");
    expect(await once(own ?? process, "exit")).toEqual([0, null]);
  });
});

test("what its texts send the reader to is in the package", () => {
  const code = readdirSync(join(installed, "cli")).map((name) => readFileSync(join(installed, "cli", name), "utf8"));
  const pages = new Set(code.flatMap((text) => [...text.matchAll(/\bdocs\/[\w/-]+\.md\b/g)].map(([page]) => page)));
  expect([...pages]).toEqual(expect.arrayContaining(["docs/limits.md", "docs/migrations.md", "docs/sql.md"]));
  expect([...pages].filter((page) => !existsSync(join(installed, page)))).toEqual([]);
  const readme = readFileSync(join(installed, "README.md"), "utf8");
  const linked = [...readme.matchAll(/\]\((docs\/[^)#]*|ARCHITECTURE\.md|CHANGELOG\.md)[^)]*\)/g)].map(
    ([, to = ""]) => to,
  );
  expect(linked).toContain("docs/modules.md");
  expect(linked.filter((path) => !existsSync(join(installed, path)))).toEqual([]);
});

describe("issue 10 §5: the package as tools see it", () => {
  const packed = (): Uint8Array<ArrayBuffer> => {
    const name = readdirSync(join(folder, "dist")).find((each) => each.endsWith(".tgz")) ?? "";
    return new Uint8Array(readFileSync(join(folder, "dist", name)));
  };

  test("publint finds nothing", async () => {
    const { messages, pkg } = await publint({ pack: { tarball: packed().buffer }, strict: true });
    expect(pkg).toMatchObject({ name: "lightcone" });
    // Templates have tests, which are what projects begin with.
    const isTemplates = (text: string | undefined): boolean =>
      text !== undefined &&
      [...text.matchAll(/[ (](\/[^,)\s]+)/g)].every(([, path]) => path?.startsWith("/templates/"));
    const said = messages.map((each) => formatMessage(each, pkg, { color: false }));
    expect(said.filter((text) => !isTemplates(text))).toEqual([]);
  });

  test("its types are those of what is imported, for whoever imports ES modules", async () => {
    const found = await checkPackage(createPackageFromTarballData(packed()));
    if (found.types === false) throw new Error("the package has no types");
    expect(Object.keys(found.entrypoints)).toContain("./testing");
    // It has ES modules alone: CommonJS comes to them by `import()`, or by `require` in a Node that can; and TypeScript
    // finds no paths of a package the way it looked for them before 2022.
    const others = found.problems.filter(
      (problem) =>
        !("resolutionKind" in problem) ||
        (problem.resolutionKind !== "node10" &&
          (problem.resolutionKind !== "node16-cjs" || problem.kind !== "CJSResolvesToESM")),
    );
    expect(others).toEqual([]);
  });
});

test("errors have their words, which a page of the client does not carry", () => {
  mkdirSync(join(project, "bad"));
  writeFileSync(join(project, "bad/module.ts"), "export const nothing = 5;\n");
  expect(() => lightcone("build", "-p", "bad")).toThrow(/is not a module that can run here/);
  expect(readFileSync(join(installed, "client.js"), "utf8")).not.toMatch(/DataDirectoryLocked|lightcone repair/);
});

test("the types of module and client stand by themselves", () => {
  expect(node(join(root, "node_modules/typescript/bin/tsc"), "-p", ".")).toBe("");
});

test("a module's globals have types, whichever libraries there are besides", () => {
  const folder = join(project, "globals");
  mkdirSync(folder);
  writeFileSync(
    join(folder, "module.ts"),
    `import "lightcone/module";
const params = new URLSearchParams([["a", "b"]]);
for (const [name, value] of params) console.info(name.length, atob(btoa(value)), new URL("http://host").href);
export const text: string = new TextDecoder("utf-8", { fatal: true }).decode(new TextEncoder().encode("a"));
queueMicrotask(() => console.table([structuredClone({ a: 1 }).a]));
`,
  );
  for (const lib of [["es2022"], ["esnext", "dom"], ["esnext", "webworker"]])
    for (const types of [[], ["node"]]) {
      const compilerOptions = { lib, types };
      writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({ extends: "../tsconfig.json", compilerOptions, include: ["*.ts"] }),
      );
      expect({ lib, types, said: node(join(root, "node_modules/typescript/bin/tsc"), "-p", "globals") }).toEqual({
        lib,
        types,
        said: "",
      });
    }
});

test("start, publish, call, sql, a page, and a clean stop", async () => {
  const url = await startServer();
  await readmesPage(url);
  expect(lightcone("publish", "chat", "-p", ".", "-s", url)).toMatch(/Created new database with name: chat/);
  lightcone("call", "chat", "send_message", "hello", "-s", url);
  expect(node("page.ts", url)).toBe("said HELLO\nsaid FROM A PAGE\nrefused Messages must not be empty\n");
  expect(lightcone("sql", "chat", "SELECT text FROM message", "-s", url)).toMatch(/"hello"\n "from a page"/);
  expect(() => lightcone("sql", "chat", "SELEKT", "-s", url)).toThrow(/`node_modules\/lightcone\/docs\/sql\.md` has/);
  const nowhere = () => node("page.ts", url, "nowhere");
  expect(nowhere).toThrow(/there is no database `nowhere`/);
  const server = running.find(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  const ended = once(server ?? process, "exit");
  server?.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});
