// Goal: BSATN is byte for byte what the specification's vectors say, values, types and refusals.
// Method: a test per vector; encode and compare bytes, decode and compare values, encode again.
import { describe, expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import {
  ByteReader,
  ByteWriter,
  decodeType,
  encodeType,
  formatType,
  fromHex,
  toHex,
  typesEqual,
  valueCodec,
} from "./index.ts";
import { readVectors, typeOf, valueOf } from "./testing/vector-values.ts";
import type { TypeJson } from "./testing/vector-values.ts";

interface Vectors {
  readonly vectors: readonly { name: string; type: TypeJson; typespace?: TypeJson[]; value: unknown; hex: string }[];
  readonly invalid: readonly { name: string; type: TypeJson; hex: string }[];
  readonly types: readonly { type: TypeJson; hex: string; display: string }[];
}
const { vectors, invalid, types } = readVectors<Vectors>("bsatn.json");

describe("values", () => {
  test.each(vectors)("$name", (vector) => {
    const typespace = (vector.typespace ?? []).map(typeOf);
    const type = typeOf(vector.type);
    const codec = valueCodec(type, typespace);
    const value = valueOf(type, typespace, vector.value);
    const out = new ByteWriter(1);
    codec.write(out, value);
    expect(toHex(out.written())).toBe(vector.hex);
    const input = new ByteReader(fromHex(vector.hex));
    expect(codec.read(input)).toEqual(value);
    expect(input.remaining).toBe(0);
    expect(codec.fixedSize ?? out.length).toBe(out.length);
  });
  test.each(vectors)("$name, cut short, is refused", (vector) => {
    const codec = valueCodec(typeOf(vector.type), (vector.typespace ?? []).map(typeOf));
    const bytes = fromHex(vector.hex);
    for (let end = 0; end < bytes.length; end += 1) {
      expect(refusal(() => codec.read(new ByteReader(bytes.subarray(0, end))))).toBe(true);
    }
  });
});

test.each(invalid)("refused: $name", (vector) => {
  const codec = valueCodec(typeOf(vector.type));
  expect(refusal(() => codec.read(new ByteReader(fromHex(vector.hex))))).toBe(true);
});

test.each(types)("type $display", ({ type: json, hex, display }) => {
  const type = typeOf(json);
  const out = new ByteWriter();
  encodeType(out, type);
  expect(toHex(out.written())).toBe(hex);
  expect(typesEqual(decodeType(new ByteReader(fromHex(hex))), type)).toBe(true);
  expect(formatType(type)).toBe(display);
});

function refusal(run: () => unknown): boolean {
  try {
    run();
  } catch (error) {
    return isLightconeError(error, "Malformed");
  }
  return false;
}
