// Goal: a program that cannot run here is refused before it is compiled, and the reason names what is wrong and the fix.
// Method: a row per fault, each binary assembled by hand; random and truncated bytes must end in the same error.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import { isLightconeError } from "@lightcone/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadWasmModule } from "./load.ts";
import { buildModule, buildWasm, callSignature, type BinaryParts } from "./testing/wasm-builder.ts";
import { readWasmBinary, withMemoryMax } from "./wasm-binary.ts";

const limits = { memoryPagesMax: 16 };
const cases = caseCount(1000);

const describer = { signature: "(i32)->()", code: [], exportAs: "__describe_module__" };
const caller = { signature: callSignature, code: [0x41, 0], exportAs: "__call_reducer__" };
const sinkWrite = { module: "spacetime_10.0", name: "bytes_sink_write", signature: "(i32,i32,i32)->(i32)" };
const good: BinaryParts = { imports: [sinkWrite], functions: [describer, caller], memory: { min: 1 } };

/** The reason for refusing; undefined when the program is taken. */
function reasonOf(bytes: Uint8Array): string | undefined {
  try {
    loadWasmModule(bytes, limits);
    return undefined;
  } catch (error) {
    if (isLightconeError(error, "ModuleInvalid")) return error.detail.reason;
    throw error;
  }
}

const withImport = (module: string, name: string, signature = "()->()"): BinaryParts => ({
  ...good,
  imports: [sinkWrite, { module, name, signature }],
});

describe("refused", () => {
  test.each<[what: string, parts: BinaryParts, reason: RegExp]>([
    ["a malformed version", withImport("spacetime_10", "x"), /`spacetime_10`.*MAJOR\.MINOR/],
    ["a version that is no u16", withImport("spacetime_10.70000", "x"), /MAJOR\.MINOR/],
    ["two majors", withImport("spacetime_9.0", "x"), /9 and 10/],
    ["no ABI at all", { ...good, imports: [] }, /ABI cannot be told/],
    ["an ABI to come", withImport("spacetime_10.6", "x"), /needs `spacetime_10\.6`.*10\.0 to 10\.5/],
    ["another major", { ...good, imports: [{ ...sinkWrite, module: "spacetime_11.0" }] }, /needs `spacetime_11\.0`/],
    ["an unknown function", withImport("spacetime_10.0", "make_tea"), /`spacetime_10\.0`\.`make_tea`/],
    [
      "a function in the wrong place",
      withImport("spacetime_10.0", "datastore_clear", "(i32,i32)->(i32)"),
      /stands in `spacetime_10\.5`/,
    ],
    [
      "a function of another type",
      withImport("spacetime_10.0", "identity", "(i64)->()"),
      /as \(i64\)->\(\); the host's is \(i32\)->\(\)/,
    ],
    ["wasm-bindgen", withImport("__wbindgen_placeholder__", "__wbindgen_describe"), /getrandom/],
    ["wasm-bindgen alone", { ...good, imports: [{ module: "wbg", name: "now", signature: "()->()" }] }, /chrono/],
    ["WASI", withImport("wasi_snapshot_preview1", "fd_write"), /wasm32-unknown-unknown/],
    ["a missing C function", withImport("env", "malloc"), /function missing/],
    [
      "an imported memory",
      { ...good, imports: [sinkWrite, { module: "spacetime_10.0", name: "memory", descriptor: [2, 0, 1] }] },
      /imports the memory/,
    ],
    [
      "an imported global",
      { ...good, imports: [sinkWrite, { module: "env", name: "g", descriptor: [3, 0x7f, 0] }] },
      /`env`\.`g`/,
    ],
    ["no describer", { ...good, functions: [caller] }, /`__describe_module__`/],
    ["no dispatcher", { ...good, functions: [describer] }, /`__call_reducer__`/],
    ["no memory", { ...good, memory: undefined }, /`memory`/],
    ["a memory of another name", { ...good, memory: { min: 1, exportAs: "mem" } }, /`memory`/],
    [
      "a describer of another type",
      { ...good, functions: [{ ...describer, signature: "()->()" }, caller] },
      /`__describe_module__` is \(\)->\(\); it must be \(i32\)->\(\)/,
    ],
    [
      "a dispatcher of another type",
      { ...good, functions: [describer, { ...caller, signature: "(i32)->(i32)" }] },
      /`__call_reducer__` is/,
    ],
    [
      "a preinit of another type",
      { ...good, functions: [describer, caller, { signature: "(i32)->()", code: [], exportAs: "__preinit__20_x" }] },
      /`__preinit__20_x` is/,
    ],
    [
      "a setup of another type",
      { ...good, functions: [describer, caller, { signature: "()->()", code: [], exportAs: "__setup__" }] },
      /`__setup__` is/,
    ],
    ["a memory that starts too large", { ...good, memory: { min: 17 } }, /17 pages.*16 allowed/],
    ["code that does not validate", { ...good, functions: [describer, { ...caller, code: [] }] }, /does not compile/],
  ])("%s", (_, parts, reason) => {
    expect(reasonOf(buildWasm(parts))).toMatch(reason);
  });

  test.each<[what: string, bytes: number[], reason: RegExp]>([
    ["nothing", [], /not a WebAssembly binary/],
    ["text", [...Buffer.from("module.exports = {}")], /not a WebAssembly binary/],
    ["a component", [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0], /component/],
    ["a section longer than the file", [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0x50], /ends early/],
    ["a count beyond the section", [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f], /ends early/],
    ["a number of 33 bits", [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 0xff, 0xff, 0xff, 0xff, 0x1f], /32 bits/],
    ["a number that never ends", [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80], /32 bits/],
    ["a type of the garbage collector", [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 3, 1, 0x5f, 0], /form 0x5f/],
    ["a shared memory", [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 4, 1, 3, 1, 1], /shared/],
    [
      "a table of two million",
      [...buildWasm(good)].toSpliced(8, 0, 4, 6, 1, 0x70, 0, 0x80, 0x89, 0x7a),
      /2000000 elements/,
    ],
  ])("%s", (_, bytes, reason) => {
    expect(reasonOf(Uint8Array.from(bytes))).toMatch(reason);
  });
});

test("the smallest module that keeps the rules is taken", () => {
  expect(reasonOf(buildWasm(good))).toBeUndefined();
});

test.each<[what: string, declared: { min: number; max?: number }, pagesMax: number]>([
  ["a maximum above the limit comes down", { min: 1, max: 65_536 }, 16],
  ["a maximum that is missing is set", { min: 2 }, 16],
  ["a smaller maximum stays", { min: 1, max: 3 }, 3],
])("%s", (_, memory, pagesMax) => {
  const bytes = buildModule({ memory });
  const bounded = withMemoryMax(bytes, readWasmBinary(bytes), limits.memoryPagesMax);
  expect(readWasmBinary(bounded).memories).toEqual([{ pagesMin: memory.min, pagesMax }]);
  expect({ ...readWasmBinary(bounded), memories: [], memorySection: undefined }).toEqual({
    ...readWasmBinary(bytes),
    memories: [],
    memorySection: undefined,
  });
});

test("bytes from outside are taken or refused, never anything else", () => {
  const whole = buildModule({ uses: ["identity"] });
  assertProperty(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(whole.length),
      fc.nat(whole.length),
      fc.nat(255),
      (noise, cut, at, byte) => {
        const changed = whole.slice();
        changed[Math.min(at, changed.length - 1)] = byte;
        const headed = Uint8Array.from([...whole.subarray(0, 8), ...noise]);
        for (const bytes of [noise, headed, whole.subarray(0, cut), changed]) {
          expect(["string", "undefined"]).toContain(typeof reasonOf(bytes));
        }
      },
    ),
    Math.max(1, Math.floor(cases / 4)),
  );
});
