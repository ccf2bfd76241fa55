// Goal: code that the host generates never goes through the slow `Function` of a locked-down realm.
// Method: no clock: which `Function` compiles is looked at.
import { compileWith } from "@lightcone/sats";
import { expect, test } from "vitest";
import { compilesWith, openSesSandbox } from "./ses-sandbox.ts";

const before = Function;

test("the Function of before the lockdown is kept", () => {
  const sandbox = openSesSandbox();
  expect(Object.isFrozen(Object.prototype)).toBe(true);
  expect(() => Reflect.construct((() => {}).constructor as never, ["return 1"])).toThrow(TypeError);
  expect(compilesWith(before)).toBe(true);
  expect(sandbox.compile(["x"], "return x + 1;", "sum")(1)).toBe(2);
  expect(compileWith<number>({ x: 1 }, "return x + 1;")).toBe(2);
});

test("opening another locks nothing down twice", () => {
  expect(openSesSandbox().evaluate("1 + 1")).toBe(2);
});
