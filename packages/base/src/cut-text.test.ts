// Goal: what is cut is never longer than it may be, never cut inside a character, and says that it was cut.
// Method: a row per case.
import { expect, test } from "vitest";
import { cutText } from "./cut-text.ts";

const long = `é🌍${"b".repeat(40)}`;

test.each([
  { text: "", bytesMax: 0, cut: "" },
  { text: "short", bytesMax: 5, cut: "short" },
  { text: "short", bytesMax: 4, cut: "… (cut; 5 characters)" },
  { text: "ééé", bytesMax: 6, cut: "ééé" },
  { text: long, bytesMax: 26, cut: "é… (cut; 43 characters)" },
  { text: long, bytesMax: 29, cut: "é… (cut; 43 characters)" },
  { text: long, bytesMax: 30, cut: "é🌍… (cut; 43 characters)" },
  { text: long, bytesMax: 31, cut: "é🌍b… (cut; 43 characters)" },
  { text: "x\ud800y", bytesMax: 100, cut: "x\ud800y" },
])("$text in $bytesMax bytes", ({ text, bytesMax, cut }) => {
  expect(cutText(text, bytesMax)).toBe(cut);
  expect(cutText(cut, Math.max(bytesMax, 30))).toBe(cut);
});
