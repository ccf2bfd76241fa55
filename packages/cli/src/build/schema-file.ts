/**
 * What a project's build puts beside the module's types, where `"schema"` in lightcone.json names a file: `NAME.ts`, which
 * a page hands to `connect`, with the hash of the schema; and `NAME.json`, the schema itself, which a page gets only when
 * the database has another.
 *
 * It is written when the module is built by `lightcone build`, and by `publish` and `dev` once it is published: a page that
 * reloads because of the file finds the version that it is for.
 */
import { writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { hashBytes, isLightconeError } from "@lightcone/base";
import { makeDirectoryNow } from "@lightcone/base/node";
import { serveSchema, type ModuleDef } from "@lightcone/schema";
import { findProject } from "../config/project.ts";
import { readIfThere } from "../config/read-if-there.ts";
import { CliFailure } from "../failure.ts";
import type { Program } from "./build-module.ts";
import { describeProgram } from "./describe-program.ts";

/** Writes the files of the project that the module is of, if it wants them and they are not so already. */
export async function writeSchemaFile(program: Program, def?: ModuleDef): Promise<void> {
  const { modulePath } = program;
  if (modulePath === undefined) return; // what was built elsewhere
  const project = findProject(modulePath);
  if (project?.schema === undefined) return;
  // Of a project that names no module, it is the one that is built.
  if (project.module !== undefined && project.module !== modulePath) return;
  const described = def ?? (await describeProgram(program));
  const text = serveSchema(described, "client");
  const path = project.schema;
  const dataPath = path.replace(/\.ts$/, ".json");
  try {
    makeDirectoryNow(dirname(path));
    writeWhereOther(dataPath, `${text}\n`);
    writeWhereOther(path, schemaModule(text, basename(dataPath)));
  } catch (error) {
    if (isLightconeError(error)) throw error;
    throw new CliFailure(`"schema" in lightcone.json: ${path} cannot be written`, { cause: error });
  }
}

/** Who watches a file is told of it only when it is another. */
function writeWhereOther(path: string, text: string): void {
  if (readIfThere(path) !== text) writeFileSync(path, text);
}

/** @param text the schema as a server tells it @param dataName of the file that has it */
export const schemaModule = (text: string, dataName: string): string =>
  `// Written by Lightcone when the module is built: what a page is built for, for \`connect({ …, schema })\`.
export const hash = ${hashBytes(new TextEncoder().encode(text))};
export const load = async (): Promise<object> => (await import("./${dataName}", { with: { type: "json" } })).default;
`;
