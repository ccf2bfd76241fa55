// Goal: recorded descriptions decode field by field, come back byte for byte, and nothing else is taken.
// Method: the recorded modules through decoder and encoder; single faults by hand; damaged bytes at random.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { LightconeError } from "@lightcone/base";
import { fromHex, toHex } from "@lightcone/sats";
import { checkModule } from "./check-module.ts";
import { decodeModuleDef, encodeRawV10, encodeRawV9 } from "./decode-module-def.ts";
import { emptyRawV10 } from "./raw-v10.ts";
import type { RawModuleDef, RawModuleDefV10, RawModuleDefV9 } from "./raw-module-def.ts";
import { asVector, descriptionVectors, withAllSections } from "./testing/vectors.ts";

const cases = caseCount(300);

const encode = (raw: RawModuleDef): Uint8Array => (raw.version === 9 ? encodeRawV9(raw) : encodeRawV10(raw));

describe.each(descriptionVectors)("$id", ({ bsatn_hex: hex, decoded }) => {
  const raw = decodeModuleDef(fromHex(hex));

  test("decodes as recorded", () => {
    expect(asVector(raw)).toEqual(withAllSections(decoded));
  });

  test("encodes to the same", () => {
    expect(decodeModuleDef(encode(raw))).toEqual(raw);
  });

  test("passes the checks", () => {
    expect(checkModule(raw).version).toBe(raw.version);
  });
});

test.each(descriptionVectors.filter((vector) => "V9" in vector.decoded))(
  "$id encodes byte for byte",
  ({ bsatn_hex: hex }) => {
    expect(toHex(encode(decodeModuleDef(fromHex(hex))))).toBe(hex);
  },
);

const emptyRawV9: RawModuleDefV9 = {
  version: 9,
  typespace: [],
  tables: [],
  reducers: [],
  types: [],
  miscExports: [],
  rowLevelRules: [],
};

const u32 = (value: number): string => toHex(new Uint8Array(new Uint32Array([value]).buffer));

test.each([
  { why: "nothing", hex: "", code: "Malformed" },
  { why: "V8", hex: "00", code: "ModuleInvalid" },
  { why: "a version to come", hex: "03", code: "ModuleInvalid" },
  { why: "bytes behind the end", hex: `02${u32(0)}00`, code: "Malformed" },
  { why: "an unknown section", hex: `02${u32(1)}0f${u32(0)}`, code: "Malformed" },
  { why: "more sections than bytes", hex: `02${u32(0xffffffff)}`, code: "Malformed" },
  { why: "an unknown case policy", hex: `02${u32(1)}0902`, code: "Malformed" },
  { why: "a typespace longer than the input", hex: `01${u32(0x7fffffff)}`, code: "Malformed" },
  { why: "a type that nests without end", hex: `02${u32(1)}00${u32(1)}${"03".repeat(5000)}0b`, code: "TooDeep" },
] as const)("refuses $why", ({ hex, code }) => {
  expect(() => decodeModuleDef(fromHex(hex))).toThrow(expect.objectContaining({ code }));
});

// The fewest bytes that an item takes bound how many there may be: too high a bound refuses the smallest of modules.
test("the smallest table and procedure there can be are read, in either version", () => {
  const table = {
    name: "",
    typeRef: 0,
    primaryKey: [],
    indexes: [],
    constraints: [],
    sequences: [],
    kind: "user",
    access: "public",
  } as const;
  const raws: readonly RawModuleDef[] = [
    { ...emptyRawV10, tables: [{ ...table, defaults: [], isEvent: false }] },
    { ...emptyRawV9, tables: Array.from({ length: 20 }, () => ({ ...table, schedule: undefined })) },
    {
      ...emptyRawV9,
      miscExports: Array.from({ length: 20 }, () => ({
        kind: "procedure",
        name: "",
        params: [],
        returns: { kind: "Bool" },
      })),
    },
  ];
  for (const raw of raws) expect(decodeModuleDef(encode(raw))).toEqual(raw);
});

test("refuses submodules that nest without end", () => {
  let module: RawModuleDefV10 = emptyRawV10;
  for (let i = 0; i < 40; i += 1) module = { ...emptyRawV10, submodules: [{ namespace: "n", module }] };
  expect(() => decodeModuleDef(encodeRawV10(module))).toThrow(expect.objectContaining({ code: "TooDeep" }));
});

test("of two sections with one tag the first counts", () => {
  const raw = decodeModuleDef(fromHex(`02${u32(2)}09010900`));
  expect(raw).toEqual({ ...emptyRawV10, casePolicy: "snakeCase" });
});

describe("damaged descriptions end in a LightconeError or a module", () => {
  const attempt = (bytes: Uint8Array): void => {
    try {
      checkModule(decodeModuleDef(bytes));
    } catch (error) {
      if (!(error instanceof LightconeError)) throw error;
    }
  };
  const originals = descriptionVectors.map((vector) => fromHex(vector.bsatn_hex));

  test("random bytes behind a version", () => {
    assertProperty(
      fc.property(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 400 }), (tag, rest) => {
        attempt(Uint8Array.of(tag, ...rest));
      }),
      cases,
    );
  });

  test("cut anywhere", () => {
    assertProperty(
      fc.property(fc.constantFrom(...originals), fc.nat(), (bytes, at) =>
        attempt(bytes.subarray(0, at % bytes.length)),
      ),
      cases,
    );
  });

  test("with bytes changed", () => {
    const change = fc.tuple(fc.nat(), fc.oneof(fc.nat(24), fc.nat(255)));
    assertProperty(
      fc.property(fc.constantFrom(...originals), fc.array(change, { minLength: 1, maxLength: 6 }), (bytes, changes) => {
        const damaged = bytes.slice();
        for (const [at, value] of changes) damaged[1 + (at % (damaged.length - 1))] = value;
        attempt(damaged);
      }),
      cases,
    );
  });
});
