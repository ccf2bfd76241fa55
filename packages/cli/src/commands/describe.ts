/** `lightcone describe`: what a database has, for people or as the description itself. */
import { JsonObject, parseJson, type JsonNode } from "@lightcone/sats";
import { items, member } from "../api/json-path.ts";
import { fetchSchema, fetchSchemaText, readableTables, type SchemaShape } from "../api/schema.ts";
import { openSession, type ServerFlags } from "../api/session.ts";
import { CliFailure } from "../failure.ts";
import { indentedJson } from "../print/json-tree.ts";
import { whatExists } from "../print/nearest.ts";
import { functionText, schemaText, tableText } from "../print/schema-text.ts";
import { note, print } from "../terminal.ts";
import { findNamed } from "../api/names.ts";

export interface DescribeFlags extends ServerFlags {
  readonly json?: boolean | undefined;
}

const kinds = ["table", "reducer", "procedure", "view"] as const;
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
  const schema = await fetchSchema(api, database, note);
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
        : functionsOf(schema, kind).map((each) => each.name);
    throw new CliFailure(`no such ${kind}`, { causes: [whatExists(name, [{ kind, names }])] });
  }
  if (flags.json !== true) {
    print("columns" in found ? tableText(found, schema) : functionText(found, schema));
    return;
  }
  // One entity stands by its name in version 9.
  const whole = parseJson(await fetchSchemaText(api, database, "9"), "the schema");
  print(indentedJson(entity(whole, kind, found.name) ?? null));
}

const isKind = (word: string): word is Kind => kinds.some((kind) => kind === word);

const functionsOf = (schema: SchemaShape, kind: Kind) => schema.functions.filter((each) => each.kind === kind);

function findEntity(schema: SchemaShape, kind: Kind, name: string) {
  return kind === "table" ? findNamed(schema.tables, name) : findNamed(functionsOf(schema, kind), name);
}

function entity(whole: JsonNode, kind: Kind, name: string): JsonNode | undefined {
  const isIt = (each: JsonNode | undefined): boolean => each instanceof JsonObject && member(each, "name") === name;
  if (kind === "table" || kind === "reducer") return items(member(whole, `${kind}s`)).find(isIt);
  const variant = kind === "procedure" ? "Procedure" : "View";
  return items(member(whole, "misc_exports"))
    .map((each) => member(each, variant))
    .find(isIt);
}
