// Goal: what the projects of this repository, which `init` copies, have beside their module's types is of their module
// as it is now.
// Method: each is built again, in memory.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { serveSchema } from "@lightcone/schema";
import { expect, test } from "vitest";
import { repository } from "../testing/command.ts";
import { bundleModule } from "./bundle.ts";
import { describeProgram } from "./describe-program.ts";
import { schemaModule } from "./schema-file.ts";

const examples = join(repository, "examples");
const projects = readdirSync(examples).filter((name) => existsSync(join(examples, name, "lightcone.json")));

test.each(projects)("issue 10: what is built beside the types of %s is of its module", async (name) => {
  const { code } = await bundleModule(join(examples, name, "module/src/index.ts"));
  const def = await describeProgram({ bytes: new TextEncoder().encode(code), hostType: "Js", path: "" });
  const text = serveSchema(def, "client");
  const built = join(examples, name, "module/built");
  const hint = `npx lightcone build, in examples/${name}`;
  expect(readFileSync(join(built, "schema.json"), "utf8"), hint).toBe(`${text}\n`);
  expect(readFileSync(join(built, "schema.ts"), "utf8"), hint).toBe(schemaModule(text, "schema.json"));
});
