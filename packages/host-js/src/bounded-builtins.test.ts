// Goal: row 6: built-ins that replace native ones give what those give, for every text and needle, and never take a
// time that grows with both; what cannot be bounded so is refused in words.
// Method: the replaced functions of a context beside this one's own, over random texts of few letters, where searches
// have most to compare; with a bound so low that the linear way is taken always. Then the hostile ones, armed.
import { assertProperty, runCount } from "@lightcone/base/testing";
import { outsideMicrotasks, runInterruptible } from "@lightcone/base/node";
import { compileFunction, createContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arrayElementsMax, boundedBuiltins, patternPartsMax } from "./bounded-builtins.ts";
import { loadJsModule } from "./index.ts";
import { bundleOf, FakePort, someCall } from "./testing/fake-port.ts";

/** The built-ins with every search on the linear way. */
const eager = boundedBuiltins
  .replace(/needle\.length > \d+ && /, "needle.length > 0 && ")
  .replace(/> 16777216;/, "> 0;");
const context = createContext({});
Object.assign(context, { RegExp: compileFunction(eager, [], { parsingContext: context })() as unknown });
const inside = (body: string): ((...values: readonly unknown[]) => unknown) =>
  compileFunction(`return ${body}`, ["text", "needle", "extra"], { parsingContext: context }) as never;
const outside = (body: string): ((...values: readonly unknown[]) => unknown) =>
  compileFunction(`return ${body}`, ["text", "needle", "extra"]) as never;

const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 60 });
const needles = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 9 }),
  // Needles of a period, which the algorithm treats in another way.
  fc
    .tuple(fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 5 }))
    .map(([part, count]) => part.repeat(count) + part.slice(0, 1)),
);
const positions = fc.oneof(
  fc.constant(undefined),
  fc.integer({ min: -3, max: 70 }),
  fc.constantFrom(Number.NaN, Infinity, -Infinity, "5", 2.7, null),
);
const replacements = fc.constantFrom("", "x", "$&", "[$`|$']", "$$", "$1$<a>", "$", 5, undefined, (...all: unknown[]) =>
  all.join(),
);

test("the bounds are where this test thinks", () => expect(eager).toContain("needle.length > 0 && typeof text"));

test.each([
  { body: "text.includes(needle, extra)", extras: positions },
  { body: "text.indexOf(needle, extra)", extras: positions },
  { body: "text.lastIndexOf(needle, extra)", extras: positions },
  { body: "text.lastIndexOf(needle)", extras: fc.constant(0) },
  { body: "text.split(needle, extra)", extras: fc.constantFrom(undefined, 0, 1, 2, 100, -1) },
  { body: "text.replace(needle, extra)", extras: replacements },
  { body: "text.replaceAll(needle, extra)", extras: replacements },
])("$body is what it is natively", ({ body, extras }) => {
  const [bounded, native] = [inside(body), outside(body)];
  assertProperty(
    fc.property(letters, needles, extras as fc.Arbitrary<unknown>, (text, needle, extra) => {
      expect(JSON.stringify(bounded(text, needle, extra))).toBe(JSON.stringify(native(text, needle, extra)));
    }),
    runCount(500),
  );
});

const same = [
  `"a-b".replace(/-/, "$&$&")`,
  `"a1b2".replace(/\\d/g, (digit) => digit * 2)`,
  `"aXbX".split("X")`,
  `"abc".split("")`,
  `"abc".indexOf("")`,
  `"abc".lastIndexOf("")`,
  `"x".match("x").index`,
  `[..."xyx".matchAll("x")].length`,
  `"abc".search("c")`,
  `new RegExp("a|b", "g").flags`,
  `RegExp("[").source`,
  `/a/ instanceof RegExp`,
  `new RegExp(/a/i).flags`,
  `/a/.constructor === RegExp`,
  `(() => { const pattern = /a/; return RegExp(pattern) === pattern; })()`,
  `class extends RegExp {}.name`,
  `new (class Mine extends RegExp {})("a", "g").flags`,
  `RegExp.name + RegExp.length`,
  `[String.prototype.includes, String.prototype.indexOf, String.prototype.split, String.prototype.replace, Array.from, [].fill].map(({ name, length }) => name + length)`,
  `Array.from("abc", (letter) => letter + letter)`,
  `Array.from({ length: 3 }, (_, index) => index)`,
  `[1, 2, 3].fill(0, 1)`,
  `[].fill.call({ length: 2 }, 1)`,
  "String.raw`a\\n${1}`",
  `"".includes.call(null, "a")`,
  `"x".includes(/x/)`,
  `"x".indexOf(Symbol())`,
];
test.each(same)("%s", (expression) => {
  const caught = (run: () => unknown): unknown => {
    try {
      return run();
    } catch (error) {
      return `threw ${(error as Error).name}`;
    }
  };
  const text = (run: (...values: readonly unknown[]) => unknown): string => JSON.stringify(caught(run));
  expect(text(inside(expression))).toBe(text(outside(expression)));
});

describe.each(["vm", "ses"] as const)("%s", (sandbox) => {
  const half = `"a".repeat(200_000)`;
  const needle = `${half} + "b" + ${half}`;
  test.each([
    `text.includes(needle)`,
    `text.indexOf(needle)`,
    `text.lastIndexOf(needle)`,
    `text.split(needle)`,
    `text.replace(needle, "")`,
    `text.replaceAll(needle, "")`,
    `text.includes(${half} + ${half} + "b")`,
    `text.lastIndexOf("b" + ${half})`,
  ])("a needle as long as %s is found or not in time that does not multiply", async (expression) => {
    const body = `const text = "a".repeat(3_000_000), needle = ${needle}; console.log(typeof (${expression}));`;
    const instance = loadJsModule(bundleOf(body), undefined, { sandbox }).open(new FakePort());
    const armed = (): boolean => runInterruptible(() => void instance.callReducer(someCall), { timeout: 20_000 });
    // Natively these take minutes, past every time-out.
    expect(await outsideMicrotasks(armed)).toBe(true);
  });

  test.each([
    { call: `new RegExp("a".repeat(${patternPartsMax}))`, says: /^fine$/ },
    { call: `new RegExp("a".repeat(${patternPartsMax + 1}))`, says: /may have 1000 parts in a row/ },
    { call: `Array.from({ length: ${arrayElementsMax + 1} })`, says: /67108865 elements at once/ },
    { call: `new RegExp("a".repeat(20_000) + "b")`, says: /may have 1000 parts in a row/ },
    { call: `RegExp("a".repeat(20_000), "i")`, says: /may have 1000 parts in a row/ },
    { call: `new /a/.constructor("a".repeat(20_000))`, says: /may have 1000 parts in a row/ },
    { call: `"x".match("a".repeat(20_000))`, says: /may have 1000 parts in a row/ },
    { call: `"x".matchAll("a".repeat(20_000))`, says: /may have 1000 parts in a row/ },
    { call: `"x".search("[ab]".repeat(5000))`, says: /may have 1000 parts in a row/ },
    { call: `Array(2 ** 32 - 1).fill(0)`, says: /4294967295 elements at once/ },
    { call: `[].fill.call({ length: 2 ** 53 - 1 }, 0)`, says: /elements at once/ },
    { call: `Array.from({ length: 1e9 })`, says: /1000000000 elements at once/ },
    { call: `String.raw({ raw: { length: 2 ** 53 - 1 } })`, says: /elements at once/ },
    { call: `new RegExp(Array(5000).fill("word").join("|"))`, says: /^fine$/ },
    { call: `new RegExp("[" + "\\u0100-\\u0101".repeat(5000) + "]", "u")`, says: /^fine$/ },
    { call: `Array.from(new Uint8Array(1000), (byte) => byte)`, says: /^fine$/ },
  ])("$call", ({ call, says }) => {
    const port = new FakePort();
    const body = `let said = "fine"; try { ${call}; } catch (error) { said = error.message; } console.log(said);`;
    loadJsModule(bundleOf(body), undefined, { sandbox }).open(port).callReducer(someCall);
    expect(port.lines[0]?.message).toMatch(says);
  });
});
