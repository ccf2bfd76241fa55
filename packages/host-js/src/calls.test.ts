// Goal: however a reducer ends, its caller and the log hear of it rightly, and the database goes on.
// Method: one-reducer bundles in both sandboxes; what ends a call is passed in.
import { LightconeError } from "@lightcone/base";
import { ByteWriter } from "@lightcone/sats";
import { Script } from "node:vm";
import { describe, expect, test } from "vitest";
import { loadJsModule } from "./index.ts";
import { bundleOf, FakePort, someCall } from "./testing/fake-port.ts";

describe.each(["vm", "ses"] as const)("%s", (sandbox) => {
  const open = (body: string, before = "", port = new FakePort()) =>
    loadJsModule(bundleOf(body, before), undefined, { sandbox }).open(port);

  test.each([
    { body: "", outcome: { kind: "ok" } },
    { body: `throw new host.SenderError("no");`, outcome: { kind: "error", message: "no" } },
    {
      body: `throw new (class Mine extends host.SenderError {})("mine");`,
      outcome: { kind: "error", message: "mine" },
    },
    {
      body: `throw new TypeError("oops");`,
      outcome: { kind: "panic", fatal: false, message: expect.stringMatching(/^TypeError: oops\n {4}at /) },
    },
    {
      body: `null.x;`,
      outcome: {
        kind: "panic",
        fatal: false,
        message: expect.stringMatching(/^TypeError: Cannot read properties of null/),
      },
    },
    { body: `throw "a text";`, outcome: { kind: "panic", fatal: false, message: "Uncaught 'a text'" } },
    { body: `throw undefined;`, outcome: { kind: "panic", fatal: false, message: "Uncaught undefined" } },
    {
      body: `throw { get message() { throw 1; } };`,
      outcome: { kind: "panic", fatal: false, message: "an error that cannot be read" },
    },
    {
      body: `throw new Proxy({}, { get() { throw 1; }, has() { throw 2; } });`,
      outcome: { kind: "panic", fatal: false },
    },
    {
      body: `return 1;`,
      outcome: { kind: "panic", fatal: false, message: expect.stringContaining("reducers return nothing") },
    },
    {
      body: `return (async () => {})();`,
      outcome: { kind: "panic", fatal: true, message: expect.stringContaining("cannot be async") },
    },
    {
      body: `const deep = () => deep(); deep();`,
      outcome: { kind: "panic", fatal: true, message: expect.stringContaining("Maximum call stack size exceeded") },
    },
    { body: `ctx.db.none.insert({});`, outcome: { kind: "panic", fatal: false } },
  ])("a body that does: $body", ({ body, outcome }) => {
    expect(open(body).callReducer(someCall)).toMatchObject(outcome);
  });

  test("a reducer is called without a receiver", () => {
    const port = new FakePort();
    const bundle = bundleOf("").replace("(ctx, args) => {  }", "function () { console.log(typeof this); }");
    loadJsModule(bundle, undefined, { sandbox }).open(port).callReducer(someCall);
    expect(port.lines[0]?.message).toBe("undefined");
  });

  test("arguments of any length, wherever they stand, and none of the call before", () => {
    const port = new FakePort();
    const bundle = bundleOf(`console.log(args.text);`).replace(
      "params: {}",
      `params: { text: { shape: { kind: "String" } } }`,
    );
    const instance = loadJsModule(bundle, undefined, { sandbox }).open(port);
    const lengths = [0, 200, 1, 123, 124, 125, 5000, 2];
    for (const length of lengths) {
      const out = new ByteWriter();
      out.u8(0xff);
      out.string("x".repeat(length));
      expect(instance.callReducer({ ...someCall, args: out.toBytes().subarray(1) })).toEqual({ kind: "ok" });
    }
    expect(port.lines.map(({ message }) => message.length)).toEqual(lengths);
  });

  test("an unknown reducer", () => {
    expect(open("").callReducer({ ...someCall, reducerId: 1 })).toMatchObject({ kind: "panic" });
  });

  test.each([
    { body: `for (;;) {}`, why: "a loop" },
    { body: `for (;;) { try { for (;;) {} } catch {} finally { for (;;) {} } }`, why: "a loop that catches" },
    { body: `/(a+)+$/.test("a".repeat(40) + "b");`, why: "a slow pattern" },
    { body: `const a = []; for (;;) { a.length = 0; a.push(1); a.sort(); }`, why: "a loop through built-ins" },
  ])("time ends $why, and nothing catches that", ({ body }) => {
    const instance = open(body);
    Reflect.set(globalThis, "lightconeTestCall", () => instance.callReducer(someCall));
    const armed = (): unknown => new Script("lightconeTestCall()").runInThisContext({ timeout: 50 });
    expect(armed).toThrow(expect.objectContaining({ code: "ERR_SCRIPT_EXECUTION_TIMEOUT" }));
  });

  test("what dooms a transaction passes, caught by the module or not", () => {
    const doomed = new LightconeError("OutOfMemory", { bytesMax: 1 });
    const port = new FakePort();
    port.nowMicros = () => {
      throw doomed;
    };
    expect(() => open(`console.time("x");`, "", port).callReducer(someCall)).toThrow(doomed);
  });

  test.each([
    { bundle: "nonsense(", reason: /SyntaxError/ },
    { bundle: "throw new Error('at start');", reason: /Error: at start\n {4}at .*lightcone-module.js:1/ },
    { bundle: "exports.default = 1;", reason: /not a schema/ },
    { bundle: "exports.default = new Proxy({}, { get() { throw new Error('trap'); } });", reason: /trap/ },
    { bundle: `${bundleOf("")}\nexports.helper = () => {};`, reason: /`helper` is no reducer/ },
    { bundle: "for (const deep = () => deep(); ; ) deep();", reason: /call stack/ },
    { bundle: `module.exports = 1; exports = 2;`, reason: /not a schema/ },
  ])("a bundle that will not do: $bundle", ({ bundle, reason }) => {
    const program = loadJsModule(bundle, undefined, { sandbox });
    expect(() => program.open(new FakePort())).toThrow(
      expect.objectContaining({ code: "ModuleInvalid", message: expect.stringMatching(reason) }),
    );
  });

  test("a reducer that is not exported is told of", () => {
    const port = new FakePort();
    const bundle = `const host = require("lightcone:host@1");
      exports.default = Object.defineProperty({}, host.description, { value: { kind: "schema", tables: {}, policy: "None", functions: [() => {}] } });`;
    loadJsModule(bundle, undefined, { sandbox }).open(port);
    expect(port.lines).toMatchObject([{ level: 1, message: expect.stringContaining("not exported") }]);
  });

  test.each([
    { call: `console.log("a", 1, 2n, true)`, level: 2, message: "a 1 2n true" },
    { call: `console.error({ a: [1, { b: 2 }] })`, level: 0, message: "{ a: [ 1, { b: 2 } ] }" },
    { call: `console.warn(ctx.sender)`, level: 1, message: "07".repeat(32) },
    { call: `console.debug(new host.Timestamp(0n))`, level: 3, message: "1970-01-01T00:00:00.000000Z" },
    { call: `console.trace()`, level: 4, message: "" },
    { call: `console.assert(1 === 2, "no")`, level: 0, message: "Assertion failed no" },
    { call: `console.time("t"); console.timeEnd("t")`, level: 2, message: "t: 1.5 ms" },
    { call: `console.timeEnd("none")`, level: 1, message: "no timer is called none" },
    {
      call: `console.log({ [Symbol.for("nodejs.util.inspect.custom")]() { return "mine"; } })`,
      level: 2,
      message: /^\{/,
    },
    { call: `console.log("x".repeat(1e6))`, level: 2, message: /^x{65536}$/ },
  ])("$call", ({ call, level, message }) => {
    const port = new FakePort();
    expect(open(`${call};`, "", port).callReducer(someCall)).toEqual({ kind: "ok" });
    expect(port.lines).toMatchObject([
      {
        level,
        file: "lightcone-module.js",
        message: typeof message === "string" ? message : expect.stringMatching(message),
      },
    ]);
  });

  test("the context answers for the call that runs, also when it was kept", () => {
    const port = new FakePort();
    const body = `kept ??= ctx; console.log(kept === ctx, String(kept.sender).slice(0, 2), kept.connectionId, kept.timestamp.microsSinceUnixEpoch);`;
    const instance = open(body, "let kept;", port);
    instance.callReducer(someCall);
    instance.callReducer({
      ...someCall,
      sender: new Uint8Array(32).fill(8),
      connection: new Uint8Array(16),
      timestampMicros: 5,
    });
    expect(port.lines.map(({ message }) => message)).toEqual([
      `true 07 ${"01".repeat(16)} 1700000000000000n`,
      "true 08 null 5n",
    ]);
  });

  test("chance is the call's own", () => {
    const port = new FakePort();
    const instance = open(`console.log(ctx.random.uint32());`, "", port);
    instance.callReducer(someCall);
    instance.callReducer(someCall);
    instance.callReducer({ ...someCall, timestampMicros: 5 });
    const [first, again, other] = port.lines.map(({ message }) => message);
    expect(first).toBe(again);
    expect(other).not.toBe(first);
  });
});
