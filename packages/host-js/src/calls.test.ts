// Goal: however a reducer ends, its caller and the log hear of it rightly, and the database goes on.
// Method: one-reducer bundles in both sandboxes; what ends a call is passed in.
import { LightconeError } from "@lightcone/base";
import { outsideMicrotasks } from "@lightcone/base/node";
import { ByteWriter } from "@lightcone/sats";
import { Script } from "node:vm";
import { describe, expect, test } from "vitest";
import { loadJsModule } from "./index.ts";
import { bundleOf, FakePort, someCall } from "./testing/fake-port.ts";

const panic = (message: RegExp) => ({ kind: "panic", fatal: false, message: expect.stringMatching(message) });

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
    ...[
      `throw new Proxy(new Error("p"), { getPrototypeOf() { throw { toString() { throw 1; } }; } });`,
      `throw Object.create(new Proxy({}, { getPrototypeOf() { throw { toString() { throw 1; } }; } }));`,
      `throw new (class extends host.SenderError { get message() { throw { toString() { throw 1; } }; } })();`,
      `throw Object.assign(new host.SenderError("x"), { message: { toString() { throw 1; } } });`,
    ].map((body) => ({ body, outcome: { kind: "panic", fatal: false } })),
    {
      body: `return 1;`,
      outcome: { kind: "panic", fatal: false, message: expect.stringContaining("a reducer returns nothing") },
    },
    {
      body: `return (async () => {})();`,
      outcome: { kind: "panic", fatal: true, message: expect.stringContaining("done by a client") },
    },
    {
      body: `const deep = () => deep(); deep();`,
      outcome: { kind: "panic", fatal: true, message: expect.stringContaining("Maximum call stack size exceeded") },
    },
    { body: `ctx.db.none.insert({});`, outcome: { kind: "panic", fatal: false } },
  ])("a body that does: $body", async ({ body, outcome }) => {
    const instance = open(body);
    expect(await outsideMicrotasks(() => instance.callReducer(someCall))).toMatchObject(outcome);
  });

  // Row 5: a promise that goes wrong fails its own call, with a place in the author's files, and nothing else.
  test.each([
    {
      body: `Promise.reject();`,
      outcome: panic(/^Uncaught undefined, in a promise made at lightcone-module.js:\d+:\d+$/),
    },
    { body: `Promise.reject(new TypeError("no"));`, outcome: panic(/^TypeError: no\n {4}at run \(/) },
    {
      body: `(async () => { await null; throw new RangeError("late"); })();`,
      outcome: panic(/^RangeError: late\n {4}at /),
    },
    { body: `(async () => { throw new host.SenderError("no"); })();`, outcome: { kind: "error", message: "no" } },
    {
      body: `Promise.reject({ toString() { throw 1; }, get message() { throw 2; } });`,
      outcome: panic(/^an error that cannot be read, in a promise made at /),
    },
    {
      body: `Promise.reject(new Proxy({}, { get() { throw 1; }, has() { throw 2; } }));`,
      outcome: panic(/, in a promise made at /),
    },
    { body: `Promise.reject(Symbol("s"));`, outcome: panic(/^Uncaught Symbol\(s\), in a promise made at /) },
    { body: `Promise.reject(1); Promise.reject(2);`, outcome: panic(/^Uncaught 1, /) },
    {
      body: `for (let i = 0; i < 1000; i++) Promise.resolve(i); Promise.reject("many");`,
      outcome: panic(/^Uncaught 'many'/),
    },
    { body: `Promise.all([1, Promise.reject(new Error("one"))]);`, outcome: panic(/^Error: one/) },
    { body: `Promise.reject(1); throw new host.SenderError("first");`, outcome: { kind: "error", message: "first" } },
    { body: `Promise.reject(1).catch(() => {});`, outcome: { kind: "ok" } },
    {
      body: `const late = Promise.reject(1); Promise.resolve().then(() => late.catch(() => {}));`,
      outcome: { kind: "ok" },
    },
    {
      body: `(async () => { await null; for await (const x of (async function* () { yield 1; })()); })();`,
      outcome: { kind: "ok" },
    },
    {
      body: `new Promise(() => {});`,
      outcome: {
        ...panic(/^a promise, made at lightcone-module.js:\d+:\d+, is still open as reducer run ends: /),
        fatal: true,
      },
    },
    { body: `(async () => { await new Promise(() => {}); })();`, outcome: { ...panic(/is still open/), fatal: true } },
    {
      body: `new Promise(() => {}); throw new host.SenderError("no");`,
      outcome: { ...panic(/is still open/), fatal: true },
    },
    { body: `new Promise(() => {}); throw new Error("mine");`, outcome: { ...panic(/^Error: mine/), fatal: true } },
    { body: `return Promise.reject(1);`, outcome: { ...panic(/returned a promise/), fatal: true } },
    { body: `return { then() {} };`, outcome: { ...panic(/returned a promise/), fatal: true } },
  ])("a body that leaves a promise: $body", async ({ body, outcome }) => {
    const instance = open(`if (isDone) return; isDone = true; ${body}`, "let isDone = false;");
    expect(await outsideMicrotasks(() => instance.callReducer(someCall))).toMatchObject(outcome);
    expect(await outsideMicrotasks(() => instance.callReducer(someCall))).toEqual({ kind: "ok" });
  });

  test("what a call leaves to its promises runs before the call ends", async () => {
    const port = new FakePort();
    const instance = open(
      `(async () => { await null; await null; console.log("late"); })(); console.log("body");`,
      "",
      port,
    );
    expect(await outsideMicrotasks(() => instance.callReducer(someCall))).toEqual({ kind: "ok" });
    expect(port.lines.map(({ message }) => message)).toEqual(["body", "late"]);
  });

  test("promises that the host makes for a module are not the module's", async () => {
    const port = new FakePort();
    port.log = () => void new Promise(() => {});
    const instance = open(`console.log(1); Promise.resolve();`, "", port);
    expect(await outsideMicrotasks(() => instance.callReducer(someCall))).toEqual({ kind: "ok" });
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
    { body: `const again = () => Promise.resolve().then(again); again();`, why: "microtasks that make microtasks" },
    { body: `const a = []; for (;;) { a.length = 0; a.push(1); a.sort(); }`, why: "a loop through built-ins" },
  ])("time ends $why, and nothing catches that", async ({ body }) => {
    const instance = open(body);
    Reflect.set(globalThis, "lightconeTestCall", () => instance.callReducer(someCall));
    const armed = (): unknown => new Script("lightconeTestCall()").runInThisContext({ timeout: 50 });
    await expect(outsideMicrotasks(armed)).rejects.toThrow(
      expect.objectContaining({ code: "ERR_SCRIPT_EXECUTION_TIMEOUT" }),
    );
  });

  test("a limit that is met passes through the module", () => {
    const limit = new LightconeError("OutOfMemory", { bytesMax: 1 });
    const port = new FakePort();
    port.nowMicros = () => {
      throw limit;
    };
    expect(() => open(`console.time("x");`, "", port).callReducer(someCall)).toThrow(limit);
  });

  test("row 5: what is made to look like the host's own error is the module's", () => {
    const theirs = new LightconeError("OutOfMemory", { bytesMax: 1 });
    const port = new FakePort();
    port.nowMicros = () => {
      throw theirs;
    };
    const forged = `
      let theirs; try { console.time("x"); } catch (error) { theirs = error; }
      const made = Object.create(Object.getPrototypeOf(theirs), { message: { value: "m" }, code: { value: "OutOfMemory" }, detail: { get() { throw 1; } } });
      throw made;`;
    expect(open(forged, "", port).callReducer(someCall)).toMatchObject({ kind: "panic", fatal: false });
    const proxied = `try { console.time("x"); } catch (error) { throw new Proxy(error, {}); }`;
    expect(open(proxied, "", port).callReducer(someCall)).toMatchObject({ kind: "panic", fatal: false });
  });

  test("row 5: what reading a module's values leaves to promises is run with them", async () => {
    const late = `Promise.resolve().then(() => console.log("late"))`;
    const port = new FakePort();
    const instance = open(`Promise.reject({ get message() { ${late}; return "m"; } });`, "", port);
    expect(await outsideMicrotasks(() => instance.callReducer(someCall))).toMatchObject({ kind: "panic" });
    const count = port.lines.length;
    expect(count).toBeGreaterThan(0);
    const thrown = new FakePort();
    const bundle = `throw { get message() { ${late}; return "m"; } };`;
    const load = (): unknown => loadJsModule(bundle, undefined, { sandbox }).open(thrown);
    await expect(outsideMicrotasks(load)).rejects.toMatchObject({ code: "ModuleInvalid" });
    const loadedCount = thrown.lines.length;
    expect(loadedCount).toBeGreaterThan(0);
    await outsideMicrotasks(() => undefined);
    expect([port.lines.length, thrown.lines.length], "nothing comes later").toEqual([count, loadedCount]);
  });

  test.each([
    { bundle: "nonsense(", reason: /SyntaxError/ },
    { bundle: "throw new Error('at start');", reason: /Error: at start\n {4}at .*lightcone-module.js:1/ },
    { bundle: "exports.default = 1;", reason: /not a schema/ },
    { bundle: "exports.default = new Proxy({}, { get() { throw new Error('trap'); } });", reason: /trap/ },
    { bundle: `${bundleOf("")}\nexports.helper = () => {};`, reason: /`helper` is no reducer/ },
    { bundle: "for (const deep = () => deep(); ; ) deep();", reason: /call stack/ },
    { bundle: `module.exports = 1; exports = 2;`, reason: /not a schema/ },
    {
      bundle: `Promise.reject();\n${bundleOf("")}`,
      reason: /as the module loads: Uncaught undefined, in a promise made at lightcone-module.js:1:9/,
    },
    {
      bundle: `(async () => { await null; null.x; })();\n${bundleOf("")}`,
      reason: /as the module loads: TypeError: .*\n {4}at .*lightcone-module.js:1/,
    },
    { bundle: bundleOf("").replace("body: (", "body: async ("), reason: /reducer `run` is async: .* done by a client/ },
    {
      bundle: bundleOf("").replace("body: (ctx, args) =>", "body: function* ()"),
      reason: /reducer `run` is a generator/,
    },
  ])("a bundle that will not do: $bundle", async ({ bundle, reason }) => {
    const program = loadJsModule(bundle, undefined, { sandbox });
    await expect(outsideMicrotasks(() => program.open(new FakePort()))).rejects.toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^(ModuleInvalid|SchemaInvalid)$/),
        message: expect.stringMatching(reason),
      }),
    );
  });

  test("row 28: a reducer that is made and not exported is refused, with the place where it is made", () => {
    const bundle = `const host = require("lightcone:host@1");
      const made = Object.defineProperty(() => {}, host.description, { value: { kind: "reducer", made: new Error() } });
      exports.default = Object.defineProperty({}, host.description, { value: { kind: "schema", tables: {}, functions: [made] } });`;
    expect(() => loadJsModule(bundle, undefined, { sandbox }).open(new FakePort())).toThrow(
      /the function that is made at lightcone-module.js:2:\d+ is not exported/,
    );
  });

  test.each([
    { call: `console.log("a", 1, 2n, true)`, level: 2, message: "a 1 2n true" },
    { call: `console.error({ a: [1, { b: 2 }] })`, level: 0, message: "{ a: [ 1, { b: 2 } ] }" },
    { call: `console.warn(ctx.sender)`, level: 1, message: "07".repeat(32) },
    { call: `console.debug(new host.Timestamp(0n))`, level: 3, message: "1970-01-01T00:00:00.000000Z" },
    // Values are texts wherever they stand, and formats are filled in.
    { call: `console.log({ who: ctx.sender })`, level: 2, message: `{ who: ${"07".repeat(32)} }` },
    {
      call: `const at = new host.Timestamp(0n); console.log([at, { at }], new Map([[at, new Set([at])]]))`,
      level: 2,
      message: [
        "[ 1970-01-01T00:00:00.000000Z, { at: 1970-01-01T00:00:00.000000Z } ]",
        "Map(1) { 1970-01-01T00:00:00.000000Z => Set(1) { 1970-01-01T00:00:00.000000Z } }",
      ].join(" "),
    },
    {
      call: `const loop = { id: ctx.connectionId, get read() { throw 1; } }; loop.self = loop; console.log(loop)`,
      level: 2,
      message: /^<ref \*1> \{ id: (?:null|[0-9a-f]{32}), read: \[Getter\], self: \[Circular \*1\] \}$/,
    },
    {
      call: `const proxy = new Proxy({}, { ownKeys() { throw 1; }, get() { throw 1; } }); console.log({ proxy })`,
      level: 2,
      message: "{ proxy: {} }",
    },
    { call: `console.log(Array(200).fill(new host.Timestamp(0n)).length, "%s")`, level: 2, message: "200 %s" },
    {
      call: `console.log("%s has %d of %i%%, %o%c", ctx.sender, "7", 3.9, { a: 1n }, "color: red", "more")`,
      level: 2,
      message: `${"07".repeat(32)} has 7 of 3%, { a: 1n } more`,
    },
    { call: `console.log("%s %s %x", "one")`, level: 2, message: "one %s %x" },
    { call: `console.log("100%")`, level: 2, message: "100%" },
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
