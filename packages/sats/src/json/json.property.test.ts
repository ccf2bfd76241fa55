// Goal: JSON in any of its four forms reads back to the same bytes; texts from outside can only be refused.
// Method: random types and values, written and read back; spoilt and random texts; F32 digits against the bits.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import {
  ByteReader,
  ByteWriter,
  bsatnToJson,
  f32Text,
  f64Text,
  jsonArgsToBsatn,
  jsonToBsatn,
  parseJson,
  product,
  t,
  toHex,
  valueCodec,
} from "../index.ts";
import type { JsonForm } from "../index.ts";
import { arbitraryTyped } from "../testing/arbitrary.ts";

const forms: readonly JsonForm[] = ["named", "message", "positional", "row"];

function orRefused(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!isLightconeError(error)) throw error;
  }
}

test("each form reads back to the same bytes", () => {
  assertProperty(
    fc.property(arbitraryTyped({ unnamed: false }, true), ({ type, value }) => {
      const out = new ByteWriter();
      valueCodec(type).write(out, value);
      for (const form of forms) {
        const text = bsatnToJson(type, form, new ByteReader(out.written()));
        JSON.parse(text);
        const again = new ByteWriter();
        jsonToBsatn(type, text, again);
        expect(`${form} ${toHex(again.written())}`).toBe(`${form} ${toHex(out.written())}`);
      }
    }),
    caseCount(200),
  );
});

test("spoilt texts are refused or read, never worse", () => {
  const edit = fc.tuple(
    fc.nat(),
    fc.constantFrom('"', "{", "}", "[", "]", ",", ":", "\\", "\\u", "\\ud800", "1", "-", "e9", "null", "0x", "\u0000"),
  );
  assertProperty(
    fc.property(arbitraryTyped({ unnamed: true }, true), fc.array(edit, { maxLength: 3 }), ({ type, value }, edits) => {
      const out = new ByteWriter();
      valueCodec(type).write(out, value);
      let text = bsatnToJson(type, "positional", new ByteReader(out.written()));
      for (const [at, piece] of edits) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + piece + text.slice(place + (at % 2));
      }
      orRefused(() => jsonToBsatn(type, text, new ByteWriter()));
      orRefused(() => jsonArgsToBsatn(product([type]), text, "f"));
      let platform: boolean;
      try {
        JSON.parse(text);
        platform = true;
      } catch {
        platform = false;
      }
      // The platform also takes half a surrogate pair.
      let ours = true;
      try {
        parseJson(text);
      } catch (error) {
        if (!isLightconeError(error)) throw error;
        ours = false;
      }
      expect(ours === platform || text.includes("\\ud")).toBe(true);
    }),
    caseCount(300),
  );
});

test("JSON at random", () => {
  assertProperty(
    fc.property(
      fc.oneof(fc.json(), fc.string({ unit: fc.constantFrom(...Array.from('[]{}",:\\u0-1.eE nulltrue')) })),
      (text) => {
        orRefused(() => parseJson(text));
        orRefused(() => jsonArgsToBsatn(product({ a: t.u8, b: t.string }), text, "f"));
      },
    ),
    caseCount(200),
  );
});

test("floats print the fewest digits that read back", () => {
  assertProperty(
    fc.property(
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (narrow, wide) => {
        const text = f32Text(narrow);
        expect(Object.is(Math.fround(Number(text)), narrow)).toBe(true);
        expect(text).toMatch(/[.e]/);
        expect(Object.is(Number(f64Text(wide)), wide)).toBe(true);
        expect(f64Text(wide)).toMatch(/[.e]/);
      },
    ),
    caseCount(500),
  );
});

test.each([
  { value: 0.1, text: "0.1" },
  { value: 16777216, text: "16777216.0" },
  { value: 3.4028234663852886e38, text: "3.4028235e38" },
  { value: 1.401298464324817e-45, text: "1e-45" },
  { value: 1e10, text: "10000000000.0" },
  { value: -2.5, text: "-2.5" },
])("F32 $value is $text", ({ value, text }) => expect(f32Text(Math.fround(value))).toBe(text));
