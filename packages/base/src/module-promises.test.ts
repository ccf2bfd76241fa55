// Goal: row 5: what happens to promises of module code is told to whoever ran it; the host's own rejections end the process
// as ever; a Node that cannot run microtasks where they belong does not start.
// Method: small programs in processes of their own, where a rejection may end the process.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const file = fileURLToPath(new URL("./module-promises.ts", import.meta.url));

function run(program: string): { readonly status: number | null; readonly out: string; readonly err: string } {
  const text = `const { modulePromises, outsideMicrotasks } = await import(${JSON.stringify(file)});\n${program}`;
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", text];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

const work = (body: string): string =>
  `modulePromises.watch(); await outsideMicrotasks(() => { modulePromises.begin(); ${body}; modulePromises.end(); console.log(JSON.stringify(modulePromises.settle())); });`;

test.each([
  { why: "a rejection", body: `Promise.reject("r")`, out: /"reason":"r","madeUnder":"Error/ },
  {
    why: "one that is handled late",
    body: `const p = Promise.reject(1); Promise.resolve().then(() => p.catch(() => {}))`,
    out: /^\{\}\n$/,
  },
  { why: "a promise that stays open", body: `new Promise(() => {})`, out: /"open":\{"madeUnder":"Error/ },
  { why: "the host's own within", body: `modulePromises.outside(() => void new Promise(() => {}))`, out: /^\{\}\n$/ },
])("$why", ({ body, out }) => {
  const ran = run(work(body));
  expect([ran.status, ran.err]).toEqual([0, ""]);
  expect(ran.out).toMatch(out);
});

test("what the host began on the module's behalf, and goes on with while the module's promises are run", () => {
  const begun = `modulePromises.outside(() => Promise.resolve().then(() => { void new Promise(() => {}); }))`;
  const ran = run(work(`${begun}; Promise.resolve().then(() => { globalThis.hasRun = true; })`));
  expect([ran.status, ran.err, ran.out]).toEqual([0, "", "{}\n"]);
});

test.each([
  { how: "then", body: `Promise.resolve().then(() => { void new Promise(() => {}); })` },
  { how: "await", body: `(async () => { await 1; void new Promise(() => {}); })()` },
  { how: "a thenable", body: `Promise.resolve({ then(done) { done(); void new Promise(() => {}); } })` },
  {
    how: "a thenable's own",
    body: `Promise.resolve({ then(done) { Promise.resolve().then(() => new Promise(() => {})); done(); } })`,
  },
])("what the module goes on with by $how is the module's", ({ body }) => {
  const ran = run(work(body));
  expect([ran.status, ran.err]).toEqual([0, ""]);
  expect(ran.out).toMatch(/"open"/);
});

test("the host's own rejection ends the process", () => {
  const ran = run(`${work("Promise.resolve()")}\nvoid Promise.reject(new Error("the host's own"));`);
  expect([ran.status, ran.err]).toEqual([1, expect.stringContaining("the host's own")]);
});

test("a rejection of earlier work is nobody's later", () => {
  const late = `let reject; ${work("new Promise((_, no) => { reject = no; })")} ${work("reject(1); Promise.resolve()")}`;
  const ran = run(late);
  expect([ran.status, ran.err]).toEqual([0, ""]);
  expect(ran.out.split("\n")[1]).toBe("{}");
});

// Each breaks one thing that hosts rely on, as another version of Node might: it must be said, not passed over.
test.each([
  {
    what: "without its step between callbacks",
    breaking: "delete process._tickCallback",
    says: /lacks process\._tickCallback/,
  },
  { what: "whose step does nothing", breaking: "process._tickCallback = () => {}", says: /runs no microtasks/ },
  {
    what: "without promise hooks",
    breaking: "v8.promiseHooks.createHook = () => () => {}; syncBuiltinESMExports()",
    says: /does not call v8\.promiseHooks/,
  },
  {
    what: "that tells of rejections otherwise",
    breaking: `const { emit } = process; Object.defineProperty(process, "emit", { get: () => emit, set() {} })`,
    says: /does not emit rejections/,
  },
])("a host does not start on a Node $what", ({ breaking, says }) => {
  const text = `import v8 from "node:v8"; import { syncBuiltinESMExports } from "node:module"; ${breaking};
    const { checkPromiseHooks } = await import(${JSON.stringify(file)}); await checkPromiseHooks(); console.log("started");`;
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", text];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(says);
  expect(stderr).toContain("use a release of Node 24");
});

test("what hosts rely on is there, and nothing of the probe is left", () => {
  const text = `import { checkPromiseHooks, modulePromises } from ${JSON.stringify(file)};
    const { emit } = process; await checkPromiseHooks();
    console.log(process.emit === emit, modulePromises.activity);`;
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", text];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect([status, stdout, stderr]).toEqual([0, "true 0\n", ""]);
});
