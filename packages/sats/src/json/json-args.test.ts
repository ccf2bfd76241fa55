// Goal: a caller who gets arguments wrong learns which one and why.
// Method: a row per mistake; the reason's telling part.
import { expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import { jsonArgsToBsatn, option, product, t, toHex } from "../index.ts";

const params = product({ id: t.u32, name: t.string, note: option(product({ text: t.string })) });

test.each([
  { text: '[1,"a",null]', hex: "01000000010000006101" },
  { text: ' {"name":"a","note":{"some":{"text":"b"}},"id":1} ', hex: "010000000100000061000100000062" },
])("$text", ({ text, hex }) => expect(toHex(jsonArgsToBsatn(params, text, "f"))).toBe(hex));

test.each([
  { text: "[]", reason: "invalid length 0, expected reducer args for rename with 3 elements" },
  { text: '[1,"a",null,2]', reason: "invalid length 4, expected reducer args for rename with 3 elements" },
  { text: "[1,2,null]", reason: "argument 1 (`name`): expected String, got 2" },
  { text: '[-1,"a",null]', reason: "argument 0 (`id`): -1 is out of range for U32" },
  { text: '[1,"a",{"some":{"text":7}}]', reason: "argument 2 (`note`) at some.text: expected String, got 7" },
  { text: '[1,"a",{"some":{}}]', reason: "argument 2 (`note`) at some: missing field `text` for (text: String)" },
  { text: '{"id":1,"name":"a"}', reason: "argument 2 (`note`) is missing" },
  { text: '{"id":1,"id":1}', reason: "argument `id` is given twice" },
  { text: '{"id":1,"nick":""}', reason: "there is no parameter `nick`" },
  { text: '"x"', reason: "an array of arguments is expected, or an object by parameter name" },
  { text: '[1,"a",', reason: "the text ends where a value should stand" },
])("$text: $reason", ({ text, reason }) => {
  let error: unknown;
  try {
    jsonArgsToBsatn(params, text, "rename");
  } catch (caught) {
    error = caught;
  }
  expect(isLightconeError(error, "Malformed") ? error.detail.reason : error).toBe(reason);
});
