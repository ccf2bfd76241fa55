// Goal: a page holds the client and nothing of the module that it is typed by: no reducer, no private table, no text of
// the back end. And the client stays small.
// Method: a module full of words that stand nowhere else, built into a page by Vite as users build theirs; the same for
// the chat, by the bundler of `npm start`. The page's script is searched for those words, and weighed.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { afterAll, expect, test } from "vitest";
import { buildChatPage } from "../../../packages/cli/src/demo/chat-page.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lightcone-page-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const moduleText = `import { schema, SenderError, t, table } from "lightcone/module";
const spacetime = schema({
  card: table({ public: true }, { id: t.u64().primaryKey().autoInc(), words: t.string() }),
  secretVault: table({}, { hiddenColumn: t.string() }),
});
export default spacetime;
export const clientConnected = spacetime.clientConnected(() => { throw new SenderError("the doorman's words"); });
export const addCard = spacetime.reducer({ words: t.string() }, (ctx, { words }) => {
  if (words === "the password") throw new SenderError("the reducer's own words");
  ctx.db.secretVault.insert({ hiddenColumn: words });
});
`;
const pageText = `import { connect } from "lightcone/client";
import type * as cards from "./module.ts";
const db = connect<typeof cards>({ uri: location.origin, database: "cards" });
db.tables.card.onInsert(({ words }) => document.body.append(words));
document.body.onclick = () => db.reducers.addCard({ words: "a word of the page's" });
`;

/** The script of a page that imports \`lightcone/client\`, minified. */
async function buildPage(script: string, external: readonly string[] = []): Promise<string> {
  const page = mkdtempSync(join(folder, "page-"));
  mkdirSync(join(page, "node_modules"));
  symlinkSync(join(root, "packages/lightcone"), join(page, "node_modules/lightcone"));
  writeFileSync(join(page, "module.ts"), moduleText);
  writeFileSync(join(page, "page.ts"), script);
  writeFileSync(join(page, "index.html"), `<body><script type="module" src="./page.ts"></script></body>`);
  const built = await build({
    root: page,
    logLevel: "error",
    configFile: false,
    build: { write: false, modulePreload: false, rolldownOptions: { external: [...external] } },
  });
  if (!("output" in built)) throw new Error("Vite gave no single build");
  const scripts = built.output.flatMap((file) => (file.type === "chunk" ? [file.code] : []));
  expect(scripts).toHaveLength(1);
  return scripts.join("");
}

const wordsIn = (script: string, words: readonly string[]): string[] => words.filter((word) => script.includes(word));

test("row 15: nothing of the module is in the page", async () => {
  const script = await buildPage(pageText);
  expect(wordsIn(script, ["a word of the page's"])).toHaveLength(1);
  const words = ["secretVault", "hiddenColumn", "the password", "reducer's own", "doorman"];
  expect(wordsIn(script, [...words, "secret_vault"])).toEqual([]);
  // Nor of the authors' SDK, nor what only a server would say.
  const others = ["autoInc", "SenderError", "SpacetimeHostError", "a reducer's last argument", "DataDirectoryLocked"];
  expect(wordsIn(script, [...others, "lightcone repair", "reducerTimeoutMs"])).toEqual([]);
  // They would be found: a page that imports the module's value has them.
  const whole = await buildPage(pageText.replace("import type *", "import *") + "console.log(Object.keys(cards));\n");
  expect(wordsIn(whole, words)).toEqual(words);
});

test("row 15: nothing of the chat's module is in its page", async () => {
  const files = await buildChatPage(join(root, "examples/chat/page"));
  const script = new TextDecoder().decode(files.get("main.js"));
  expect(wordsIn(script, ["reconnecting"])).toHaveLength(1);
  expect(wordsIn(script, ["must not be empty", "the room is open", "unknown user", "autoInc", "primaryKey("])).toEqual(
    [],
  );
});

const clientText = `import { connect } from "lightcone/client"; Object.assign(globalThis, { connect });`;
const gzipBytes = (script: string): number => gzipSync(script, { level: 9 }).length;

test("row 15: the client stays small", async () => {
  const bytes = gzipBytes(await buildPage(clientText));
  expect(bytes).toBeGreaterThan(5_000);
  // 250 of them hold what plain JavaScript gives against the columns and their types: rows must not be wrong in silence.
  // And 200 compare the hash of what the page was built for, and get the schema where it differs.
  expect(bytes).toBeLessThan(25_775);
});

test("issue 10: who guesses nothing has nothing of what guesses, and who does has little more", async () => {
  const client = await buildPage(clientText);
  expect(wordsIn(client, ["the call is made all the same"])).toEqual([]);
  const both = `import { connect, optimistic } from "lightcone/client"; Object.assign(globalThis, { connect, optimistic });`;
  const script = await buildPage(both);
  expect(wordsIn(script, ["the call is made all the same"])).toHaveLength(1);
  expect(gzipBytes(script) - gzipBytes(client)).toBeLessThan(3_940);
});

test("issue 10: so it is with rows that are kept for the next start", async () => {
  const client = await buildPage(clientText);
  expect(wordsIn(client, ["The page works without"])).toEqual([]);
  const kept = `import { connect, indexedDbStore, persist } from "lightcone/client"; Object.assign(globalThis, { connect, indexedDbStore, persist });`;
  const script = await buildPage(kept);
  expect(wordsIn(script, ["The page works without"])).toHaveLength(1);
  // Files are Node's.
  expect(wordsIn(script, ["node:fs"])).toEqual([]);
  expect(gzipBytes(script) - gzipBytes(client)).toBeLessThan(2_120);
});

test("issue 10: so do the hooks of React, with all that they bring besides the client and React itself", async () => {
  const client = gzipBytes(await buildPage(clientText));
  const hooksText = `import * as hooks from "lightcone/react"; Object.assign(globalThis, { hooks });`;
  const bytes = gzipBytes(await buildPage(clientText + hooksText, ["react"])) - client;
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThan(2_320);
  // Without rows of a server.
  const few = `import { createHooks } from "lightcone/react"; Object.assign(globalThis, { createHooks });`;
  expect(gzipBytes(await buildPage(clientText + few, ["react"])) - client).toBeLessThan(1_690);
});
