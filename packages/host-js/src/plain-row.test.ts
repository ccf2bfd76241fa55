// Goal: rows written and read in place have the codec's bytes and values, and take exactly the values that it takes.
// Method: a row of every kind, filled with edges and strangers in turn; the generated code beside the codec.
import { compileFunction } from "node:vm";
import { expect, test } from "vitest";
import { type AlgebraicType, ByteReader, ByteWriter, product, t, valueCodec } from "@lightcone/sats";
import { plainCode } from "./plain-row.ts";

const kinds = { t0: t.bool, t1: t.u8, t2: t.i8, t3: t.u16, t4: t.i16, t5: t.u32, t6: t.i32, t7: t.u64, t8: t.i64 };
const types: Readonly<Record<string, AlgebraicType>> = { ...kinds, t9: t.f32, t10: t.f64 };
const edges: readonly unknown[] = [
  ...[true, false, 0, -0, 1, -1, 0.5, Number.NaN, Infinity, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768],
  ...[-32769, 65535, 65536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53],
  ...[0n, 1n, -1n, 2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 70n],
  ...["", "1", null, undefined, {}, [], [1], { valueOf: () => 1 }, Symbol("1")],
];

/** What `plainCode` generates, as functions. */
function compile(list: readonly AlgebraicType[]): {
  fits(values: readonly unknown[]): boolean;
  write(values: readonly unknown[], view: DataView): void;
  read(view: DataView, at: number): unknown[];
} {
  const code = plainCode(list) ?? expect.unreachable("every type here is plain");
  const names = list.map((_, index) => `v[${index}]`);
  const body = `return {
    fits: (v) => ${code.fits(names)},
    write: (v, view) => { ${code.writes(names)} },
    read: (view, at) => [${code.reads().join(", ")}],
  };`;
  return compileFunction(body)() as ReturnType<typeof compile>;
}

test.each(Object.entries(types))("%s takes what its codec takes", (name, type) => {
  const codec = valueCodec(product({ [name]: type }));
  const code = compile([type]);
  for (const value of edges) {
    const out = new ByteWriter();
    let isTaken = true;
    try {
      codec.write(out, { [name]: value });
    } catch {
      isTaken = false;
    }
    expect([value, code.fits([value])]).toEqual([value, isTaken]);
    if (!isTaken) continue;
    const view = new DataView(new ArrayBuffer(8));
    code.write([value], view);
    expect(new Uint8Array(view.buffer).slice(0, out.length)).toEqual(out.toBytes());
    const read = codec.read(new ByteReader(out.toBytes())) as Record<string, unknown>;
    expect(code.read(view, 0)).toEqual([read[name]]);
  }
});

test("columns stand behind one another, at any place", () => {
  const values = { t0: true, t1: 1, t2: -2, t3: 3, t4: -4, t5: 5, t6: -6, t7: 7n, t8: -8n, t9: 9.5, t10: -10.25 };
  const out = new ByteWriter();
  out.u8(0);
  valueCodec(product(types)).write(out, values);
  const code = compile(Object.values(types));
  const view = new DataView(new ArrayBuffer(64));
  code.write(Object.values(values), view);
  expect(new Uint8Array(view.buffer).slice(0, out.length - 1)).toEqual(out.toBytes().slice(1));
  const bytes = out.toBytes();
  expect(code.read(new DataView(bytes.buffer), 1)).toEqual(Object.values(values));
});

test.each([
  { what: "a text", list: [t.u32, t.string] },
  { what: "a wide number", list: [t.u128] },
  { what: "no columns", list: [] },
  { what: "a long row", list: Array.from({ length: 33 }, () => t.u64) },
])("$what is left to the codec", ({ list }) => {
  expect(plainCode(list)).toBeUndefined();
});
