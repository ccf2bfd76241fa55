// Goal: a function is found by its name's bytes, wherever they stand, and by nothing else.
// Method: rows of names within longer bytes.
import { describe, expect, test } from "vitest";
import { FunctionNames } from "./function-names.ts";

const names = new FunctionNames([
  ["send_message", 1],
  ["set_name", 2],
  ["add", 3],
  ["odd", 4],
  ["größe", 5],
]);

describe("function names", () => {
  test.each([
    { text: "send_message", value: 1 },
    { text: "add", value: 3 },
    { text: "odd", value: 4 },
    { text: "größe", value: 5 },
    { text: "send_messagf", value: undefined },
    { text: "ad", value: undefined },
    { text: "addd", value: undefined },
    { text: "", value: undefined },
  ])("$text is $value", ({ text, value }) => {
    const name = new TextEncoder().encode(text);
    const bytes = Uint8Array.of(9, 9, ...name, 9);
    expect(names.find(bytes, 2, name.length)).toBe(value);
    expect(names.find(bytes, 2, name.length)).toBe(value); // and again, from what it remembers
  });
});
