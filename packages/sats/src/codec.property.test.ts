// Goal: all that reads BSATN agrees about it, and bytes from outside can only be refused.
// Method: random types and values. Codec, validator, skip and comparison against one another and a model;
// spoilt and random bytes into every decoder.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import {
  ByteReader,
  ByteWriter,
  decodeType,
  decodeTypespace,
  encodeType,
  explainInvalid,
  isValid,
  makeCompare,
  makeSkip,
  toHex,
  typesEqual,
  validator,
  valueCodec,
} from "./index.ts";
import type { AlgebraicType } from "./index.ts";
import { compareValues } from "./testing/compare-values.ts";
import { arbitrarySpoiling, arbitraryType, arbitraryTyped, arbitraryValue } from "./testing/arbitrary.ts";

const any = { unnamed: true };

function encoded(type: AlgebraicType, value: unknown): Uint8Array {
  const out = new ByteWriter(1);
  valueCodec(type).write(out, value);
  return out.toBytes();
}
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** What `run` gives, or the refusal; any other error fails the test. */
function attempt<T>(run: () => T): { value: T } | { refused: string } {
  try {
    return { value: run() };
  } catch (error) {
    if (isLightconeError(error)) return { refused: error.code };
    throw error;
  }
}

test("a value survives, and its size is known", () => {
  assertProperty(
    fc.property(arbitraryTyped(any), ({ type, value }) => {
      const codec = valueCodec(type);
      const bytes = encoded(type, value);
      const input = new ByteReader(bytes);
      expect(codec.read(input)).toEqual(value);
      expect(input.remaining).toBe(0);
      expect(codec.fixedSize ?? bytes.length).toBe(bytes.length);
      expect(validator(type)(bytes, viewOf(bytes), 0, bytes.length)).toBe(bytes.length);
      expect(makeSkip(type)(viewOf(bytes), 0)).toBe(bytes.length);
    }),
    caseCount(200),
  );
});

test("validator and reader agree on spoilt bytes, and refuse with a code", () => {
  assertProperty(
    fc.property(arbitraryTyped(any), arbitrarySpoiling, ({ type, value }, spoil) => {
      const bytes = spoil(encoded(type, value));
      const input = new ByteReader(bytes);
      const read = attempt(() => valueCodec(type).read(input));
      const end = validator(type)(bytes, viewOf(bytes), 0, bytes.length);
      expect(end).toBe("value" in read ? input.at : -1);
      const explained = attempt(() => explainInvalid(valueCodec(type), bytes, "test"));
      expect("value" in explained).toBe(isValid(validator(type), bytes));
      expect("value" in read ? makeSkip(type)(viewOf(bytes), 0) : -1).toBe(end);
    }),
    caseCount(400),
  );
});

test("bytes at random", () => {
  assertProperty(
    fc.property(arbitraryType(any), fc.uint8Array({ maxLength: 64 }), (type, bytes) => {
      const input = new ByteReader(bytes);
      const read = attempt(() => valueCodec(type).read(input));
      expect(validator(type)(bytes, viewOf(bytes), 0, bytes.length)).toBe("value" in read ? input.at : -1);
    }),
    caseCount(200),
  );
});

test("the order of bytes is the order of values", () => {
  const pairs = arbitraryType(any).chain((type) =>
    fc.record({ type: fc.constant(type), a: arbitraryValue(type), b: arbitraryValue(type) }),
  );
  assertProperty(
    fc.property(pairs, ({ type, a, b }) => {
      const [left, right] = [encoded(type, a), encoded(type, b)];
      const compare = makeCompare(type);
      const order = (x: Uint8Array, y: Uint8Array): number => Math.sign(compare(viewOf(x), 0, viewOf(y), 0)) + 0;
      expect(order(left, right)).toBe(compareValues(type, a, b) + 0);
      expect(order(right, left)).toBe(0 - order(left, right));
      expect(order(left, left)).toBe(0);
    }),
    caseCount(200),
  );
});

test("a type survives, and spoilt ones are refused", () => {
  assertProperty(
    fc.property(arbitraryType(any), arbitrarySpoiling, (type, spoil) => {
      const out = new ByteWriter();
      encodeType(out, type);
      expect(typesEqual(decodeType(new ByteReader(out.toBytes())), type)).toBe(true);
      const spoilt = spoil(out.toBytes());
      const read = attempt(() => decodeType(new ByteReader(spoilt)));
      const again = new ByteWriter();
      if ("value" in read) encodeType(again, read.value);
      expect(toHex(again.written())).toBe(toHex(spoilt.subarray(0, again.length)));
    }),
    caseCount(200),
  );
});

test("bytes at random as types", () => {
  assertProperty(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      attempt(() => decodeType(new ByteReader(bytes)));
      attempt(() => decodeTypespace(new ByteReader(bytes)));
    }),
    caseCount(200),
  );
});
