// Goal: issue 9, row `generate`. Which Rust files there are, that they name one another and each table wherever it must be, and how
// names that are no identifiers are written. That they compile and what they do is conformance/src/official-client/rust.test.ts.
// Method: recorded modules and an awkward one, for both lines of the crate; the texts read.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fromHex } from "@lightcone/sats";
import { checkModule, decodeModuleDef, type ModuleDef } from "@lightcone/schema";
import { generatedMark } from "./dialect.ts";
import { generateRust } from "./generate-rust.ts";
import { rustText } from "./rust/rust-names.ts";
import { awkwardForRust } from "./testing/awkward-module.ts";

const vectorsUrl = new URL("../../../conformance/vectors/module-def.json", import.meta.url);

function recorded(id: string): ModuleDef {
  const { vectors } = JSON.parse(readFileSync(vectorsUrl, "utf8")) as { vectors: { id: string; bsatn_hex: string }[] };
  const vector = vectors.find((each) => each.id === id);
  return checkModule(decodeModuleDef(fromHex(vector?.bsatn_hex ?? "")));
}

const modules = [
  ...["noop-1x", "chat-1.12", "harbor-1.12", "harbor-2.10", "shelf-2.10"].map((id) => ({ id, module: recorded(id) })),
  { id: "awkward", module: awkwardForRust },
];
const cases = modules.flatMap((each) => ([1, 2] as const).map((sdk) => ({ ...each, sdk })));

describe("row generate: Rust bindings", () => {
  test("a file per table, reducer that can be called, procedure and type, and mod.rs", () => {
    expect([...generateRust(recorded("chat-1.12"), { sdk: 2 }).keys()]).toEqual([
      "message_table.rs",
      "user_table.rs",
      "send_message_reducer.rs",
      "message_type.rs",
      "user_type.rs",
      "mod.rs",
    ]);
  });

  test.each(cases)("$id for $sdk: files begin with the mark, and mod.rs names each of them", ({ module, sdk }) => {
    const files = generateRust(module, { sdk, includePrivate: true });
    for (const text of files.values()) expect(text.startsWith(`${generatedMark}\n`)).toBe(true);
    const declared = [...(files.get("mod.rs") ?? "").matchAll(/^pub mod (\w+);$/gm)].map(([, name]) => `${name}.rs`);
    expect(declared.toSorted()).toEqual([...files.keys()].filter((name) => name !== "mod.rs").toSorted());
  });

  test.each(cases)("$id for $sdk: each table is wherever the client looks for it", ({ module, sdk }) => {
    const text = generateRust(module, { sdk, includePrivate: true }).get("mod.rs") ?? "";
    const part = (from: string, to: string): string => text.slice(text.indexOf(from)).split(to)[0] ?? "";
    for (const { name } of [...module.tables, ...module.views]) {
      const literal = rustText(name);
      expect(part("for DbUpdate {\n    type Error", "impl __sdk::DbUpdate")).toContain(`${literal} =>`);
      expect(part("fn invoke_row_callbacks", "\n}\n")).toContain(`(${literal},`);
      if (sdk === 2) expect(part("ALL_TABLE_NAMES", ";\n}")).toContain(literal);
      if (sdk === 2)
        for (const method of ["parse_initial_rows", "parse_unsubscribe_rows"])
          expect(part(`fn ${method}`, "\n    }\n")).toContain(`${literal} =>`);
    }
    const tables = module.tables.length + module.views.length;
    expect(part("fn register_tables", "\n    }\n").split("::register_table(").length).toBe(tables + 1);
  });

  test("the same module gives the same bytes, in whatever order it describes itself", () => {
    const module = recorded("harbor-2.10");
    const turned = { ...module, tables: module.tables.toReversed(), reducers: module.reducers.toReversed() };
    expect([...generateRust(turned, { sdk: 2 })]).toEqual([...generateRust(module, { sdk: 2 })]);
  });

  test("what clients cannot reach or call is left out unless asked for", () => {
    const module = recorded("harbor-2.10");
    const few = new Set(generateRust(module, { sdk: 2 }).keys());
    const all = [...generateRust(module, { sdk: 2, includePrivate: true }).keys()];
    expect(all.filter((name) => !few.has(name))).toEqual([
      "visit_table.rs",
      "farewell_reducer.rs",
      "greet_reducer.rs",
      "run_patrol_reducer.rs",
      "visit_type.rs",
    ]);
  });

  test("keywords are written raw, and what cannot be gets a line below", () => {
    const files = generateRust(awkwardForRust, { sdk: 2, includePrivate: true });
    const fields = [...(files.get("reducer_type.rs") ?? "").matchAll(/^ {4}pub (\S+):/gm)].map(([, name]) => name);
    expect(fields).toEqual(["a_1", "r#type", "self_", "r#gen", "user_id", "hidden"]);
    expect(files.get("match_reducer.rs")).toContain("pub trait r#match {");
    expect(files.get("option_type.rs")).toContain("    Self_(u8),\n    None,\n    Ok2Go(");
  });

  test("names that mod.rs or the crate's derives write themselves stay out of the way", () => {
    const text = generateRust(awkwardForRust, { sdk: 2, includePrivate: true }).get("mod.rs") ?? "";
    expect(text).not.toMatch(/pub use reducer_type::/);
    expect(text).not.toMatch(/pub use node_type_reducer::/);
    expect(text).toContain("pub use result_type::Result_ as Result;");
  });

  test("a type that holds itself is boxed there, but in lists", () => {
    const files = generateRust(awkwardForRust, { sdk: 2, includePrivate: true });
    expect(files.get("tree_type.rs")).toContain(
      `    pub children: ::std::vec::Vec<super::tree_type::Tree>,
    pub other: ::std::boxed::Box<super::node_type::Node>,
    pub maybe: ::core::option::Option<::std::boxed::Box<super::tree_type::Tree>>,
`,
    );
  });

  test("literals are the names on the wire, identifiers those of the code", () => {
    const text = generateRust(awkwardForRust, { sdk: 2 }).get("match_2_players_table.rs") ?? "";
    expect(text).toContain('get_table::<super::row_type::Row>("Match2Players")');
    expect(text).toContain("fn match_2_players(&self) -> Match2PlayersTableHandle<'_>");
  });

  test("an event table has inserts alone, and only in the line that knows them", () => {
    const [one, two] = ([1, 2] as const).map(
      (sdk) => generateRust(awkwardForRust, { sdk }).get("ratio_table.rs") ?? "",
    );
    expect(two).toContain("impl<'ctx> __sdk::EventTable for");
    expect(two).not.toMatch(/DeleteCallbackId|__sdk::Table for/);
    expect(one).toContain("impl<'ctx> __sdk::Table for");
  });
});
