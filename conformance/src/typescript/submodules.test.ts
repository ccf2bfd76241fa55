// Goal: issue 9, modules within modules of `lightcone/module`: what cannot be one is refused by a text that says what to do; what a
//   library exports besides its functions harms nobody; its history is told under its name.
// Method: small projects, bundled and loaded as the command and a host do; the description checked as the database does.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { bundleModule } from "@lightcone/cli/bundle";
import { loadJsModule } from "@lightcone/host-js";
import { checkModule, decodeModuleDef, withHistory, type ModuleDef } from "@lightcone/schema";
import { describe, expect, test } from "vitest";
import { submodulesMax } from "../../../packages/host-js/src/shape-reader.ts";
import { EngineDatabase } from "../wasm/engine-database.ts";
import { makeProject } from "./type-check.ts";

const imports = `import { Router, schema, SyncResponse, t, table } from "lightcone/module";\n`;
const line = `const line = table({ public: true }, { id: t.u32().primaryKey().autoInc(), text: t.string() });\n`;
const send = `export const send = chat.reducer({ text: t.string() }, (ctx, { text }) => { ctx.db.line.insert({ id: 0, text }); });\n`;
const chat = `${imports}${line}const chat = schema({ line });\nexport default chat;\n`;
const root = `${imports}import * as chat from "./chat.ts";\nconst app = schema({ chat });\nexport default app;\n`;

async function open(files: Readonly<Record<string, string>>): Promise<EngineDatabase> {
  const folder = makeProject(files);
  try {
    const { code } = await bundleModule(join(folder, "module.ts"));
    return new EngineDatabase(loadJsModule(code, undefined, { sandbox: "vm" }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function defOf(files: Readonly<Record<string, string>>): Promise<ModuleDef> {
  const { instance } = await open(files);
  return withHistory(checkModule(decodeModuleDef(instance.description)), instance.history);
}

describe("issue 9: modules within modules", () => {
  test("a library's functions run on its tables, whatever else it exports", async () => {
    const database = await open({
      "module.ts": `${root}export const say = app.reducer((ctx) => {
        chat.send(ctx.as.chat, { text: chat.shout("by the root") });
        for (const row of [...ctx.db.chat.line]) ctx.db.chat.line.id.update({ ...row, text: row.text + "!" });
        console.info([...ctx.db.chat.line].map(({ text }) => text).join(), Object.keys(ctx.as).join());
      });`,
      "chat.ts": `${chat}${send}export const shout = (text: string): string => text.toUpperCase();\nexport const limit = 5;\nexport type Line = string;\nexport { line };`,
    });
    expect(database.call("say")).toEqual({ kind: "ok" });
    expect(database.logs.map(({ message }) => message)).toEqual(["BY THE ROOT! chat"]);
  });

  test("what a library was before is told under its name, and its function carries rows over", async () => {
    const def = await defOf({
      "module.ts": root,
      "chat.ts": `${imports}const line = table({ was: "words" }, { id: t.u32().primaryKey(), text: t.string().was("said") });
        const chat = schema({ line });
        export default chat;
        export const carry = chat.migrate({ phrase: { said: t.string() } }, (old, ctx) => {
          for (const { said } of old.phrase) ctx.db.line.insert({ id: 0, text: said });
        });`,
    });
    expect(
      def.tables.map(({ name, was, isOld, columns }) => [name, was, isOld, columns.map((each) => each.was)]),
    ).toEqual([
      ["chat.line", "chat.words", false, [undefined, "said"]],
      ["chat.old_phrase", "chat.phrase", true, [undefined]],
    ]);
    expect(def.migrate).toBe("chat.carry");
  });

  test("limit submodulesMax: libraries within libraries count", async () => {
    const all = Array.from({ length: submodulesMax / 2 }, (_, at) => `s${at}: outer`);
    const of = (more: string) =>
      open({
        "module.ts": `${imports}import * as outer from "./outer.ts";\nexport default schema({ ${all.join()}${more} });`,
        "outer.ts": `${imports}import * as inner from "./inner.ts";\nexport default schema({ inner });`,
        "inner.ts": `${imports}export default schema({});`,
      });
    await expect(of(", more: outer")).rejects.toThrow(`the module has more than ${submodulesMax} submodules`);
    expect((await of("")).instance.description.length).toBeGreaterThan(0);
  });

  test.each([
    [
      "its schema alone",
      { "module.ts": root.replace("* as chat", "chat"), "chat.ts": chat },
      "`chat` is the schema of another module: import its file whole, `import * as chat from …`",
    ],
    [
      "a file without a schema",
      { "module.ts": root, "chat.ts": `${imports}${line}export { line };` },
      "`chat` is a file without a schema: a module's has `export default schema({ … })`",
    ],
    [
      "files in a circle",
      {
        "module.ts": root,
        "chat.ts": `${imports}import * as app from "./module.ts";\nconst chat = schema({ app });\nexport default chat;`,
      },
      "of files that import each other in a circle one has none yet",
    ],
    [
      "a life cycle",
      { "module.ts": root, "chat.ts": `${chat}export const begin = chat.init(() => {});` },
      "submodule `chat`: a submodule cannot have lifecycle reducers",
    ],
    [
      "routes",
      {
        "module.ts": root,
        "chat.ts": `${chat}export const hi = chat.httpHandler(() => new SyncResponse("hi"));\nexport const routes = chat.httpRouter(new Router().get("/hi", hi));`,
      },
      "submodule `chat`: its HTTP handlers and its router would serve nothing",
    ],
    [
      "a function that is not exported",
      { "module.ts": root, "chat.ts": `${chat}${send.replace("export ", "")}` },
      "is not exported, so nobody could call it",
    ],
    [
      "an async reducer in one",
      { "module.ts": root, "chat.ts": `${chat}export const wait = chat.reducer((async () => {}) as never);` },
      "submodule `chat`: reducer `wait` is async",
    ],
    [
      "a name that is taken",
      { "module.ts": `${root}export const other = app.reducer({ name: "chat" }, () => {});`, "chat.ts": chat },
      "the name `chat` belongs to a submodule and to reducer `chat`",
    ],
  ])("refused: %s", async (_, files, text) => {
    await expect(defOf(files)).rejects.toThrow(text);
  });
});
