// Goal: what a client takes from a module's file is what the database makes of the bundle: names, columns, keys,
// parameters. A difference would show only as calls and queries that find nothing.
// Method: the module with everything in it, imported as a page imports it, and bundled, described and named as the
// database does; both accounts side by side.
import { describeExports } from "@lightcone/module/description";
import { checkModule, decodeModuleDef } from "@lightcone/schema";
import type { AlgebraicType } from "@lightcone/sats";
import { expect, test } from "vitest";
import { openModule } from "./bundled.ts";
import * as everything from "./modules/everything.ts";

const database = await openModule("modules/everything.ts", "vm");
const def = checkModule(decodeModuleDef(database.instance.description));
const seen = describeExports(everything);

test("tables: accessors, names, access, keys, columns in order", () => {
  const ours = seen.tables.map(({ accessor, name, isPublic, primaryKey, rowType }) => ({
    accessor,
    name,
    access: isPublic ? "public" : "private",
    primaryKey,
    columns: rowType.elements.length,
  }));
  const theirs = def.tables.map(({ accessor, name, access, primaryKey, columns }) => ({
    accessor,
    name,
    access,
    primaryKey,
    columns: columns.length,
  }));
  expect(ours).toEqual(theirs);
});

test("reducers: those that clients may call, by their names", () => {
  const theirs = def.reducers.filter(({ lifecycle }) => lifecycle === undefined).map(({ name }) => name);
  expect(seen.reducers.map(({ name }) => name).toSorted()).toEqual(theirs.toSorted());
});

test("rows and parameters have the same layout", () => {
  for (const { name, rowType } of seen.tables)
    expect(layoutOf(rowType), name).toBe(layoutOf(def.tables.find((one) => one.name === name)?.rowType));
  for (const { name, params } of seen.reducers)
    expect(layoutOf(params), name).toBe(layoutOf(def.reducers.find((one) => one.name === name)?.params));
});

/** A type's structure without names. */
function layoutOf(type: AlgebraicType | undefined): string {
  if (type === undefined) throw new Error("there is no such type");
  switch (type.kind) {
    case "Array":
      return `[${layoutOf(type.element)}]`;
    case "Product":
      return `(${type.elements.map((element) => layoutOf(element.type)).join(" ")})`;
    case "Sum":
      return `<${type.variants.map((variant) => layoutOf(variant.type)).join("|")}>`;
    case "Ref":
      throw new Error("a type is not unfolded");
    default:
      return type.kind;
  }
}
