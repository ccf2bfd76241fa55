// Goal: a failure is said once, whatever kind of value it is.
// Method: values of every kind, printed.
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { CliFailure, failureText } from "./failure.ts";

test.each<{ why: string; error: unknown; says: string }>([
  { why: "an error", error: new TypeError("no"), says: "Error: no\n" },
  { why: "row 28: an error of another realm", error: runInNewContext("new Error('no')"), says: "Error: no\n" },
  { why: "a text", error: "no", says: "Error: no\n" },
  {
    why: "a failure with what lies behind it",
    error: new CliFailure("no", { causes: ["a", "b"], hint: "so" }),
    says: "Error: no\n\nCaused by:\n    0: a\n    1: b\n\nHint: so\n",
  },
])("$why", ({ error, says }) => expect(failureText(error)).toBe(says));
