// Goal: what an author's compiler says of a type's values is what the host takes and gives, for every type.
// Method: random types, each with the TypeScript type that it ought to have and values of it. One file of them all is
// compiled, which compares the types exactly, and run: each value goes into a row, and what `insert` and `update` give back,
// and what is read again, must be the value. Seeded; LIGHTCONE_RUNS multiplies the types.
import { runCount, testSeed } from "@lightcone/base/testing";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { seededNumbers } from "@lightcone/commitlog/testing";
import { loadJsModule } from "@lightcone/host-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineDatabase } from "../wasm/engine-database.ts";
import { sandboxes } from "./bundled.ts";
import { type RandomType, TypeMaker } from "./random-types.ts";

const seed = testSeed(34);
const typeCount = runCount(120);
const valuesPerType = 6;
const repository = fileURLToPath(new URL("../../../", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "lightcone-types-"));
const entry = join(folder, "module.ts");
beforeAll(() => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(repository, "node_modules/lightcone"), join(folder, "node_modules/lightcone"), "dir");
  writeFileSync(entry, moduleOf(seed));
  const compilerOptions = {
    module: "nodenext",
    target: "esnext",
    strict: true,
    types: [],
    noEmit: true,
    allowImportingTsExtensions: true,
    exactOptionalPropertyTypes: true,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
});
afterAll(() => rmSync(folder, { recursive: true }));

function moduleOf(from: number): string {
  const chance = seededNumbers(from);
  const maker = new TypeMaker(chance);
  const types: readonly RandomType[] = Array.from({ length: typeCount }, () => maker.make());
  const parts = types.map(({ source, type, value, is, isKey }, at) => {
    const values = Array.from({ length: valuesPerType }, () => value(chance)).join(",\n  ");
    // An option may be left out of a row, but not one of an option.
    const left = is === "option" && !type.includes(`{ tag: "none" }`) ? `db.t${at}.insert({ id: 0 });` : "";
    return `
const T${at} = ${source};
is<Infer<typeof T${at}>, ${type}>(true);
const values${at}: Infer<typeof T${at}>[] = [\n  ${values}\n];
const table${at} = table({}, { id: t.u32().primaryKey().autoInc(), value: T${at}${isKey === true ? ".index()" : ""} });
const check${at} = (db: DbView<Tables>): void => {
  ${left}
  for (const value of values${at}) {
    const made = db.t${at}.insert({ id: 0, value });
    same("T${at} insert", made.value, value);
    same("T${at} update", db.t${at}.id.update({ id: made.id, value }).value, value);
    const found = db.t${at}.id.find(made.id);
    if (found !== null) same("T${at} find", found.value, value);
    ${isKey === true ? `if (![...db.t${at}.value.filter(value)].some(({ id }) => id === made.id)) console.error("T${at}: not by its index");` : ""}
    is<typeof made, { id: number; value: ${type} }>(true);
  }
};`;
  });
  const list = (name: string): string => types.map((_, at) => `t${at}: ${name}${at}`).join(", ");
  return `
import { ConnectionId, Identity, ScheduleAt, schema, t, table, TimeDuration, Timestamp, Uuid } from "lightcone/module";
import type { DbView, Infer } from "lightcone/module";
type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
const is = <A, B>(_: Same<Flat<A>, Flat<B>>): void => {};
// Types that were put together are compared as they would be written.
type Flat<T> = T extends Uint8Array | Identity | ConnectionId | Timestamp | TimeDuration | Uuid ? T
  : T extends readonly (infer E)[] ? Flat<E>[]
  : T extends object ? { [K in keyof T]: Flat<T[K]> } : T;
const classes = [Identity, ConnectionId, Timestamp, TimeDuration, Uuid];
const print = (value: unknown): string => {
  if (Object.is(value, -0)) return "-0";
  if (Array.isArray(value)) return "[" + value.map(print).join() + "]";
  if (value instanceof Uint8Array) return "bytes " + value.join();
  if (typeof value !== "object" || value === null || classes.some((one) => value instanceof one))
    return typeof value + " " + String(value);
  return "{" + Object.entries(value).map(([name, part]) => name + ":" + print(part)).join() + "}";
};
const same = (what: string, got: unknown, given: unknown): void => {
  if (print(got) !== print(given)) console.error(what, print(got), print(given));
};
${parts.join("\n")}
const tables = { ${list("table")} };
type Tables = typeof tables;
const app = schema(tables);
export default app;
export const check = app.reducer((ctx) => {
  ${types.map((_, at) => `check${at}(ctx.db);`).join("\n  ")}
});
`;
}

describe(`row 34: ${typeCount} random types, seed ${seed}`, () => {
  test("have the TypeScript types that they ought to have", () => {
    const compiler = join(repository, "node_modules/typescript/bin/tsc");
    const { stdout } = spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" });
    expect(stdout).toBe("");
  });

  test.each(sandboxes)("have values that the host takes and gives back as they are: %s", async (sandbox) => {
    const { code } = await bundleModule(entry);
    const database = new EngineDatabase(loadJsModule(code, undefined, { sandbox }));
    const outcome = database.call("check");
    expect(database.logs.map(({ message }) => message)).toEqual([]);
    expect(outcome).toEqual({ kind: "ok" });
  });
});
