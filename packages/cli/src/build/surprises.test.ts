// Goal: issue 10, bad input: state that survives a roll-back is named with its line, and nothing else is.
// Method: a row for each way to keep some, and for each that looks like it.
import { expect, test } from "vitest";
import { findSurprises } from "./surprises.ts";

const inReducer = (body: string): string => `\nexport const f = app.reducer((ctx) => {\n${body}\n});`;

test.each([
  { text: `let calls: number = 0;${inReducer("calls += 1;")}`, names: ["calls:3"] },
  { text: `export let last = "";${inReducer("last = ctx.sender.toHexString();")}`, names: ["last:3"] },
  { text: `var n = 0;\nfunction next() {\n  return n++;\n}`, names: ["n:3"] },
  { text: `const seen = new Set<string>();${inReducer('seen.add("x");')}`, names: ["seen:3"] },
  { text: `const list: string[] = [];${inReducer('if (1) { list.push("x"); list.length = 0; }')}`, names: ["list:3"] },
  { text: `const cache = {};${inReducer("cache.x = 1; delete cache.y;")}`, names: ["cache:3"] },
  { text: `let a = 0;\nconst b = new Map();${inReducer("a = 1;\nb.set(1, 2);")}`, names: ["a:4", "b:5"] },
  {
    text: `let a = 0; // set as it loads\na = 1;\nconst m = new Map();\nm.set(1, 2);${inReducer("m.get(1); a;")}`,
    names: [],
  },
  { text: `let count = 0;${inReducer("let count = 1; count += 1;")}`, names: [] },
  { text: `let count = 0;\nconst f = (count: number) => { count += 1; };`, names: [] },
  { text: `let row = 0;\nconst f = ({ row }: { row: number }, [other]: number[]) => { row += other; };`, names: [] },
  { text: `const t = table({}, {});${inReducer("ctx.db.set.delete(1); t.set = 1;")}`, names: [] },
  { text: `const list = [3, 1];${inReducer("return list.map((n) => n).sort();")}`, names: [] },
  { text: `const at = Math.random();${inReducer("const Date = ctx; Date.now();")}`, names: [] },
  { text: `this is no { TypeScript`, names: [] },
])("$text", ({ text, names }) => {
  const told = findSurprises(text, "src/index.ts").map((each) => {
    const [, line, name] = /^src\/index\.ts:(\d+): `(\w+)` stands outside of .*row of a table\.$/.exec(each) ?? [];
    return `${name}:${line}`;
  });
  expect(told).toEqual(names);
});

test("clocks and chance of its own", () => {
  const text = `export const f = app.reducer(() => {\n  Math.random();\n  Date.now();\n});`;
  expect(findSurprises(text, "module.ts")).toEqual([
    "module.ts:2: `Math.random` is refused when it is called: use ctx.random().",
    "module.ts:3: `Date.now` is refused when it is called: use ctx.timestamp.",
  ]);
});
