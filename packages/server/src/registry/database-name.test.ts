// Goal: what clients and commands take for a name before they ask is what servers take.
// Method: random texts of the characters that matter, and long ones, against the server's own words.
import { isDatabaseName } from "@lightcone/base";
import { assertProperty } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { databaseNameProblem } from "./database-name.ts";

test("issue 10 §6: one rule for names, before a request and in the server", () => {
  const character = fc.constantFrom("a", "z", "0", "9", "-", "_", "A", " ", ".", "é");
  const texts = fc.oneof(
    fc.string({ unit: character, maxLength: 12 }),
    fc.string({ unit: fc.constantFrom("g", "7"), minLength: 60, maxLength: 70 }),
  );
  assertProperty(
    fc.property(texts, (text) => isDatabaseName(text) === (databaseNameProblem(text) === undefined)),
    2000,
  );
});

test.each(["c2".repeat(32), "C2".repeat(32), "0xC2c2".padEnd(66, "0")])("%s is an identity", (text) => {
  expect(isDatabaseName(text)).toBe(true);
});
