// Goal: SATS-JSON is written and read as the vectors say, and what they refuse is refused.
// Method: a test per vector: two written forms, every accepted text, every refused text; types as JSON.
import { describe, expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import {
  ByteReader,
  ByteWriter,
  bsatnToJson,
  fromHex,
  jsonToBsatn,
  toHex,
  typeFromJson,
  typeToJson,
  typesEqual,
} from "../index.ts";
import { readVectors, typeOf } from "../testing/vector-values.ts";
import type { TypeJson } from "../testing/vector-values.ts";

interface Vector {
  readonly name: string;
  readonly type: TypeJson;
  readonly typespace?: TypeJson[];
  readonly hex: string;
  readonly json_named: string | null;
  readonly json_positional: string;
  readonly accept: string[];
  readonly reject: string[];
}
const { vectors } = readVectors<{ vectors: Vector[] }>("sats-json.json");

describe.each(vectors)("$name", (vector) => {
  const type = typeOf(vector.type);
  const typespace = (vector.typespace ?? []).map(typeOf);
  const write = (form: "named" | "positional"): string =>
    bsatnToJson(type, form, new ByteReader(fromHex(vector.hex)), typespace);

  test("written by position", () => expect(write("positional")).toBe(vector.json_positional));
  test("written by name", () => {
    // Null in the vector: the form has no way to say it.
    expect(isRefused(() => write("named")) ? null : write("named")).toBe(vector.json_named);
  });
  test.each(vector.accept)("accepts %s", (text) => {
    const out = new ByteWriter(1);
    jsonToBsatn(type, text, out, typespace);
    expect(toHex(out.written())).toBe(vector.hex);
  });
  test.each(vector.reject)("refuses %s", (text) => {
    const out = new ByteWriter();
    expect(isRefused(() => jsonToBsatn(type, text, out, typespace))).toBe(true);
    expect(out.length).toBe(0);
  });
  test("its type, as JSON", () => {
    expect(JSON.parse(typeToJson(type))).toEqual(vector.type);
    expect(typesEqual(typeFromJson(JSON.stringify(vector.type)), type)).toBe(true);
  });
});

function isRefused(run: () => unknown): boolean {
  try {
    run();
  } catch (error) {
    return isLightconeError(error, "Malformed");
  }
  return false;
}
