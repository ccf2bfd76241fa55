/**
 * What a server says of its database: the tables and reducers that a client may use.
 *
 * It is a description of version 10, of which this reads a part; what it does not know it leaves alone. The server is
 * not trusted: sizes, depths and names are bounded before anything is made of them.
 */
import { LightconeError } from "@lightcone/base";
import { isUnit, type AlgebraicType, type Member, type ProductType, typeDepthMax } from "@lightcone/sats";
import { isPrimitive } from "./value-codec.ts";

/** Levels of nesting; a reference to a type by its number is one too. */
const levelsMax = 2 * typeDepthMax;
/** Types that a schema has, each as often as it is referred to: 60 types can otherwise refer to 2^60. */
export const schemaTypesMax = 262_144;

/** A table, or a view, which is read as one. */
export interface TableSchema {
  /** Its key in the module's code; a view's export. */
  readonly accessor: string;
  /** Its name in the database, on the wire and in SQL. */
  readonly name: string;
  /** Columns in order, under their names in the module's code. */
  readonly row: ProductType;
  /** The column of the primary key. */
  readonly key: Member | undefined;
}

export interface FunctionSchema {
  readonly accessor: string;
  readonly name: string;
  readonly params: ProductType;
  /** What it gives; undefined when that is nothing. */
  readonly returns: AlgebraicType | undefined;
}

/** All by accessor. */
export interface ClientSchema {
  readonly tables: ReadonlyMap<string, TableSchema>;
  readonly reducers: ReadonlyMap<string, FunctionSchema>;
  readonly procedures: ReadonlyMap<string, FunctionSchema>;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a schema as `GET …/schema?version=10&for=client` gives it.
 *
 * @param json the parsed text
 * @throws {LightconeError} `Malformed`, `TooDeep`
 */
export function readSchema(json: unknown): ClientSchema {
  const sections = listOf(fieldsOf(json)["sections"]).map(fieldsOf);
  const section = (name: string): unknown => sections.find((one) => name in one)?.[name];
  const list = (name: string): readonly Fields[] => listOf(section(name)).map(fieldsOf);
  const types = section("Typespace") ?? malformed("it is no description of version 10");
  const readType = typeReader(listOf(fieldsOf(types)["types"]));
  const names = (kind: "Table" | "Function"): ReadonlyMap<string, string> =>
    new Map(
      listOf(fieldsOf(section("ExplicitNames"))["entries"]).flatMap((entry) => {
        const named = fieldsOf(entry)[kind];
        const { source_name, canonical_name } = fieldsOf(named);
        return named === undefined ? [] : [[textOf(source_name), textOf(canonical_name)]];
      }),
    );
  const [tableNames, functionNames] = [names("Table"), names("Function")];
  const readProduct = (type: unknown): ProductType => productOf(readType(type));

  const tables = new Map<string, TableSchema>();
  for (const table of list("Tables")) {
    if (!("Public" in fieldsOf(table["table_access"]))) continue;
    const accessor = textOf(table["source_name"]);
    const row = readProduct({ Ref: table["product_type_ref"] });
    const [key] = listOf(table["primary_key"]);
    const name = tableNames.get(accessor) ?? accessor;
    tables.set(accessor, { accessor, name, row, key: row.elements[Number(key)] });
  }
  const viewKeys = new Map(
    list("ViewPrimaryKeys").map((key) => [textOf(key["view_source_name"]), listOf(key["columns"])[0]]),
  );
  for (const view of list("Views")) {
    const accessor = textOf(view["source_name"]);
    // A list of rows, or an option of one.
    const rows = readType(view["return_type"]);
    const row = rows.kind === "Array" ? rows.element : rows.kind === "Sum" ? rows.variants[0]?.type : undefined;
    if (row === undefined) continue;
    const type = productOf(row);
    const key = type.elements.find(({ name }) => name === viewKeys.get(accessor));
    tables.set(accessor, { accessor, name: functionNames.get(accessor) ?? accessor, row: type, key });
  }
  const functions = (kind: string, result: string): ReadonlyMap<string, FunctionSchema> => {
    const callable = list(kind).filter(({ visibility }) => "ClientCallable" in fieldsOf(visibility));
    return new Map(
      callable.map((one) => {
        const accessor = textOf(one["source_name"]);
        const params = readProduct({ Product: one["params"] });
        const given = one[result] === undefined ? undefined : readType(one[result]);
        const returns = given === undefined || isUnit(given) ? undefined : given;
        return [accessor, { accessor, name: functionNames.get(accessor) ?? accessor, params, returns }];
      }),
    );
  };
  const reducers = functions("Reducers", "ok_return_type");
  const procedures = functions("Procedures", "return_type");
  return { tables, reducers, procedures };
}

/** Reads types, with those that they refer to in their place. @param types by number */
function typeReader(types: readonly unknown[]): (json: unknown) => AlgebraicType {
  let left = schemaTypesMax;
  // `{"U8":[]}`, `{"Array":T}`, `{"Product":{"elements":[…]}}`, …
  const readType = (json: unknown, level: number): AlgebraicType => {
    if (level > levelsMax) throw new LightconeError("TooDeep", { what: "the schema", depthMax: levelsMax });
    left -= 1;
    if (left < 0) malformed(`it has more than ${schemaTypesMax} types`);
    const [[kind, body] = malformed("a type is empty")] = Object.entries(fieldsOf(json));
    switch (kind) {
      case "Ref":
        return readType(types[Number(body)], level + 1);
      case "Array":
        return { kind, element: readType(body, level + 1) };
      case "Product":
        return { kind, elements: readMembers(fieldsOf(body)["elements"], level + 1) };
      case "Sum":
        return { kind, variants: readMembers(fieldsOf(body)["variants"], level + 1) };
      default:
        return isPrimitive(kind) ? { kind } : malformed(`there is no type ${kind}`);
    }
  };
  // `[{"name":{"some":"x"},"algebraic_type":T}]`
  const readMembers = (json: unknown, level: number): Member[] =>
    listOf(json).map((each, index) => {
      const { name, algebraic_type } = fieldsOf(each);
      const { some } = fieldsOf(name);
      return { name: some === undefined ? String(index) : textOf(some), type: readType(algebraic_type, level) };
    });
  return (json) => readType(json, 1);
}

function productOf(type: AlgebraicType): ProductType {
  return type.kind === "Product" ? type : malformed("a row is no product");
}

function fieldsOf(json: unknown): Fields {
  // What is not there has no fields: what must have some says so.
  return typeof json === "object" && json !== null ? (json as Fields) : {};
}

function listOf(json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json : [];
}

function textOf(json: unknown): string {
  // Rows and arguments are objects with these as keys, of which this one is no key.
  return typeof json === "string" && json !== "__proto__" ? json : malformed("a name is none");
}

function malformed(reason: string): never {
  throw new LightconeError("Malformed", { what: "the database's schema", reason });
}
