// Goal: every bound in `limits.ts` is met before the stack or the heap.
// Method: input just under and just over each.
import { expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import type { ErrorCode } from "@lightcone/base";
import {
  array,
  ByteReader,
  ByteWriter,
  bsatnToJson,
  decodeType,
  typeFromJson,
  encodeType,
  typeToJson,
  jsonDepthMax,
  parseJson,
  product,
  ref,
  resolveRefs,
  sum,
  t,
  typeDepthMax,
  typeNodesMax,
  unit,
  validator,
  valueCodec,
  valueDepthMax,
  variantsMax,
  zeroSizedElementsMax,
} from "./index.ts";
import type { AlgebraicType } from "./index.ts";

function codeOf(run: () => unknown): ErrorCode | undefined {
  try {
    run();
  } catch (error) {
    if (isLightconeError(error)) return error.code;
    throw error;
  }
  return undefined;
}
function nested(levels: number): AlgebraicType {
  let type: AlgebraicType = t.u8;
  for (let level = 1; level < levels; level += 1) type = array(type);
  return type;
}
function typeBytes(type: AlgebraicType): Uint8Array {
  const out = new ByteWriter();
  encodeType(out, type);
  return out.toBytes();
}

test("typeDepthMax: bytes, JSON, Refs and code", () => {
  const deepest = nested(typeDepthMax);
  expect(decodeType(new ByteReader(typeBytes(deepest)))).toEqual(deepest);
  expect(typeFromJson(typeToJson(deepest))).toEqual(deepest);
  expect(resolveRefs(deepest, [])).toEqual(deepest);
  valueCodec(deepest);
  const over = nested(typeDepthMax + 1);
  expect(codeOf(() => decodeType(new ByteReader(typeBytes(over))))).toBe("TooDeep");
  expect(codeOf(() => decodeType(new ByteReader(new Uint8Array(1_000_000).fill(3))))).toBe("TooDeep");
  expect(codeOf(() => resolveRefs(over, []))).toBe("TooDeep");
  expect(codeOf(() => valueCodec(over))).toBe("TooDeep");
  const chain = Array.from({ length: 100 }, (_, index) => (index === 0 ? t.u8 : array(ref(index - 1))));
  expect(codeOf(() => resolveRefs(ref(99), chain))).toBe("TooDeep");
});

test("a type of members nests as deep in JSON", () => {
  let type: AlgebraicType = t.u8;
  for (let level = 1; level < typeDepthMax; level += 1) type = product({ x: type });
  expect(typeFromJson(typeToJson(type))).toEqual(type);
});

test("typeNodesMax: a typespace that doubles at each entry", () => {
  const typespace = Array.from({ length: 40 }, (_, index) =>
    index === 0 ? unit : product([ref(index - 1), ref(index - 1)]),
  );
  expect(resolveRefs(ref(14), typespace).kind).toBe("Product");
  expect(2 ** 17).toBeGreaterThan(typeNodesMax);
  expect(codeOf(() => resolveRefs(ref(17), typespace))).toBe("Malformed");
  expect(codeOf(() => resolveRefs(ref(39), typespace))).toBe("Malformed");
  expect(codeOf(() => valueCodec(ref(39), typespace))).toBe("Malformed");
});

test("Refs that dangle or turn in a circle", () => {
  expect(codeOf(() => resolveRefs(ref(0), []))).toBe("Malformed");
  expect(codeOf(() => resolveRefs(ref(0), [ref(1), ref(0)]))).toBe("Malformed");
  expect(codeOf(() => resolveRefs(ref(0), [array(ref(0))]))).toBe("Malformed");
});

test("valueDepthMax: values of recursive types", () => {
  const typespace = [sum({ leaf: unit, node: ref(0) })];
  const list = (levels: number): Uint8Array => new Uint8Array(levels).fill(1, 0, levels - 1);
  const codec = valueCodec(ref(0), typespace);
  const check = validator(ref(0), typespace);
  const view = new DataView(new ArrayBuffer(0));
  const deepest = list(valueDepthMax - 1);
  codec.read(new ByteReader(deepest));
  const json = bsatnToJson(ref(0), "message", new ByteReader(deepest), typespace);
  expect(json.startsWith('{"node":{"node":')).toBe(true);
  expect(check(deepest, view, 0, deepest.length)).toBe(deepest.length);
  const over = list(valueDepthMax + 2);
  expect(codeOf(() => codec.read(new ByteReader(over)))).toBe("TooDeep");
  expect(codeOf(() => check(over, view, 0, over.length))).toBe("TooDeep");
  expect(codeOf(() => bsatnToJson(ref(0), "message", new ByteReader(over), typespace))).toBe("TooDeep");
  let value: unknown = { tag: "leaf" };
  for (let level = 0; level < valueDepthMax + 2; level += 1) value = { tag: "node", value };
  expect(() => codec.write(new ByteWriter(), value)).toThrow(TypeError);
  const itself = [product([ref(0)])];
  expect(codeOf(() => valueCodec(ref(0), itself).read(new ByteReader(new Uint8Array(0))))).toBe("TooDeep");
});

test("zeroSizedElementsMax: four bytes do not make four billion elements", () => {
  const count = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);
  const codec = valueCodec(array(unit));
  const check = validator(array(unit));
  for (const [value, isRead] of [
    [zeroSizedElementsMax, true],
    [zeroSizedElementsMax + 1, false],
    [0xffff_ffff, false],
  ] as const) {
    const bytes = count(value);
    expect(codeOf(() => codec.read(new ByteReader(bytes)))).toBe(isRead ? undefined : "Malformed");
    expect(check(bytes, new DataView(bytes.buffer), 0, 4)).toBe(isRead ? 4 : -1);
  }
});

test("jsonDepthMax", () => {
  expect(codeOf(() => parseJson("[".repeat(jsonDepthMax) + "]".repeat(jsonDepthMax)))).toBe(undefined);
  expect(codeOf(() => parseJson("[".repeat(jsonDepthMax + 2)))).toBe("TooDeep");
  expect(codeOf(() => parseJson("[".repeat(1_000_000)))).toBe("TooDeep");
});

test("variantsMax", () => {
  const wide = (count: number): AlgebraicType => sum(Array.from({ length: count }, () => unit));
  expect(codeOf(() => decodeType(new ByteReader(typeBytes(wide(variantsMax)))))).toBe(undefined);
  expect(codeOf(() => decodeType(new ByteReader(typeBytes(wide(variantsMax + 1)))))).toBe("Malformed");
});
