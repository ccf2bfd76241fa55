// Goal: a module reaches nothing but the language: no clock, no chance, no I/O, no other realm, nothing to poison.
// Method: each attempt runs in a reducer and says what it got; the same table in both sandboxes, but for what only
// the real one promises. The real one locks this process down, so it comes last.
import { describe, expect, test } from "vitest";
import { loadJsModule } from "./index.ts";
import type { SandboxKind } from "./sandbox.ts";
import { bundleOf, FakePort, someCall } from "./testing/fake-port.ts";

/** Runs an expression inside a reducer; gives its value as text, or the error it threw. */
function attempt(sandbox: SandboxKind, expression: string): string {
  const port = new FakePort();
  const body = `let got; try { got = String(${expression}); } catch (error) { got = "threw " + error.name; } console.log(got);`;
  const outcome = loadJsModule(bundleOf(body), undefined, { sandbox }).open(port).callReducer(someCall);
  expect(outcome).toEqual({ kind: "ok" });
  return port.lines[0]?.message ?? "";
}

const absent = `
  process require.main Buffer fetch setTimeout setInterval setImmediate performance crypto WebSocket WebAssembly
  SharedArrayBuffer Atomics WeakRef FinalizationRegistry Compartment lockdown harden global window Temporal
`
  .trim()
  .split(/\s+/);

const attempts: readonly { expression: string; gives: string | RegExp; ses?: true }[] = [
  ...absent.map((name) => ({
    expression: `typeof (${name.includes(".") ? name : `globalThis.${name}`})`,
    gives: "undefined",
  })),
  { expression: "Date.now()", gives: /^threw/ },
  { expression: "new Date().getTime()", gives: /^threw/ },
  { expression: "new Date(1000).toISOString()", gives: "1970-01-01T00:00:01.000Z" },
  { expression: "new Date(1000).constructor.now()", gives: /^threw/ },
  { expression: "Math.random()", gives: /^threw/ },
  { expression: "typeof host.Timestamp.now", gives: "undefined" },
  { expression: "typeof host.ConnectionId.random", gives: "undefined" },
  { expression: "new host.Timestamp(5n) instanceof host.Timestamp", gives: "true" },
  { expression: "ctx.timestamp instanceof host.Timestamp && ctx.sender instanceof host.Identity", gives: "true" },
  { expression: `require("node:fs")`, gives: "threw TypeError" },
  { expression: `require("lightcone:host@2")`, gives: "threw TypeError" },
  { expression: `Function("return typeof process")()`, gives: "undefined" },
  { expression: `(0, eval)("typeof process")`, gives: "undefined" },
  { expression: `eval("typeof ctx + typeof process")`, gives: "undefinedundefined", ses: true },
  { expression: `(() => { const { run } = exports; return typeof run; })()`, gives: "function" },
  { expression: "this", gives: "undefined" },
  { expression: `"import(" + "x" + ") <!-- -->"`, gives: "import(x) <!-- -->" },
  { expression: `{ import() { return "a method"; } }.import()`, gives: "a method" },
  { expression: "ctx.timestamp === ctx.timestamp", gives: "true" },
  { expression: "(ctx.timestamp = 1)", gives: "threw TypeError" },
  { expression: "(ctx.more = 1)", gives: "threw TypeError" },
  { expression: "(ctx.db.more = 1)", gives: "threw TypeError" },
  { expression: "(ctx.random.uint32 = 1)", gives: "threw TypeError" },
  { expression: "(host.SenderError.prototype.more = 1)", gives: "threw TypeError" },
  { expression: "(host.errors.NoSuchRow = 1)", gives: "threw TypeError" },
  { expression: "new host.errors.NoSuchRow('x') instanceof host.SpacetimeHostError", gives: "true" },
  // What libraries do to errors of their own.
  {
    expression: `(() => { class Mine extends TypeError { constructor() { super(); this.name = "Mine"; this.message = "m"; } } return String(new Mine()); })()`,
    gives: "Mine: m",
  },
  {
    expression: `(() => { const error = new RangeError(); error.message = "late"; return error; })()`,
    gives: "RangeError: late",
  },
  { expression: "(TypeError.prototype.name = 'x')", gives: "threw TypeError", ses: true },
  // Stacks show the module's own frames, and nothing of the machine.
  { expression: `/file:|node:|\\//.test(new Error("x").stack)`, gives: "false" },
  {
    expression: `(() => { try { null.x; } catch (error) { return /^TypeError: .*\\n    at .*lightcone-module.js:\\d+:\\d+/.test(error.stack); } })()`,
    gives: "true",
  },
  {
    expression: `(() => { try { ctx.db.none.x; } catch (error) { return error.stack.includes("/"); } })()`,
    gives: "false",
  },
  { expression: `require("spacetime:sys@2.0")`, gives: "threw TypeError" },
  // What the web's classes are made of.
  {
    expression: `new URL("a:b").constructor.constructor("return typeof process")()`,
    gives: /^threw|^undefined$/,
    ses: true,
  },
  { expression: `Reflect.ownKeys(new URL("a:b")).length + Reflect.ownKeys(new TextDecoder()).length`, gives: "0" },
  { expression: `Object.getPrototypeOf(Object.getPrototypeOf(new URL("a:b"))) === Object.prototype`, gives: "true" },
  { expression: "(URL.prototype.more = 1)", gives: "threw TypeError", ses: true },
  { expression: "(Intl.NumberFormat.prototype.more = 1)", gives: "threw TypeError", ses: true },
  { expression: "(Intl.more = 1)", gives: "threw TypeError", ses: true },
  { expression: `Intl.NumberFormat.constructor("return typeof process")()`, gives: /^threw|^undefined$/, ses: true },
  {
    expression: `new Intl.DateTimeFormat().format.constructor("return typeof process")()`,
    gives: /^threw|^undefined$/,
    ses: true,
  },
  { expression: `Object.getPrototypeOf(Intl.NumberFormat) === Function.prototype`, gives: "true" },
  // What is reached through the host's own objects.
  {
    expression: `ctx.sender.constructor.constructor("return typeof process")()`,
    gives: /^threw|^undefined$/,
    ses: true,
  },
  { expression: `console.log.constructor("return typeof process")()`, gives: /^threw|^undefined$/ },
  { expression: `require.constructor("return typeof process")()`, gives: /^threw|^undefined$/ },
  {
    expression: `Object.getPrototypeOf(async () => {}).constructor("return typeof process")`,
    gives: /^threw/,
    ses: true,
  },
  {
    expression: `Object.getOwnPropertyDescriptor(ctx, "sender").get.constructor("return typeof process")()`,
    gives: /^threw|^undefined$/,
    ses: true,
  },
  { expression: `ctx.timestamp.constructor.now()`, gives: /^threw/, ses: true },
  { expression: "(Object.prototype.more = 1)", gives: "threw TypeError", ses: true },
  { expression: "(Array.prototype.push = null)", gives: /^threw/, ses: true },
  { expression: "(host.Identity.prototype.isEqual = () => true)", gives: "threw TypeError", ses: true },
  { expression: "(host.Timestamp.prototype.toMillis = () => 0n)", gives: "threw TypeError", ses: true },
  {
    expression: `(() => { try { ctx.db.nothing.insert({}); } catch (error) { return error.constructor.constructor("return typeof process")(); } })()`,
    gives: /^threw|^undefined$/,
    ses: true,
  },
  {
    expression: `(() => { const deep = () => deep(); try { deep(); } catch (error) { return error.constructor.constructor("return typeof process")(); } })()`,
    gives: /^threw|^undefined$/,
    ses: true,
  },
];

describe.each(["vm", "ses"] as const)("%s", (sandbox) => {
  test.each(attempts.filter(({ ses }) => ses !== true || sandbox === "ses"))("$expression", ({ expression, gives }) => {
    expect(attempt(sandbox, expression)).toMatch(
      typeof gives === "string" ? new RegExp(`^${gives.replaceAll(/[()$]/g, "\\$&")}$`) : gives,
    );
  });

  test("an import expression does not even parse", () => {
    expect(() =>
      loadJsModule(bundleOf(`import("node:fs");`), undefined, { sandbox: "ses" }).open(new FakePort()),
    ).toThrow(expect.objectContaining({ code: "ModuleInvalid" }));
  });

  test("two instances share nothing", () => {
    const port = new FakePort();
    const program = loadJsModule(
      bundleOf("console.log(String(calls++));", "let calls = 0; globalThis.mark = 1;"),
      undefined,
      { sandbox },
    );
    program.open(port).callReducer(someCall);
    program.open(port).callReducer(someCall);
    expect(port.lines.map(({ message }) => message)).toEqual(["0", "0"]);
  });
});
