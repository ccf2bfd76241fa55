/** A database's description, as commands read it: version 10, with every name as SQL and calls have it. */
import {
  bsatnToJson,
  ByteReader,
  fromHex,
  JsonObject,
  parseJson,
  resolveRefs,
  shiftRefs,
  typeFromJson,
  type AlgebraicType,
  type JsonNode,
  type Typespace,
} from "@lightcone/sats";
import { identityOfToken } from "../config/logins.ts";
import { items, member, numberOf, some, textOf } from "./json-path.ts";
import { notesIn, refused, ServerApi } from "./server-api.ts";
import { unknownDatabase } from "./unknown-database.ts";

export interface Parameter {
  readonly name: string;
  /** Without `Ref`s. */
  readonly type: AlgebraicType;
  /** With `Ref`s, which may have a name among `SchemaShape.typeNames`. */
  readonly declared: AlgebraicType;
}

export type FunctionKind = "reducer" | "procedure" | "view";

export interface FunctionShape {
  readonly kind: FunctionKind;
  readonly name: string;
  /** As the module's code has it. */
  readonly accessor: string;
  readonly params: readonly Parameter[];
  /** What it gives; undefined of a reducer that gives nothing. */
  readonly returns: AlgebraicType | undefined;
  /** `Init`, `OnConnect` or `OnDisconnect`, if the database calls it. */
  readonly lifecycle: string | undefined;
  /** The table whose rows it runs. */
  readonly scheduledBy: string | undefined;
  /** Whether nobody but the owner and the database may call it. */
  readonly isPrivate: boolean;
}

export interface HandlerShape {
  readonly kind: "handler";
  readonly name: string;
  readonly accessor: string;
  /** What it serves: a method, or `ANY`, and what follows `/route`. */
  readonly routes: readonly { readonly method: string; readonly path: string }[];
}

export interface ColumnShape extends Parameter {
  /** What rows get that were there before the column: the value as the HTTP interface has it. */
  readonly defaultJson: string | undefined;
  readonly isAutoInc: boolean;
}

export interface IndexShape {
  readonly algorithm: string;
  readonly columns: readonly number[];
}

export interface TableShape {
  readonly name: string;
  readonly accessor: string;
  /** Where its row's type stands. */
  readonly typeRef: number;
  readonly columns: readonly ColumnShape[];
  /** Positions of columns. */
  readonly primaryKey: readonly number[];
  readonly indexes: readonly IndexShape[];
  readonly uniques: readonly (readonly number[])[];
  /** The function that its rows run, and the column that says when. */
  readonly schedule: { readonly functionName: string; readonly atColumn: number } | undefined;
  readonly isPublic: boolean;
  readonly isEvent: boolean;
}

export interface SchemaShape {
  readonly tables: readonly TableShape[];
  /** Reducers, procedures and views. */
  readonly functions: readonly FunctionShape[];
  /** HTTP handlers. */
  readonly handlers: readonly HandlerShape[];
  readonly typespace: Typespace;
  /** Names of types, by where they stand. */
  readonly typeNames: ReadonlyMap<number, string>;
  /** Queries that restrict which rows others than the owner see. */
  readonly rowLevelRules: readonly string[];
}

/** @param note takes each line of what is wrong with the module as it stands */
export async function fetchSchema(
  api: ServerApi,
  database: string,
  note?: (line: string) => void,
  hint?: string,
): Promise<SchemaShape> {
  return readSchema(await fetchSchemaText(api, database, "10", note, hint));
}

export async function fetchSchemaText(
  api: ServerApi,
  database: string,
  version: "9" | "10",
  note?: (line: string) => void,
  hint?: string,
): Promise<string> {
  const answer = await api.ask("GET", ServerApi.database(database, "/schema"), { query: { version } });
  if (answer.status === 404) throw await unknownDatabase(api, database, hint);
  if (answer.status >= 400) throw refused(`The schema of ${database} could not be read`, answer);
  if (note !== undefined) for (const line of notesIn(answer)) note(line);
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
  return new SchemaReader(parseJson(text, "the schema")).read();
}

class SchemaReader {
  private readonly sections: readonly JsonNode[];
  private readonly typespace: Typespace;
  private readonly tableNames: ReadonlyMap<string, string>;
  private readonly functionNames: ReadonlyMap<string, string>;

  constructor(description: JsonNode | undefined) {
    this.sections = items(member(description, "sections"));
    this.typespace = items(member(this.section("Typespace"), "types")).map((type) => typeFromJson({ tree: type }));
    this.tableNames = this.names("Table");
    this.functionNames = this.names("Function");
  }

  read(): SchemaShape {
    const types = items(this.section("Types"));
    const own: SchemaShape = {
      tables: items(this.section("Tables")).map((table) => this.table(table)),
      functions: [
        ...items(this.section("Reducers")).map((each) => this.function("reducer", each)),
        ...items(this.section("Procedures")).map((each) => this.function("procedure", each)),
        ...items(this.section("Views")).map((each) => this.function("view", each)),
      ],
      handlers: items(this.section("HttpHandlers")).map((each) => this.handler(textOf(member(each, "source_name")))),
      typespace: this.typespace,
      typeNames: new Map(types.map((type) => [numberOf(member(type, "ty")), typeName(member(type, "source_name"))])),
      rowLevelRules: items(this.section("RowLevelSecurity")).map((rule) => textOf(member(rule, "sql"))),
    };
    return items(this.section("Submodules")).reduce(
      (whole: SchemaShape, each) =>
        joined(whole, textOf(member(each, "namespace")), new SchemaReader(member(each, "module")).read()),
      own,
    );
  }

  private section(name: string): JsonNode | undefined {
    return this.sections.map((section) => member(section, name)).find((section) => section !== undefined);
  }

  /** Names as SQL and calls have them, by those of the module's code. */
  private names(kind: "Table" | "Function"): ReadonlyMap<string, string> {
    const entries = items(member(this.section("ExplicitNames"), "entries"));
    return new Map(
      entries.flatMap((entry) => {
        const named = member(entry, kind);
        if (named === undefined) return [];
        return [[textOf(member(named, "source_name")), textOf(member(named, "canonical_name"))] as const];
      }),
    );
  }

  private parameters(product: JsonNode | undefined): readonly Parameter[] {
    return items(member(product, "elements")).map((element, at) => {
      const declared = typeFromJson({ tree: member(element, "algebraic_type") ?? null });
      return {
        name: textOf(some(member(element, "name"))) || `arg_${at}`,
        type: resolveRefs(declared, this.typespace),
        declared,
      };
    });
  }

  private table(table: JsonNode): TableShape {
    const accessor = textOf(member(table, "source_name"));
    const typeRef = numberOf(member(table, "product_type_ref"));
    const row = this.typespace[typeRef];
    const defaults = new Map(
      items(member(table, "default_values")).map((each) => [
        numberOf(member(each, "col_id")),
        textOf(member(each, "value")),
      ]),
    );
    const sequences = new Set(items(member(table, "sequences")).map((each) => numberOf(member(each, "column"))));
    const columns = row?.kind === "Product" ? row.elements : [];
    const schedule = items(this.section("Schedules")).find((each) => textOf(member(each, "table_name")) === accessor);
    return {
      name: this.tableNames.get(accessor) ?? accessor,
      accessor,
      typeRef,
      columns: columns.map(({ name, type: declared }, at) => {
        const type = resolveRefs(declared, this.typespace);
        const bytes = defaults.get(at);
        const defaultJson =
          bytes === undefined ? undefined : bsatnToJson(type, "positional", new ByteReader(fromHex(bytes)));
        return { name: name ?? `col_${at}`, type, declared, defaultJson, isAutoInc: sequences.has(at) };
      }),
      primaryKey: items(member(table, "primary_key")).map(numberOf),
      indexes: items(member(table, "indexes")).map((index) => readIndex(member(index, "algorithm"))),
      uniques: items(member(table, "constraints")).map((each) =>
        items(member(member(member(each, "data"), "Unique"), "columns")).map(numberOf),
      ),
      schedule:
        schedule === undefined
          ? undefined
          : {
              functionName: this.functionName(textOf(member(schedule, "function_name"))),
              atColumn: numberOf(member(schedule, "schedule_at_col")),
            },
      isPublic: member(member(table, "table_access"), "Public") !== undefined,
      isEvent: member(table, "is_event") === true,
    };
  }

  private handler(accessor: string): HandlerShape {
    const routes = items(this.section("HttpRoutes"))
      .filter((route) => textOf(member(route, "handler_function")) === accessor)
      .map((route) => ({ method: methodWord(member(route, "method")), path: textOf(member(route, "path")) }));
    return { kind: "handler", name: this.functionName(accessor), accessor, routes };
  }

  private functionName(accessor: string): string {
    return this.functionNames.get(accessor) ?? accessor;
  }

  private function(kind: FunctionKind, each: JsonNode): FunctionShape {
    const accessor = textOf(member(each, "source_name"));
    const name = this.functionName(accessor);
    const isIt = (entry: JsonNode): boolean => textOf(member(entry, "function_name")) === accessor;
    const lifecycle = member(items(this.section("LifeCycleReducers")).find(isIt), "lifecycle_spec");
    const schedule = items(this.section("Schedules")).find(isIt);
    const scheduling = textOf(member(schedule, "table_name"));
    const returns = kind === "reducer" ? resultOf(member(each, "ok_return_type")) : member(each, "return_type");
    return {
      kind,
      name,
      accessor,
      params: this.parameters(member(each, "params")),
      returns: returns === undefined ? undefined : typeFromJson({ tree: returns }),
      lifecycle: lifecycle instanceof JsonObject ? lifecycle.keys[0] : undefined,
      scheduledBy: schedule === undefined ? undefined : (this.tableNames.get(scheduling) ?? scheduling),
      isPrivate:
        kind === "view"
          ? member(each, "is_public") !== true
          : member(member(each, "visibility"), "Private") !== undefined,
    };
  }
}

/** Most reducers give nothing, which the description says as a product without elements. */
function resultOf(type: JsonNode | undefined): JsonNode | undefined {
  const elements = member(member(type, "Product"), "elements");
  return Array.isArray(elements) && elements.length === 0 ? undefined : type;
}

/** A method, or `ANY`. */
function methodWord(node: JsonNode | undefined): string {
  const method = member(node, "Method");
  if (!(method instanceof JsonObject)) return "ANY";
  const [kind = ""] = method.keys;
  return (kind === "Extension" ? textOf(member(method, kind)) : kind).toUpperCase();
}

function typeName(node: JsonNode | undefined): string {
  return [...items(member(node, "scope")).map(textOf), textOf(member(node, "source_name"))].join(".");
}

function readIndex(algorithm: JsonNode | undefined): IndexShape {
  const kind = algorithm instanceof JsonObject ? (algorithm.keys[0] ?? "") : "";
  const columns = member(algorithm, kind);
  // A direct index has one column, and says so without a list.
  return {
    algorithm: kind.toLowerCase(),
    columns: Array.isArray(columns) ? items(columns).map(numberOf) : [numberOf(columns)],
  };
}

/** A schema with that of a submodule: its things under its name, its types behind those that are there. */
function joined(whole: SchemaShape, namespace: string, schema: SchemaShape): SchemaShape {
  const by = whole.typespace.length;
  const within = (name: string): string => `${namespace}.${name}`;
  const shifted = <T extends Parameter>(each: T): T => ({ ...each, declared: shiftRefs(each.declared, by) });
  const table = (each: TableShape): TableShape => ({
    ...each,
    name: within(each.name),
    accessor: within(each.accessor),
    typeRef: each.typeRef + by,
    columns: each.columns.map(shifted),
    schedule: each.schedule && { ...each.schedule, functionName: within(each.schedule.functionName) },
  });
  const call = (each: FunctionShape): FunctionShape => ({
    ...each,
    name: within(each.name),
    accessor: within(each.accessor),
    params: each.params.map(shifted),
    returns: each.returns && shiftRefs(each.returns, by),
    scheduledBy: each.scheduledBy === undefined ? undefined : within(each.scheduledBy),
  });
  return {
    tables: [...whole.tables, ...schema.tables.map(table)],
    functions: [...whole.functions, ...schema.functions.map(call)],
    handlers: whole.handlers,
    typespace: [...whole.typespace, ...schema.typespace.map((type) => shiftRefs(type, by))],
    typeNames: new Map([
      ...whole.typeNames,
      ...Array.from(schema.typeNames, ([ref, name]) => [ref + by, within(name)] as const),
    ]),
    rowLevelRules: [...whole.rowLevelRules, ...schema.rowLevelRules.map((rule) => `${rule} (in ${namespace})`)],
  };
}
