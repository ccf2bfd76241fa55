// Goal: a wrong use of a hook is answered with a text that says what is wrong with it.
// Method: a file of wrong uses, one a line, is compiled; what the compiler says of each line is held against the line.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lightcone-react-types-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const head = `import { createHooks } from "lightcone/react";
import type * as board from "${root}conformance/src/react/module.ts";
const { LightconeProvider, useProcedure, useQuery, useReducer, useRow, useSuspenseQuery } = createHooks<typeof board>();
const [addCard, { pending }] = useReducer((reducers) => reducers.addCard);
`;
/** A wrong use, and the end of what is said of it. */
const wrong: readonly (readonly [use: string, said: string])[] = [
  ["useQuery((tables) => tables.cards);", "Property 'cards' does not exist on type"],
  ["useQuery((tables) => tables.card).rows[0]?.txt;", "Did you mean 'text'?"],
  ["useQuery((tables) => tables.card.where({ borad: 'all' }));", "'borad' does not exist in type"],
  ["useRow((tables) => tables.card.where({ id: 5 }));", "Type 'number' is not assignable to type 'bigint"],
  ["useSuspenseQuery((tables) => pending && tables.card);", "Type 'boolean' is not assignable to type 'Source"],
  ["addCard({ board: 'all' });", "Property 'text' is missing in type"],
  ["addCard({ board: 'all', text: 5 });", "Type 'number' is not assignable to type 'string'"],
  ["addCard('all', 'text');", "Expected 1 arguments, but got 2"],
  ["useReducer((reducers) => reducers.addCrad);", "Did you mean 'addCard'?"],
  ["useProcedure((procedures) => procedures.addCard);", "Property 'addCard' does not exist on type"],
  ["<LightconeProvider />;", "Property 'client' is missing in type '{}'"],
];

test("issue 10: what is said of wrong uses", () => {
  mkdirSync(join(folder, "node_modules/@types"), { recursive: true });
  symlinkSync(join(root, "packages/lightcone"), join(folder, "node_modules/lightcone"));
  for (const name of ["react", "@types/react"])
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  writeFileSync(join(folder, "wrong.tsx"), head + wrong.map(([use]) => `${use}\n`).join(""));
  const config = {
    extends: join(root, "conformance/src/react/page/tsconfig.json"),
    compilerOptions: { noUnusedLocals: false },
    include: [],
    files: ["wrong.tsx"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], { encoding: "utf8" });
  const firstLine = head.split("\n").length;
  const said = stdout.split(/^(?=\S)/m);
  for (const [index, [use, text]] of wrong.entries()) {
    const ofLine = said.filter((one) => one.includes(`wrong.tsx(${firstLine + index},`));
    expect({ use, said: ofLine.join("") }).toMatchObject({ use, said: expect.stringContaining(text) });
  }
  // What they use is right.
  expect(said.filter((one) => Number(/^wrong\.tsx\((\d+),/.exec(one)?.[1] ?? firstLine) < firstLine)).toEqual([]);
});
