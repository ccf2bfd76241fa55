// Goal: the client runs without shims in every runtime: Node (since 22; an older one is told what to do, and works with the
// class that it is given), Bun and Deno; and it bundles for React Native. Browsers have suites of their own.
// Method: the client in one file, as a bundler makes it; the same program in each runtime that is on the path, against a real
// server that is killed meanwhile. A runtime that is not there is skipped by name.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createContext, runInContext } from "node:vm";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));

/** A program of that name on the path, or where Linux distributions put one, whose version is as it should be. */
async function find(name: string, isIt: RegExp): Promise<string | undefined> {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"]) {
    const file = join(folder, name);
    const version = await run(file, ["--version"]).then(
      ({ stdout }) => stdout,
      () => "",
    );
    if (isIt.test(version)) return file;
  }
  return undefined;
}

const [oldNode, bun, deno] = await Promise.all([
  find("node", /^v2[01]\./),
  find("bun", /^\d/),
  find("deno", /^deno \d/),
]);
const folder = mkdtempSync(join(tmpdir(), "lightcone-runtimes-"));
let served: Served;

beforeAll(async () => {
  const entry = join(root, "packages/lightcone/src/client.ts");
  await build({
    root: folder,
    logLevel: "error",
    configFile: false,
    build: {
      target: "node20",
      outDir: folder,
      emptyOutDir: false,
      lib: { entry, formats: ["es"], fileName: () => "client.mjs" },
    },
  });
  served = await Served.open();
  await served.publishTypeScript("chat", "chat");
});
afterAll(async () => {
  await served.stop();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** What any page does: rows, calls, what is refused, and a way back to a server that went away. */
const everything = `import { connect } from "./client.mjs";
const [uri, name] = process.argv.slice(2);
const tell = (...words) => console.log(words.join(" "));
const ended = (promise) => promise.then(() => "done", ({ code, message }) => code + ": " + message);
const nowhere = connect({ uri, database: "no-such-chat", onError: () => {} });
tell("nowhere", await ended(nowhere.subscribe("SELECT * FROM user").applied));
const stranger = connect({ uri, database: "chat", token: "x.y.z", onError: () => {} });
tell("stranger", (await ended(stranger.subscribe("SELECT * FROM user").applied)).split(":")[0]);

const states = [];
const db = connect({ uri, database: "chat", onState: (state) => states.push(state) });
db.tables.message.onInsert(({ text }) => text.startsWith(name) && tell("said", text));
await db.subscribe(db.tables.message, db.tables.user).applied;
await db.reducers.sendMessage({ text: name + " is here" });
tell("refused", await ended(db.reducers.sendMessage({ text: "" })));
const me = db.tables.user.where({ identity: db.identity });
tell("me", me.rows().length, me.rows()[0].online);
const { length } = (await db.query(db.tables.message)).filter(({ text, sent }) => text.startsWith(name) && sent.toDate() < new Date(2100, 0));
tell("asked", length);
const isBack = new Promise((resolve) => db.onState((state) => state === "open" && resolve()));
tell("now");
await isBack;
await db.reducers.sendMessage({ text: name + " is back" });
tell("rows", db.tables.message.rows().filter(({ text }) => text.startsWith(name)).length);
db.close();
tell(...new Set(states));
`;

interface Running {
  readonly told: string[];
  /** Resolves when it has told that it is there, or has ended. */
  readonly isThere: Promise<void>;
  readonly ended: Promise<number | null>;
}

function start(name: string, command: string, args: readonly string[]): Running {
  const text = name === "Deno" ? `import process from "node:process";\n${everything}` : everything;
  const file = write(`${name}.mjs`, text);
  const child = spawn(command, [...args, file, served.url, name], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 30_000,
  });
  const told: string[] = [];
  const { promise: isThere, resolve } = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    told.push(line);
    if (line === "now") resolve();
  });
  const ended = new Promise<number | null>((end) => child.once("close", end));
  void ended.then(() => resolve());
  return { told, isThere, ended };
}

describe("issue 10, runtimes: rows, calls, what is refused, and the way back, without a shim", () => {
  const runtimes = [
    { name: "Node", command: process.execPath, args: [] as string[] },
    { name: "Bun", command: bun, args: ["run"] },
    { name: "Deno", command: deno, args: ["run", "--allow-net", "--no-lock"] },
  ];
  const running = new Map<string, Running>();

  beforeAll(async () => {
    for (const { name, command, args } of runtimes)
      if (command !== undefined) running.set(name, start(name, command, args));
    await Promise.all(Array.from(running.values(), ({ isThere }) => isThere));
    await served.killFront();
    await served.start();
  });

  for (const { name, command } of runtimes)
    test.skipIf(command === undefined)(`${name} (${command ?? "it is not on the path"})`, async () => {
      expect(await running.get(name)?.ended).toBe(0);
      expect(running.get(name)?.told).toEqual([
        "nowhere NoSuchDatabase: there is no database `no-such-chat`",
        "stranger Unauthorized",
        `said ${name} is here`,
        "refused ReducerFailed: Messages must not be empty",
        "me 1 true",
        "asked 1",
        "now",
        `said ${name} is back`,
        "rows 2",
        "open waiting connecting closed",
      ]);
    });
});

describe.skipIf(oldNode === undefined)(
  `row 28: a Node without WebSocket (${oldNode ?? "none below 22 is on the path"})`,
  () => {
    const program = (importWs: string): string => `${importWs}
import { connect } from "./client.mjs";
const [uri] = process.argv.slice(2);
try {
  const db = connect({ uri, database: "chat"${importWs === "" ? "" : ", WebSocket"} });
  db.tables.message.onInsert(({ text }) => text.startsWith("from") && console.log("said", text));
  await db.subscribe(db.tables.message).applied;
  await db.reducers.sendMessage({ text: "from an old Node" });
  console.log("refused", await db.reducers.sendMessage({ text: "" }).catch(({ code, message }) => code + ": " + message));
  db.close();
} catch ({ code, message, hint }) {
  console.log(code + ": " + message + "\\n" + hint);
}
`;
    const runProgram = async (text: string): Promise<string> =>
      (await run(oldNode ?? "", [write("program.mjs", text), served.url])).stdout;

    test("says what to do", async () => {
      expect(await runProgram(program(""))).toMatch(
        /^NoWebSocket: this runtime has no WebSocket of its own\n.*npm install ws.*connect\(\{ …, WebSocket \}\)/,
      );
    });

    test("works with that of the package ws", async () => {
      const ws = join(root, "node_modules/ws/wrapper.mjs");
      expect(await runProgram(program(`import { WebSocket } from ${JSON.stringify(ws)};`))).toBe(
        "said from an old Node\nrefused ReducerFailed: Messages must not be empty\n",
      );
    });
  },
);

test("issue 10, runtimes: client and hooks bundle for React Native, without a part of Node, and load without a page", async () => {
  const entry = write(
    "native.ts",
    `export { connect, webTokenStore } from ${JSON.stringify(join(root, "packages/lightcone/src/client.ts"))};
export { createHooks } from ${JSON.stringify(join(root, "packages/lightcone/src/react.ts"))};\n`,
  );
  const built = await build({
    root: folder,
    logLevel: "error",
    configFile: false,
    // As Metro resolves packages.
    resolve: { conditions: ["react-native", "import", "default"], mainFields: ["react-native", "browser", "main"] },
    build: {
      write: false,
      minify: false,
      lib: { entry, formats: ["iife"], name: "native", fileName: () => "native.js" },
      rolldownOptions: { external: ["react"], output: { globals: { react: "react" } } },
    },
  });
  const [{ output }] = built as unknown as [{ output: { code: string; imports: string[]; moduleIds: string[] }[] }];
  const [chunk] = output;
  expect(output).toHaveLength(1);
  expect(chunk?.imports).toEqual(["react"]);
  const ofNode = new Set(builtinModules);
  expect(
    chunk?.moduleIds.filter((id) => id.startsWith("node:") || ofNode.has(id) || id.includes("browser-external")),
  ).toEqual([]);
  // Nothing else is looked for before it is used.
  const world = createContext({ react: { createContext: () => ({}) }, performance: { now: () => performance.now() } });
  runInContext(chunk?.code ?? "", world);
  expect(runInContext("[typeof native.connect, typeof native.createHooks]", world)).toEqual(["function", "function"]);
});
