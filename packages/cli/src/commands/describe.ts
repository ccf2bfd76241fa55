/** `lightcone describe`: what a database has, for people or as the description itself. */
import { JsonObject, parseJson, type JsonNode } from "@lightcone/sats";
import { items, member } from "../api/json-path.ts";
import {
  fetchSchema,
  fetchSchemaText,
  readableTables,
  type FunctionShape,
  type HandlerShape,
  type SchemaShape,
} from "../api/schema.ts";
import { openSession, type ServerFlags } from "../api/session.ts";
import { findProject } from "../config/project.ts";
import { CliFailure } from "../failure.ts";
import { indentedJson } from "../print/json-tree.ts";
import { whatExists } from "../print/nearest.ts";
import { functionText, handlerText, schemaText, tableText } from "../print/schema-text.ts";
import { note, print } from "../terminal.ts";
import { findNamed } from "../api/names.ts";

export interface DescribeFlags extends ServerFlags {
  readonly json?: boolean | undefined;
}

const kinds = ["table", "reducer", "procedure", "view", "handler"] as const;
type Kind = (typeof kinds)[number];

export async function describe(
  database: string,
  kind: string | undefined,
  name: string | undefined,
  flags: DescribeFlags,
): Promise<void> {
  if (kind !== undefined && !isKind(kind))
    throw new CliFailure(`describe takes ${kinds.join(", ")}, not ${kind}`, { exitCode: 2 });
  if (kind !== undefined && name === undefined)
    throw new CliFailure(`describe ${kind} needs its name`, { exitCode: 2 });
  const { api } = await openSession(flags);
  const schema = await fetchSchema(api, database, note, kind === undefined ? hintOfProject(database) : undefined);
  if (kind === undefined || name === undefined) {
    if (flags.json === true) print(indentedJson(parseJson(await fetchSchemaText(api, database, "10"))));
    else print(schemaText(schema));
    return;
  }
  const found = findEntity(schema, kind, name);
  if (found === undefined) {
    const names =
      kind === "table"
        ? await readableTables(api, database, schema)
        : entitiesOf(schema, kind).map((each) => each.name);
    throw new CliFailure(`no such ${kind}`, { causes: [whatExists(name, [{ kind, names }])] });
  }
  if (flags.json !== true) {
    if ("columns" in found) print(tableText(found, schema));
    else print(found.kind === "handler" ? handlerText(found) : functionText(found, schema));
    return;
  }
  // Version 9 has no handlers.
  if (!("columns" in found) && found.kind === "handler") {
    const { name: handler, accessor: source_name, routes } = found;
    print(JSON.stringify({ name: handler, source_name, routes }, null, 2));
    return;
  }
  // One entity stands by its name in version 9.
  const whole = parseJson(await fetchSchemaText(api, database, "9"), "the schema");
  print(indentedJson(entity(whole, kind, found.name) ?? null));
}

/** In a project the database is left out, and then a word alone is not one of its things, but another database. */
function hintOfProject(word: string): string | undefined {
  const own = findProject()?.database;
  if (own === undefined || own === word) return undefined;
  return `One word is a database. A table of the project's, \`${own}\`: \`lightcone describe table ${word}\`; likewise reducer, procedure, view and handler. \`lightcone list\` shows the databases that are yours.`;
}

const isKind = (word: string): word is Kind => kinds.some((kind) => kind === word);

const entitiesOf = (schema: SchemaShape, kind: Exclude<Kind, "table">) =>
  kind === "handler" ? schema.handlers : schema.functions.filter((each) => each.kind === kind);

function findEntity(schema: SchemaShape, kind: Kind, name: string) {
  if (kind === "table") return findNamed(schema.tables, name);
  return findNamed<FunctionShape | HandlerShape>(entitiesOf(schema, kind), name);
}

function entity(whole: JsonNode, kind: Kind, name: string): JsonNode | undefined {
  const isIt = (each: JsonNode | undefined): boolean => each instanceof JsonObject && member(each, "name") === name;
  if (kind === "table" || kind === "reducer") return items(member(whole, `${kind}s`)).find(isIt);
  const variant = kind === "procedure" ? "Procedure" : "View";
  return items(member(whole, "misc_exports"))
    .map((each) => member(each, variant))
    .find(isIt);
}
