// Goal: what is cut is never longer than it may be, never cut inside a character, and says that it was cut.
// Method: a row per case.
import { expect, test } from "vitest";
import { cutText } from "./cut-text.ts";

test.each([
  { text: "", bytesMax: 0, cut: "" },
  { text: "short", bytesMax: 5, cut: "short" },
  { text: "short", bytesMax: 4, cut: "shor… (cut; 5 characters)" },
  { text: "ééé", bytesMax: 6, cut: "ééé" },
  { text: "ééé", bytesMax: 5, cut: "éé… (cut; 3 characters)" },
  { text: "a🌍b", bytesMax: 4, cut: "a… (cut; 4 characters)" },
  { text: "a🌍b", bytesMax: 5, cut: "a🌍… (cut; 4 characters)" },
  { text: "x\ud800y", bytesMax: 100, cut: "x\ud800y" },
])("$text in $bytesMax bytes", ({ text, bytesMax, cut }) => {
  expect(cutText(text, bytesMax)).toBe(cut);
});
