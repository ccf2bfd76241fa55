// Goal: issue 10 §5, what the public types cost the compiler is known, and does not grow unseen.
// Method: a module of 50 tables, and what uses all of it: a client, guesses, hooks, tests. The compiler counts how often it fills in a generic
//   type, which is the same on every machine, and not how long it takes. Each count is held against the one recorded here.
import { expect, test } from "vitest";
import { instantiationsOf } from "./type-check.ts";

/** For each table with its reducer, on top of the module for all but the first. Recorded anew where it is meant to change. */
const recorded = { module: 1656, client: 621, guesses: 435, react: 707, testing: 1444 };
/** By how much more a count may grow unseen. */
const growthMax = 0.1;

const numbers = Array.from({ length: 50 }, (_, number) => number);
const each = (line: (number: number) => string): string => numbers.map(line).join("\n");

const moduleText = `import { Range, schema, t, table } from "lightcone/module";
${each(
  (number) => `const t${number} = table(
  { public: true, indexes: [{ accessor: "ab", algorithm: "btree", columns: ["a", "b"] }] },
  { id: t.u64().primaryKey().autoInc(), a: t.u32(), b: t.string(), name: t.string().unique(), c: t.i32().index(), d: t.timestamp(), e: t.identity(), f: t.array(t.u8()), g: t.string().optional(), h: t.f64() },
);`,
)}
const app = schema({ ${numbers.map((number) => `t${number}`).join(", ")} });
export default app;
${each(
  (number) => `export const r${number} = app.reducer({ a: t.u32(), id: t.u64() }, (ctx, { a, id }) => {
  const row = ctx.db.t${number}.id.find(id);
  if (row !== null) ctx.db.t${number}.id.update({ ...row, a });
  for (const one of ctx.db.t${number}.ab.filter([a, new Range<string>()])) ctx.db.t${number}.delete(one);
  ctx.db.t${number}.insert({ a, b: "", name: "", c: 1, d: ctx.timestamp, e: ctx.sender, f: new Uint8Array(), h: 1 });
});`,
)}
`;
const clientText = `import { connect } from "lightcone/client";
import type * as app from "./module.ts";
const db = await connect<typeof app>({ uri: "ws://127.0.0.1:3000", database: "app" });
${each(
  (number) => `for (const row of db.tables.t${number}.rows()) console.log(row.name, row.g?.length);
db.subscribe(db.tables.t${number}.where({ a: 1 }).orderBy("c").limit(20));
console.log(db.tables.t${number}.get(1n)?.d, (await db.query(db.tables.t${number}))[0]?.e);
await db.reducers.r${number}({ a: 1, id: 1n });`,
)}
`;
const guessText = `import { optimistic } from "lightcone/client";
import type * as app from "./module.ts";
export const guesses = optimistic<typeof app>({
${each(
  (number) => `  r${number}: (ctx, { a, id }) => {
    const row = ctx.db.t${number}.id.find(id);
    if (row !== null) ctx.db.t${number}.id.update({ ...row, a });
  },`,
)}
});
`;
const reactText = `import { createHooks } from "lightcone/react";
import type * as app from "./module.ts";
const { useQuery, useReducer, useRow } = createHooks<typeof app>();
${each(
  (number) => `export function use${number}(): string | undefined {
  const { rows } = useQuery((tables) => tables.t${number}.where({ a: 1 }).orderBy("c"));
  const row = useRow((tables) => tables.t${number}.where({ id: 1n }));
  const [call, { pending }] = useReducer((reducers) => reducers.r${number});
  if (!pending) void call({ a: 1, id: 1n });
  return rows[0]?.name ?? row.row?.b;
}`,
)}
`;
const testText = `import { testModule } from "lightcone/testing";
import * as app from "./module.ts";
const world = await testModule(app);
const ann = world.as("ann");
${each(
  (number) => `await ann.r${number}({ a: 1, id: 1n });
console.log(world.db.t${number}.id.find(1n)?.name, (await ann.query((from) => from.t${number}.where((row) => row.a.gt(1))))[0]?.g);`,
)}
`;

test("issue 10 §5: the types of a large module, of its client, its guesses, its hooks and its tests cost the compiler what they did", () => {
  const counted = (uses: Readonly<Record<string, string>>): number =>
    instantiationsOf({ "module.ts": moduleText, ...uses }) / numbers.length;
  const module = counted({});
  const more = (text: string): number => counted({ "use.ts": text }) - module;
  const found = {
    module,
    client: more(clientText),
    guesses: more(guessText),
    react: more(reactText),
    testing: more(testText),
  };
  const grown = Object.entries(recorded).filter(([name, count]) => {
    const now = found[name as keyof typeof found]; // it has the same names
    expect(now, name).toBeGreaterThan(count / 2); // it was counted
    return now > count * (1 + growthMax);
  });
  expect(grown, `the compiler fills in ${JSON.stringify(found)}; if that is meant, record it`).toEqual([]);
});
