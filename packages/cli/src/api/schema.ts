/** A database's description, as commands read it: version 9, whose functions and tables stand under their names. */
import {
  typeFromJson,
  parseJson,
  resolveRefs,
  JsonObject,
  type AlgebraicType,
  type JsonNode,
  type Typespace,
} from "@lightcone/sats";
import { identityOfToken } from "../config/logins.ts";
import { refused, ServerApi } from "./server-api.ts";
import { unknownDatabase } from "./unknown-database.ts";

export interface Parameter {
  readonly name: string;
  readonly type: AlgebraicType;
}

export interface FunctionShape {
  readonly kind: "reducer" | "procedure";
  readonly name: string;
  readonly params: readonly Parameter[];
  /** `init`, `connect` or `disconnect`, if the database calls it. */
  readonly lifecycle: string | undefined;
}

export interface TableShape {
  readonly name: string;
  readonly columns: readonly Parameter[];
  readonly primaryKey: string | undefined;
  readonly isPublic: boolean;
}

export interface SchemaShape {
  readonly tables: readonly TableShape[];
  readonly functions: readonly FunctionShape[];
}

export async function fetchSchema(api: ServerApi, database: string): Promise<SchemaShape> {
  return readSchema(await fetchSchemaText(api, database, "9"));
}

export async function fetchSchemaText(api: ServerApi, database: string, version: "9" | "10"): Promise<string> {
  const answer = await api.ask("GET", ServerApi.database(database, "/schema"), { query: { version } });
  if (answer.status === 404) throw await unknownDatabase(api, database);
  if (answer.status >= 400) throw refused(`The schema of ${database} could not be read`, answer);
  return answer.body;
}

/** Names of the tables that the caller may read. A private one is not told of to others, nor that it is there. */
export async function readableTables(
  api: ServerApi,
  database: string,
  schema: SchemaShape,
): Promise<readonly string[]> {
  const isOwner = api.token !== undefined && (await ownerOf(api, database)) === identityOfToken(api.token);
  return schema.tables.filter(({ isPublic }) => isPublic || isOwner).map(({ name }) => name);
}

async function ownerOf(api: ServerApi, database: string): Promise<string> {
  const { body } = await api.need("The database's owner could not be read", "GET", ServerApi.database(database));
  const { owner_identity: owner }: { owner_identity: { __identity__: string } } = JSON.parse(body);
  return owner.__identity__.replace(/^0x/, "");
}

/** @throws {LightconeError} `Malformed` when it is no description */
export function readSchema(text: string): SchemaShape {
  const root = parseJson(text, "the schema");
  const typespace = items(member(member(root, "typespace"), "types")).map((type) => typeFromJson({ tree: type }));
  return {
    tables: items(member(root, "tables")).map((table) => readTable(table, typespace)),
    functions: [
      ...items(member(root, "reducers")).map((reducer) => readFunction("reducer", reducer, typespace)),
      ...items(member(root, "misc_exports")).flatMap((each) => {
        const procedure = member(each, "Procedure");
        return procedure === undefined ? [] : [readFunction("procedure", procedure, typespace)];
      }),
    ],
  };
}

function readTable(table: JsonNode | undefined, typespace: Typespace): TableShape {
  const ref = Number(text(member(table, "product_type_ref")));
  const row = typespace[ref];
  const columns =
    row?.kind === "Product"
      ? row.elements.map(({ name, type }, at) => ({ name: name ?? `col_${at}`, type: resolveRefs(type, typespace) }))
      : [];
  const key = items(member(table, "primary_key"))[0];
  return {
    name: text(member(table, "name")),
    columns,
    primaryKey: key === undefined ? undefined : columns[Number(text(key))]?.name,
    isPublic: member(member(table, "table_access"), "Public") !== undefined,
  };
}

function readFunction(kind: "reducer" | "procedure", each: JsonNode, typespace: Typespace): FunctionShape {
  const some = member(member(each, "lifecycle"), "some");
  return {
    kind,
    name: text(member(each, "name")),
    params: items(member(member(each, "params"), "elements")).map((element, at) => ({
      name: text(member(member(element, "name"), "some")) || `arg_${at}`,
      type: resolveRefs(typeFromJson({ tree: member(element, "algebraic_type") ?? null }), typespace),
    })),
    lifecycle: some instanceof JsonObject ? some.keys[0] : undefined,
  };
}

// --- JSON by path; what is missing is undefined or empty

function member(node: JsonNode | undefined, key: string): JsonNode | undefined {
  if (!(node instanceof JsonObject)) return undefined;
  const at = node.keys.indexOf(key);
  return at < 0 ? undefined : node.values[at];
}

function items(node: JsonNode | undefined): readonly JsonNode[] {
  return Array.isArray(node) ? (node as readonly JsonNode[]) : [];
}

function text(node: JsonNode | undefined): string {
  if (typeof node === "string") return node;
  return typeof node === "object" && node !== null && "text" in node ? node.text : "";
}
