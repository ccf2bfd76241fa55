/** `lightcone describe`: what a database has, for people or as the description itself. */
import { JsonObject, parseJson, type JsonNode } from "@lightcone/sats";
import {
  fetchSchemaText,
  readableTables,
  readSchema,
  type FunctionShape,
  type SchemaShape,
  type TableShape,
} from "../api/schema.ts";
import { openSession, type ServerFlags } from "../api/session.ts";
import { CliFailure } from "../failure.ts";
import { indentedJson } from "../print/json-tree.ts";
import { whatExists } from "../print/nearest.ts";
import { typeText } from "../print/type-text.ts";
import { paint, print } from "../terminal.ts";

export interface DescribeFlags extends ServerFlags {
  readonly json?: boolean | undefined;
}

export async function describe(
  database: string,
  kind: string | undefined,
  name: string | undefined,
  flags: DescribeFlags,
): Promise<void> {
  if (kind !== undefined && kind !== "table" && kind !== "reducer")
    throw new CliFailure(`describe takes table or reducer, not ${kind}`, { exitCode: 2 });
  if (kind !== undefined && name === undefined)
    throw new CliFailure(`describe ${kind} needs its name`, { exitCode: 2 });
  const { api } = await openSession(flags);
  const missing = async (what: string, wanted: string, schema: SchemaShape): Promise<CliFailure> => {
    const names =
      what === "table" ? await readableTables(api, database, schema) : schema.functions.map((each) => each.name);
    return new CliFailure(`no such ${what}`, { causes: [whatExists(wanted, [{ kind: what, names }])] });
  };
  if (flags.json === true) {
    // One entity stands by its name in version 9; the whole is told in the newest.
    const text = await fetchSchemaText(api, database, kind === undefined ? "10" : "9");
    const whole = parseJson(text, "the schema");
    const chosen = kind === undefined ? whole : entity(whole, kind, name ?? "");
    if (chosen === undefined) throw await missing(kind ?? "", name ?? "", readSchema(text));
    print(indentedJson(chosen));
    return;
  }
  const schema = readSchema(await fetchSchemaText(api, database, "9"));
  const chosen = <T extends { readonly name: string }>(list: readonly T[], of: string): readonly T[] =>
    kind === undefined ? list : kind === of ? list.filter((each) => each.name === name) : [];
  const tables = chosen(schema.tables, "table");
  const functions = chosen(schema.functions, "reducer");
  if (kind !== undefined && tables.length + functions.length === 0) throw await missing(kind, name ?? "", schema);
  print([...tables.map(tableBlock), ...functions.map(functionLine)].join("\n"));
}

function tableBlock(table: TableShape): string {
  const columns = table.columns.map((column) => {
    const key = column.name === table.primaryKey ? paint("dim", "  primary key") : "";
    return `    ${column.name}: ${typeText(column.type)}${key}`;
  });
  return [`table ${paint("bold", table.name)} (${table.isPublic ? "public" : "private"})`, ...columns, ""].join("\n");
}

function functionLine({ kind, name, params, lifecycle }: FunctionShape): string {
  const when = lifecycle === undefined ? "" : paint("dim", `  (${lifecycle})`);
  return `${kind} ${paint("bold", name)}(${params.map((each) => `${each.name}: ${typeText(each.type)}`).join(", ")})${when}`;
}

function entity(whole: JsonNode, kind: "table" | "reducer", name: string): JsonNode | undefined {
  const list = whole instanceof JsonObject ? whole.values[whole.keys.indexOf(`${kind}s`)] : undefined;
  for (const each of Array.isArray(list) ? (list as readonly JsonNode[]) : [])
    if (each instanceof JsonObject && each.values[each.keys.indexOf("name")] === name) return each;
  return undefined;
}
