// Goal: what a view gives back is read by its return code, and nothing it can write is taken for rows that are not.
// Method: each code with each form of bytes, and whole ones cut short.
import { describe, expect, test } from "vitest";
import { readViewResult, viewEntry } from "./view-entry.ts";

const text = (value: string): number[] => [...new TextEncoder().encode(value)];
const sender = Uint8Array.from({ length: 32 }, (_, at) => 255 - at);

describe("row 9: what a view gives back", () => {
  test.each<[what: string, code: number, bytes: number[], outcome: object]>([
    ["rows, without a header", 0, [1, 0, 0, 0, 9], { kind: "rows", bytes: Uint8Array.of(1, 0, 0, 0, 9) }],
    ["rows", 2, [0, 1, 0, 0, 0, 9], { kind: "rows", bytes: Uint8Array.of(1, 0, 0, 0, 9) }],
    ["a query", 2, [1, 3, 0, 0, 0, ...text("abc")], { kind: "query", sql: "abc" }],
    ["an empty query", 2, [1, 0, 0, 0, 0], { kind: "query", sql: "" }],
    ["a query cut short", 2, [1, 3, 0, 0, 0, ...text("ab")], { kind: "panic", fatal: false }],
    ["a query with more behind it", 2, [1, 1, 0, 0, 0, ...text("ab")], { kind: "panic", fatal: false }],
    ["no length", 2, [1, 3, 0], { kind: "panic", fatal: false }],
    ["an unknown header", 2, [2], { kind: "panic", fatal: false }],
    ["nothing", 2, [], { kind: "panic", fatal: false }],
    ["an unknown code", 7, [0], { kind: "panic", message: "the view returned the unknown code 7", fatal: false }],
  ])("%s", (_, code, bytes, outcome) => {
    expect(readViewResult(code, Uint8Array.from(bytes))).toMatchObject(outcome);
  });

  test("a view gets its caller as four words, an anonymous one none", () => {
    const calls: unknown[] = [];
    const entry = (...args: readonly unknown[]) => {
      calls.push(args);
      return 2;
    };
    const enter = viewEntry({ __call_view__: entry, __call_view_anon__: entry });
    const args = new Uint8Array(0);
    expect(enter({ viewIndex: 3, isAnonymous: false, sender, args }, 0, 1)).toBe(2);
    expect(enter({ viewIndex: 4, isAnonymous: true, sender, args }, 0, 1)).toBe(2);
    const words = [0xf8f9_fafb_fcfd_feffn, 0xf0f1_f2f3_f4f5_f6f7n, 0xe8e9_eaeb_eced_eeefn, 0xe0e1_e2e3_e4e5_e6e7n];
    expect(calls).toEqual([
      [3, ...words.map((word) => BigInt.asIntN(64, word)), 0, 1],
      [4, 0, 1],
    ]);
  });

  test("a module that does not export what its description needs is told so", () => {
    const call = { viewIndex: 0, isAnonymous: true, sender, args: new Uint8Array(0) };
    expect(() => viewEntry({})(call, 0, 1)).toThrow("the module does not export `__call_view_anon__`");
  });
});
