// Goal: what a database tells its clients of a TypeScript module is what the module's types promise them: tables and
// reducers under their names in the code, columns and parameters of the same types. A difference would show only as
// calls and queries that find nothing, and as rows with other columns than their types have.
// Method: the module with everything in it, bundled and described as the database does, its schema read as the client
// does; the same module's file imported, and its own builders beside.
import { serveSchema } from "@lightcone/schema";
import { typesEqual, type AlgebraicType } from "@lightcone/sats";
import { expect, test } from "vitest";
import { readSchema } from "../../../packages/client/src/schema.ts";
import { openModule } from "./bundled.ts";
import everything, * as exports from "./modules/everything.ts";

const database = await openModule("modules/everything.ts", "vm");
const text = serveSchema(database.def, "client");
const { tables, reducers } = readSchema(JSON.parse(text));

test("row 15: public tables, with their columns as the module names them", () => {
  const expected = Object.entries(everything.tables).filter(([, { options }]) => "public" in options && options.public);
  expect([...tables.keys()]).toEqual(expected.map(([key]) => key));
  for (const [key, { rowType }] of expected) {
    const columns = Object.entries(rowType.fields).map(([name, { shape }]): [string, AlgebraicType] => [name, shape]);
    const { row } = tables.get(key) ?? { row: undefined };
    expect(row?.elements.map(({ name }) => name)).toEqual(columns.map(([name]) => name));
    for (const [index, [name, type]] of columns.entries())
      expect(typesEqual(row?.elements[index]?.type ?? { kind: "Ref", index: 0 }, type), `${key}.${name}`).toBe(true);
  }
  expect(tables.get("playerRow")).toMatchObject({ name: "players", key: { name: "id" } });
});

test("row 15: the reducers that clients may call, under their exports' names", () => {
  expect([...reducers.keys()].toSorted()).toEqual(["grow", "hostile", "keep", "loop", "made", "refuse", "run"]);
  for (const name of reducers.keys()) expect(exports).toHaveProperty(name);
});

test("row 15: nothing of what is private, not even a name", () => {
  for (const name of ["timer", "alarm", "scheduledId", "ring", "tick", "hello", "goodbye", "bye"])
    expect(text).not.toContain(`"${name}"`);
});
