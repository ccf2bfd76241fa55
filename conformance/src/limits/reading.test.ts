// Goal: what bounds a program, a statement and a WebAssembly call holds at its number, and what is below it passes.
// Method: a row or a guest per limit, at the bound and one past it.
import { isLightconeError } from "@lightcone/base";
import { Errno, LogLevel } from "@lightcone/host";
import { op } from "@lightcone/host-wasm/testing";
import { product, ref, t } from "@lightcone/sats";
import { checkModule, decodeModuleDef, encodeRawV10, type RawModuleDefV10 } from "@lightcone/schema";
import { compileStatement, type Catalog } from "@lightcone/sql";
import { describe, expect, test } from "vitest";
import { byteSourcesMax, sinkBytesMax } from "../../../packages/host-wasm/src/byte-streams.ts";
import { consoleTimersMax, logTextBytesMax } from "../../../packages/host-wasm/src/console-functions.ts";
import { rowIteratorsMax } from "../../../packages/host-wasm/src/row-iterators.ts";
import { emptyRawV10, submoduleDepthMax } from "../../../packages/schema/src/raw-v10.ts";
import { moduleTypeNodesMax } from "../../../packages/schema/src/resolve-types.ts";
import { param, table } from "../../../packages/schema/src/testing/module-parts.ts";
import { sqlBytesMax } from "../../../packages/sql/src/compile.ts";
import { sourceCountMax } from "../../../packages/sql/src/condition.ts";
import { traceCaller } from "../wasm/engine-database.ts";
import { bufferAt, GuestData, outAt, runScript } from "../wasm/guest-script.ts";

/** What was thrown, as its code and detail; undefined when nothing was. */
function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    if (isLightconeError(error)) return { code: error.code, ...error.detail };
    throw error;
  }
  return undefined;
}

describe("a description", () => {
  test("submoduleDepthMax", () => {
    const nested = (depth: number): RawModuleDefV10 =>
      depth === 0 ? emptyRawV10 : { ...emptyRawV10, submodules: [{ namespace: "n", module: nested(depth - 1) }] };
    const read = (depth: number) => thrownBy(() => decodeModuleDef(encodeRawV10(nested(depth))));
    expect(read(submoduleDepthMax)).toBeUndefined();
    expect(read(submoduleDepthMax + 1)).toMatchObject({ code: "TooDeep", depthMax: submoduleDepthMax });
  });

  test("moduleTypeNodesMax", () => {
    // A row of 60 columns, each of which is a product of 1,000 parts: 60,061 with the products themselves.
    const parts = product(Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`p${at}`, t.u8])));
    const row = { kind: "Product", elements: Array.from({ length: 60 }, (_, at) => param(`c${at}`, ref(0))) } as const;
    const withTables = (count: number): RawModuleDefV10 => ({
      ...emptyRawV10,
      typespace: [parts, ...Array.from({ length: count }, () => row)],
      types: Array.from({ length: count + 1 }, (_, at) => ({
        scope: [],
        name: `T${at}`,
        ref: at,
        customOrdering: true,
      })),
      tables: Array.from({ length: count }, (_, at) => table(`t${at}`, at + 1)),
    });
    const fits = Math.floor(moduleTypeNodesMax / 60_061) - 1;
    expect(thrownBy(() => checkModule(withTables(fits)))).toBeUndefined();
    const refused = {
      code: "SchemaInvalid",
      problems: expect.arrayContaining([expect.stringContaining(`more than ${moduleTypeNodesMax} parts`)]),
    };
    expect(thrownBy(() => checkModule(withTables(fits + 2)))).toMatchObject(refused);
  });
});

describe("a statement", () => {
  const tables = checkModule({
    ...emptyRawV10,
    typespace: [product({ x: t.u32 })],
    types: [{ scope: [], name: "A", ref: 0, customOrdering: true }],
    tables: [table("a", 0)],
  }).tables;
  const catalog: Catalog = {
    table: (name) => tables.filter((def) => def.name === name).map((def) => ({ id: 5000, def }) as never)[0],
  };
  const compile = (text: string) =>
    thrownBy(() => compileStatement(text, catalog, { identity: new Uint8Array(32), mayWrite: true }));

  test("sqlBytesMax", () => {
    expect(compile("SELECT * FROM a".padEnd(sqlBytesMax))).toBeUndefined();
    const tooLong = { code: "SqlRefused", category: "too_long" };
    expect(compile("SELECT * FROM a".padEnd(sqlBytesMax + 1))).toMatchObject(tooLong);
    // Bytes, not characters.
    expect(compile(`SELECT * FROM a -- ${"é".repeat(sqlBytesMax / 2)}`)).toMatchObject(tooLong);
  });

  test("sourceCountMax", () => {
    const joined = (count: number): string =>
      ["SELECT a0.* FROM a AS a0", ...Array.from({ length: count - 1 }, (_, at) => `JOIN a AS a${at + 1}`)].join(" ");
    expect(compile(joined(sourceCountMax + 1))).toMatchObject({ code: "SqlRefused", category: "too_many_tables" });
    expect(compile(joined(sourceCountMax))).not.toMatchObject({ category: "too_many_tables" });
  });
});

describe("a call in WebAssembly", () => {
  /** What a guest does `count` times before a step that does it once more; the step's function is its second import. */
  const repeated = (count: number, code: readonly number[]): number[] =>
    Array.from({ length: count }, () => code).flat();
  const item = runScript([]).database.store.tableByName("item")?.id ?? 0;

  const scan = [...op.i32(item), ...op.i32(outAt), ...op.call(2), ...op.drop];
  test("rowIteratorsMax", () => {
    const run = (count: number) =>
      runScript([["datastore_table_scan_bsatn", item, outAt]], { before: repeated(count, scan) });
    expect(run(rowIteratorsMax - 1).outcome).toMatchObject({ kind: "ok" });
    expect(run(rowIteratorsMax).outcome).toMatchObject({ kind: "panic" });
  });

  test("byteSourcesMax", () => {
    const claims = new Map([[Buffer.from(traceCaller.connection).toString("hex"), Buffer.from("{}")]]);
    const run = (count: number) => {
      const data = new GuestData();
      const [connection] = data.put([...traceCaller.connection]);
      const again = [...op.i32(connection), ...op.i32(outAt), ...op.call(2), ...op.drop];
      return runScript([["get_jwt", connection, outAt]], { data, claims, before: repeated(count, again) });
    };
    expect(run(byteSourcesMax - 1).outcome).toMatchObject({ kind: "ok" });
    expect(run(byteSourcesMax).outcome).toMatchObject({ kind: "panic" });
  });

  test("consoleTimersMax", () => {
    const start = [...op.i32(bufferAt), ...op.i32(1), ...op.call(2), ...op.drop];
    const run = (count: number) =>
      runScript([["console_timer_start", bufferAt, 1]], { before: repeated(count, start) });
    expect(run(consoleTimersMax - 1).outcome).toMatchObject({ kind: "ok" });
    expect(run(consoleTimersMax).outcome).toMatchObject({ kind: "panic" });
  });

  test("sinkBytesMax", () => {
    const pieceBytes = 65_536;
    const run = (count: number, lastBytes: number) => {
      const data = new GuestData();
      const [, lengthAt] = data.putWithLength("");
      const set = (bytes: number): number[] => [...op.i32(lengthAt), ...op.i32(bytes), ...op.store];
      const write = [...op.i32(1), ...op.i32(bufferAt), ...op.i32(lengthAt), ...op.call(0), ...op.drop];
      const before = [...set(pieceBytes), ...repeated(count, write), ...set(lastBytes)];
      return runScript([["bytes_sink_write", 1, bufferAt, lengthAt]], { data, before });
    };
    const whole = sinkBytesMax / pieceBytes;
    expect(run(whole - 1, pieceBytes).results).toEqual([0]);
    expect(run(whole, 1).results).toEqual([Errno.noSpace]);
  });

  test("logTextBytesMax: a longer line is cut", () => {
    const lengths = [logTextBytesMax, logTextBytesMax + 1];
    const { database } = runScript(
      lengths.map((length) => ["console_log", LogLevel.info, 0, 0, 0, 0, -1, bufferAt, length] as const),
      { before: [...op.i32(64), ...op.growMemory, ...op.drop] },
    );
    expect(database.logs.map(({ message }) => message.length)).toEqual([logTextBytesMax, logTextBytesMax]);
  });
});
