// Goal: issue 9, `t.lazy`: a type that is made further down is the type that it stands for, in a column, a parameter, a result and within
//   others; one that contains itself is refused by its name, and nothing hangs.
// Method: small modules, bundled and loaded as the command and a host do; rows of such a column are written and read.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { bundleModule } from "@lightcone/cli/bundle";
import { loadJsModule } from "@lightcone/host-js";
import { checkModule, decodeModuleDef } from "@lightcone/schema";
import { expect, test } from "vitest";
import { EngineDatabase } from "../wasm/engine-database.ts";
import { complaintsAbout, makeProject } from "./type-check.ts";

async function open(text: string): Promise<EngineDatabase> {
  const folder = makeProject({ "module.ts": text });
  try {
    const { code } = await bundleModule(join(folder, "module.ts"));
    return new EngineDatabase(loadJsModule(code, undefined, { sandbox: "vm" }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** With `lazy` in front of each type that is not made yet, or with the types made before. */
const moduleOf = (isLazy: boolean): string => {
  const types = `const Point = t.object("Point", { x: t.u8(), tint: Tint });\n`;
  const tint = `const Tint = t.enum("Tint", ["red", "blue"]);\n`;
  const at = (name: string): string => (isLazy ? `t.lazy(() => ${name})` : name);
  const tables = `const spot = table({ public: true }, { id: t.u32().primaryKey(), at: ${at("Point")}, path: t.array(${at("Point")}), maybe: ${at("Point")}.optional() });\n`;
  return `import { schema, t, table } from "lightcone/module";
${isLazy ? tables + tint + types : tint + types + tables}
const app = schema({ spot });
export default app;
export const put = app.reducer({ at: ${at("Point")} }, (ctx, { at }) => {
  ctx.db.spot.insert({ id: 1, at, path: [at, { x: 2, tint: { tag: "blue" } }], maybe: undefined });
  for (const row of ctx.db.spot) console.info(row.at.x, row.path.map(({ tint }) => tint.tag).join(), row.maybe === undefined);
});
export const first = app.reducer({}, ${at("Point")}, (ctx) => [...ctx.db.spot][0]!.at);
`;
};

test("issue 9: t.lazy is the type that it stands for", async () => {
  expect(complaintsAbout({ "lazy.ts": moduleOf(true) })).toEqual([]);
  const [lazy, plain] = [await open(moduleOf(true)), await open(moduleOf(false))];
  expect(decodeModuleDef(lazy.instance.description)).toEqual(decodeModuleDef(plain.instance.description));
  expect(checkModule(decodeModuleDef(lazy.instance.description)).types.map(({ name }) => name)).toContain("Point");
  expect(lazy.call("put", [{ x: 7, tint: { tag: "red" } }])).toEqual({ kind: "ok" });
  expect(lazy.logs.map(({ message }) => message)).toEqual(["7 red,blue true"]);
});

test.each([
  ["within itself", `const Tree: Any = t.object("Tree", { child: t.lazy(() => Tree) });`],
  ["in a list of its own", `const Tree: Any = t.object("Tree", { children: t.array(t.lazy(() => Tree)) });`],
  [
    "by way of another",
    `const Tree: Any = t.object("Tree", { leaf: t.lazy(() => Leaf) });\nconst Leaf: Any = t.enum("Leaf", { of: t.option(Tree), none_of: t.unit() });`,
  ],
  ["and nothing else", `const Tree: Any = t.lazy(() => Tree);`],
])("issue 9: a type that contains itself is refused: %s", async (_, types) => {
  const text = `import { schema, t, table, type AnyType } from "lightcone/module";
type Any = AnyType<any, never>;
${types}
const app = schema({ node: table({}, { id: t.u32().primaryKey(), tree: Tree }) });
export default app;
`;
  await expect(open(text)).rejects.toThrow(
    "table `node`, column `tree`: its type contains itself: keep the parts as rows of their own",
  );
});
