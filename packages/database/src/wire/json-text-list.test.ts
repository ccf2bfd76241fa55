// Goal: texts of any length and script come out as one list, however they are cut into chunks.
// Method: lists of texts short, long, empty and not ASCII, decoded again as JSON.
import { ByteWriter } from "@lightcone/sats";
import { expect, test } from "vitest";
import { TextList } from "./json-text-list.ts";

test.each([
  ["none", []],
  ["one", ["a"]],
  ["empty ones", ["", "", ""]],
  ["short ones", Array.from({ length: 100_000 }, (_, index) => `row ${index}`)],
  ["not ASCII", Array.from({ length: 20_000 }, (_, index) => `é🌍 ${index}`)],
  ["longer than a chunk", ["x".repeat(600_000), "é".repeat(400_000), "y"]],
])("%s", (_, texts) => {
  const list = new TextList();
  for (const text of texts) list.add(JSON.stringify(text));
  const out = new ByteWriter();
  expect(list.count).toBe(texts.length);
  list.writeTo(out);
  expect(JSON.parse(`[${new TextDecoder().decode(out.written())}]`)).toEqual(texts);
  const whole = Buffer.concat(list.parts());
  expect(whole.equals(out.written())).toBe(true);
  expect(list.parts().every((part) => part.length <= 300_000 || texts.some((text) => text.length > 300_000))).toBe(
    true,
  );
});
