// Goal: an instance starts in the ABI's order, describes itself once, and says in words why it does not start;
// what ends a call decides what becomes of the instance.
// Method: guests assembled by hand that log, trap or return codes; the real engine behind the port.
import { isLightconeError } from "@lightcone/base";
import {
  buildModule,
  buildWasm,
  callParameter,
  callSignature,
  type ModuleParts,
  noopDescription,
  op,
  u32Bytes,
} from "@lightcone/host-wasm/testing";
import { loadWasmModule } from "@lightcone/host-wasm";
import { describe, expect, test } from "vitest";
import { EngineDatabase, traceCaller } from "./engine-database.ts";

const textAt = 4096;
const text = "preinit";
const logText = (level: number, at: number, length: number, logIndex: number): number[] => [
  ...[level, 0, 0, 0, 0, -1, at, length].flatMap((value) => op.i32(value)),
  ...op.call(logIndex),
];

function reasonOf(parts: ModuleParts): string | undefined {
  try {
    new EngineDatabase(buildModule(parts));
    return undefined;
  } catch (error) {
    if (isLightconeError(error, "ModuleInvalid")) return error.detail.reason;
    throw error;
  }
}

test("functions before the first call run in the order of their names' bytes", () => {
  const names = [
    "_initialize",
    "__preinit__00_a",
    "__preinit__20_Z",
    "__preinit__20__",
    "__preinit__20_a",
    "__preinit__20_é",
  ];
  const placeOf = (name: string) => textAt + 32 * names.indexOf(name);
  const functions = names.toReversed().map((name) => ({
    signature: "()->()",
    exportAs: name,
    code: logText(2, placeOf(name), Buffer.byteLength(name), 1),
  }));
  const data = names.map((name) => ({ at: placeOf(name), bytes: Buffer.from(name) }));
  const db = new EngineDatabase(buildModule({ uses: ["console_log"], functions, data }));
  expect(db.logs.map((line) => line.message)).toEqual(names);
});

describe("a start that fails says where and why", () => {
  const fail = (name: string, signature: string, code: number[]): ModuleParts => ({
    uses: ["console_log"],
    functions: [{ signature, exportAs: name, code }],
    data: [{ at: textAt, bytes: Buffer.from(text) }],
  });
  const writeText = [...op.get(0), ...op.i32(textAt), ...op.i32(textAt + 100), ...op.call(0), ...op.drop];
  const setup = (code: number): ModuleParts => ({
    functions: [{ signature: "(i32)->(i32)", exportAs: "__setup__", code: [...writeText, ...op.i32(code)] }],
    data: [
      { at: textAt, bytes: Buffer.from(text) },
      { at: textAt + 100, bytes: u32Bytes(text.length) },
    ],
  });
  test.each<[what: string, parts: ModuleParts, reason: RegExp]>([
    [
      "a preinit that traps",
      fail("__preinit__20_x", "()->()", [...op.unreachable]),
      /`__preinit__20_x` failed: unreachable/,
    ],
    [
      "a preinit that panics",
      fail("__preinit__20_x", "()->()", [...logText(101, textAt, text.length, 1), ...op.unreachable]),
      /failed: panicked: preinit/,
    ],
    ["_initialize that traps", fail("_initialize", "()->()", [...op.unreachable]), /`_initialize` failed/],
    ["a setup that refuses", setup(1), /`__setup__` refused: preinit/],
    ["a setup with another code", setup(7), /`__setup__` returned the unknown code 7/],
    ["a describer that traps", { describe: [...op.unreachable] }, /`__describe_module__` failed/],
    ["a describer that writes nothing", { describe: [] }, /no description/],
    [
      "recursion without end",
      { describe: [...op.get(0), ...op.call(1)] },
      /`__describe_module__` failed: Maximum call stack/,
    ],
  ])("%s", (_, parts, reason) => {
    expect(reasonOf(parts)).toMatch(reason);
  });

  test("a setup that succeeds leaves nothing in the sink", () => {
    const db = new EngineDatabase(buildModule(setup(0)));
    expect(db.instance.description).toEqual(Uint8Array.from(noopDescription));
  });

  test("a start function that needs the host comes too early", () => {
    const bytes = buildWasm({
      imports: [{ module: "spacetime_10.0", name: "identity", signature: "(i32)->()" }],
      functions: [
        { signature: "(i32)->()", code: [], exportAs: "__describe_module__" },
        { signature: callSignature, code: op.i32(0), exportAs: "__call_reducer__" },
        { signature: "()->()", code: [...op.i32(8), ...op.call(0)] },
      ],
      memory: { min: 1 },
      start: 3,
    });
    expect(() => new EngineDatabase(bytes)).toThrow(
      expect.objectContaining({ code: "ModuleInvalid", message: expect.stringContaining("before it had started") }),
    );
  });
});

describe("outcomes", () => {
  const call = (parts: ModuleParts) => {
    const db = new EngineDatabase(buildModule(parts));
    const before = db.instance;
    const outcome = db.callRaw(0, new Uint8Array(0));
    return { outcome, kept: db.instance === before, db };
  };
  const failWith = [
    op.get(callParameter.sink),
    op.i32(textAt),
    op.i32(textAt + 100),
    op.call(0),
    op.drop,
    op.i32(1),
  ].flat();
  const data = [
    { at: textAt, bytes: [0x6e, 0xff, 0x6f] },
    { at: textAt + 100, bytes: u32Bytes(3) },
  ];

  test.each<[what: string, parts: ModuleParts, outcome: object, kept: boolean]>([
    ["code 0", { reducer: op.i32(0) }, { kind: "ok" }, true],
    ["code 1: the text, made good", { reducer: failWith, data }, { kind: "error", message: "n\ufffdo" }, true],
    ["code 1 without a text", { reducer: op.i32(1) }, { kind: "error", message: "" }, true],
    ["another code", { reducer: op.i32(9) }, { kind: "panic", fatal: false }, true],
    [
      "a trap",
      { reducer: [...op.unreachable] },
      { kind: "panic", fatal: true, message: expect.stringContaining("unreachable") },
      false,
    ],
    [
      "an endless recursion",
      { reducer: [...Array.from({ length: 10 }, (_, at) => op.get(at)).flat(), ...op.call(2)] },
      { kind: "panic", fatal: true },
      false,
    ],
  ])("%s", (_, parts, outcome, kept) => {
    const found = call(parts);
    expect(found.outcome).toMatchObject(outcome);
    expect(found.kept).toBe(kept);
  });

  test("memory grows to its maximum and no further", () => {
    const grow = [0x03, 0x40, ...op.i32(1), ...op.growMemory, ...op.i32(-1), 0x47, 0x0d, 0, 0x0b];
    const pages = [...op.i32(textAt), 0x3f, 0, ...op.store];
    const db = new EngineDatabase(
      buildModule({
        uses: ["volatile_nonatomic_schedule_immediate"],
        reducer: [
          ...grow,
          ...pages,
          ...[textAt, 0, textAt, 4].flatMap((value) => op.i32(value)),
          ...op.call(1),
          ...op.i32(0),
        ],
      }),
      { memoryPagesMax: 32 },
    );
    expect(db.callRaw(0, new Uint8Array(0))).toEqual({ kind: "ok" });
    expect(db.scheduled[0]?.args).toEqual(Uint8Array.of(32, 0, 0, 0));
  });

  test("what a guest catches of a trap does not save the call", () => {
    // try … catch_all … end around a host call with a null pointer, then success.
    const reducer = [0x06, 0x40, ...op.i32(0), ...op.call(1), 0x19, 0x0b, ...op.i32(0)];
    const found = call({ uses: ["identity"], reducer });
    expect(found.outcome).toMatchObject({ kind: "panic", fatal: true, message: expect.stringContaining("null") });
  });

  test("an exception that is not the module's own passes through, and the instance is lost", () => {
    const db = new EngineDatabase(
      buildModule({ uses: ["identity"], reducer: [...op.i32(8), ...op.call(1), ...op.i32(0)] }),
    );
    const stop = new Error("a limit is met");
    const instance = loadWasmModule(
      buildModule({ uses: ["console_log"], reducer: [...logText(2, 8, 1, 1), ...op.i32(0)] }),
      { memoryPagesMax: 16 },
    ).open({
      ...db.port,
      log: () => {
        throw stop;
      },
    });
    const again = () =>
      instance.callReducer({ reducerId: 0, ...traceCaller, timestampMicros: 1, args: new Uint8Array(0) });
    expect(again).toThrow(stop);
    expect(again).toThrow("lost");
  });

  test("a module without procedures says so", () => {
    const db = new EngineDatabase(buildModule({}));
    expect(
      db.instance.callProcedure?.({ procedureId: 0, ...traceCaller, timestampMicros: 1, args: new Uint8Array(0) }),
    ).toMatchObject({ kind: "panic", fatal: false });
  });
});
