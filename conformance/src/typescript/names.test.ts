// Goal: docs/typescript-names.md is true, line by line.
// Method: each line becomes a line of a module. Those that are said to be there compile and run, in the contexts of their sections;
// those that are said not to be there do not compile.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundleModule } from "@lightcone/cli/bundle";
import { loadJsModule } from "@lightcone/host-js";
import { expect, test } from "vitest";
import { EngineDatabase, traceCaller } from "../wasm/engine-database.ts";
import { complaintsOf, makeProject } from "./type-check.ts";

interface Entry {
  readonly section: string;
  readonly name: string;
  readonly isThere: boolean;
}

const page = readFileSync(new URL("../../../docs/typescript-names.md", import.meta.url), "utf8");
const entries: Entry[] = page.split(/^## /m).flatMap((part) => {
  const [section = ""] = part.split("\n", 1);
  return [...part.matchAll(/^\| `(.+?)` \| (there|differs|not there) \|/gm)].map(([, name = "", state]) => ({
    section,
    name,
    isThere: state !== "not there",
  }));
});

const sections = {
  values: "Imports: values",
  types: "Imports: types",
  load: "As the module loads",
  columns: "Types of columns",
  reducer: "`ctx` of a reducer, and of a transaction",
  tables: "Tables and indexes",
  procedure: "`ctx` of a procedure",
  handler: "`ctx` of an HTTP handler",
  view: "`ctx` of a view",
  objects: "Values",
};
const isType = ({ section }: Entry): boolean => section === sections.types;
const isImport = ({ section }: Entry): boolean => section === sections.values || section === sections.types;
const of = (...wanted: readonly string[]): Entry[] =>
  entries.filter(({ section, isThere }) => isThere && wanted.includes(section));
const lines = (list: readonly Entry[]): string =>
  list.map(({ name }) => `see(${JSON.stringify(name)}, ${name});`).join("\n");

/** The module that the lines of the page are written for. What is made and not exported is of another schema. */
const preamble = `import * as all from "lightcone/module";
import { ${of(sections.values)
  .map(({ name }) => name)
  .join(", ")} } from "lightcone/module";
const timer = table({}, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() });
const note = table(
  { indexes: [{ accessor: "nm", algorithm: "btree", columns: ["n", "m"] }] },
  { id: t.u64().primaryKey().autoInc(), text: t.string().unique(), n: t.u8().index(), m: t.u8().index("hash") },
);
const tag = table({}, { id: t.u64().primaryKey() });
const library = { default: schema({ entry: table({}, { id: t.u64().primaryKey() }) }) };
const main = schema({ note, timer, tag, library });
export default main;
const app = schema({ note, timer, tag });
const hello = app.httpHandler(() => new SyncResponse("hello"));
export const tick = main.reducer({ n: t.u8() }, (ctx, { n }) => {});
const see = (name: string, value: unknown): void => {
  if (value === undefined && !name.startsWith("tick(")) console.error(name);
};
`;

test("what is said to be there compiles, and what is said not to be does not", () => {
  const other = entries.filter((entry) => !isImport(entry));
  const wrap = (entry: Entry): string =>
    entry.section === sections.procedure
      ? `main.procedure(t.unit(), async (ctx) => { void (${entry.name}); });`
      : entry.section === sections.view
        ? `main.view({ public: true }, t.array(note.rowType), (ctx) => (void (${entry.name}), []));`
        : entry.section === sections.handler
          ? `main.httpHandler((ctx, request) => (void (${entry.name}), new SyncResponse()));`
          : `main.reducer((ctx) => { void (${entry.name}); });`;
  const first = preamble.split("\n").length;
  const folder = makeProject({
    "names.ts": `${preamble}${other.map(wrap).join("\n")}`,
    "imports.ts": entries
      .filter(isImport)
      .map((entry, at) => `import ${isType(entry) ? "type " : ""}{ ${entry.name} as n${at} } from "lightcone/module";`)
      .join("\n"),
  });
  try {
    const said = complaintsOf(folder);
    const wrongNames = said.filter(({ file }) => file === "names.ts").map(({ line }) => line - first);
    const wrongImports = said.filter(({ file }) => file === "imports.ts").map(({ line }) => line - 1);
    const compiles = [
      ...other.filter((_, at) => !wrongNames.includes(at)),
      ...entries.filter(isImport).filter((_, at) => !wrongImports.includes(at)),
    ].map(({ section, name }) => `${section}: ${name}`);
    const isSaid = entries.filter(({ isThere }) => isThere).map(({ section, name }) => `${section}: ${name}`);
    expect(compiles.toSorted()).toEqual(isSaid.toSorted());
    expect(entries.length).toBeGreaterThan(200);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is said to be there runs", async () => {
  const folder = makeProject({
    "names.ts": `${preamble}
${lines(of(sections.columns, sections.objects))}
for (const name of ${JSON.stringify(of(sections.values).map(({ name }) => name))}) see(name, Reflect.get(all, name));
{ const main = undefined; ${lines(of(sections.load))} }
export const reduce = main.reducer((ctx) => {
${lines(of(sections.reducer, sections.tables))}
console.info("reduced");
});
export const proceed = main.procedure(t.unit(), async (ctx) => {
${lines(of(sections.procedure))}
console.info("proceeded");
});
export const looked = main.view({ public: true }, t.array(note.rowType), (ctx) => {
${lines(of(sections.view))}
console.info("looked");
return [];
});
`,
  });
  try {
    const { code } = await bundleModule(join(folder, "names.ts"));
    const database = new EngineDatabase(loadJsModule(code, undefined, { sandbox: "vm" }), {
      claims: new Map([[Buffer.from(traceCaller.connection).toString("hex"), Buffer.from(`{"sub":"someone"}`)]]),
    });
    expect(database.call("reduce")).toEqual({ kind: "ok" });
    // Module code that makes promises runs in a turn of its own.
    const outcome = await new Promise((resolve) => setImmediate(() => resolve(database.callProcedure("proceed"))));
    expect(outcome).toMatchObject({ kind: "ok" });
    const { sender } = traceCaller;
    database.store.begin();
    const view = { viewIndex: 0, isAnonymous: false, sender, args: new Uint8Array(0) };
    expect(database.instance.callView?.(view)).toMatchObject({ kind: "rows" });
    database.store.rollback();
    expect(database.logs.map(({ message }) => message)).toEqual(["reduced", "proceeded", "looked"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
