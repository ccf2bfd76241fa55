/**
 * Reads what a bundle exports, trusting none of it: plain data comes out, or a `ModuleInvalid`.
 *
 * The bundle's objects may be proxies with side effects; each property is read once, here. Layout:
 * docs/formats/typescript-host.md.
 */
import { types } from "node:util";
import { LightconeError } from "@lightcone/base";
import type { AlgebraicType, PrimitiveKind } from "@lightcone/sats";
import type { IndexAlgorithm, Lifecycle } from "@lightcone/schema";

/** A type as its author named it: products and sums may have a name of their own. */
export type NamedShape = AlgebraicType & { readonly typeName?: string | undefined };

export interface ColumnShape {
  readonly name: string;
  readonly type: NamedShape;
  readonly primaryKey: boolean;
  readonly unique: boolean;
  readonly autoInc: boolean;
  readonly index: IndexAlgorithm | undefined;
  readonly defaultValue: { readonly value: unknown } | undefined;
}

interface IndexShape {
  readonly accessor: string;
  readonly name: string | undefined;
  readonly algorithm: IndexAlgorithm;
  readonly columns: readonly number[];
}

export interface TableShape {
  readonly key: string;
  readonly name: string | undefined;
  /** What its row type is registered as. */
  readonly typeName: string;
  readonly isPublic: boolean;
  readonly isEvent: boolean;
  readonly columns: readonly ColumnShape[];
  readonly indexes: readonly IndexShape[];
  /** Sets of columns that are unique together. */
  readonly constraints: readonly { readonly name: string | undefined; readonly columns: readonly number[] }[];
  /** The reducer that its rows schedule: by name, or the export itself. */
  readonly scheduled: unknown;
  /** The row type's object, by which parameters are recognised. */
  readonly identity: object;
}

export interface FunctionShape {
  readonly exportName: string;
  readonly name: string | undefined;
  readonly lifecycle: Lifecycle | undefined;
  readonly params: readonly { readonly name: string; readonly type: NamedShape }[];
  /** The table whose rows call it. */
  readonly onSchedule: object | undefined;
  readonly exported: object;
  readonly body: (ctx: unknown, args: unknown) => unknown;
}

export interface ModuleShape {
  readonly policy: "none" | "snakeCase";
  readonly tables: readonly TableShape[];
  /** Sorted by export name: the order that reducers are numbered in. */
  readonly functions: readonly FunctionShape[];
  /** How many functions were made and not exported. */
  readonly unexported: number;
}

const shapeDepthMax = 64;
const shapeNodesMax = 50_000;
const primitiveKinds = new Set<string>(
  `
  Bool String I8 U8 I16 U16 I32 U32 I64 U64 I128 U128 I256 U256 F32 F64
`
    .trim()
    .split(/\s+/),
);
const algorithms = new Set<unknown>(["btree", "hash", "direct"]);
const lifecycles = new Set<unknown>(["init", "connect", "disconnect"]);

/** What to do instead of an async reducer. */
export const asyncAdvice =
  "a reducer runs to its end at once, in one transaction. Drop `async` and `await`, and use a procedure for what must wait";
const { isAsyncFunction, isGeneratorFunction } = types;

export function invalid(reason: string): never {
  throw new LightconeError("ModuleInvalid", { reason });
}

/** Reads the exports of an evaluated bundle. `description` is the symbol that its objects describe themselves under. */
export function readModuleShape(exports: object, description: symbol): ModuleShape {
  const root = Reflect.get(exports, "default");
  const facts = isObject(root) ? Reflect.get(root, description) : undefined;
  if (!isObject(facts) || Reflect.get(facts, "kind") !== "schema") {
    invalid("the entry file's default export is not a schema: write `export default schema({ … })`");
  }
  const reader = new ShapeReader();
  const tables = entries(Reflect.get(facts, "tables"), "the schema's tables").map(([key, table]) =>
    reader.table(key, table),
  );
  const functions: FunctionShape[] = [];
  const names = Object.keys(exports).filter((name) => name !== "default");
  for (const name of names.toSorted(byCodeUnit)) {
    const exported: unknown = Reflect.get(exports, name);
    const one = isObject(exported) ? Reflect.get(exported, description) : undefined;
    if (!isObject(exported) || !isObject(one) || Reflect.get(one, "kind") !== "reducer") {
      invalid(`the export \`${name}\` is no reducer: what else the entry file exports, keep in another file`);
    }
    functions.push(reader.function(name, exported, one));
  }
  const made: unknown = Reflect.get(facts, "functions");
  const unexported = Array.isArray(made)
    ? made.filter((one) => !functions.some(({ exported }) => exported === one)).length
    : 0;
  return { policy: Reflect.get(facts, "policy") === "None" ? "none" : "snakeCase", tables, functions, unexported };
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

class ShapeReader {
  #nodes = 0;
  /** The names of tables' row types, by their shapes: as parameters they go by them. */
  readonly #rowNames = new Map<unknown, string>();

  table(key: string, table: unknown): TableShape {
    const what = `table \`${key}\``;
    if (!isObject(table)) invalid(`${what} was not made with table(…)`);
    const rowType: unknown = Reflect.get(table, "rowType");
    const options: unknown = Reflect.get(table, "options");
    if (!isObject(rowType) || !isObject(options)) invalid(`${what} was not made with table(…)`);
    const shape: unknown = Reflect.get(rowType, "shape");
    const typeName = isObject(shape)
      ? optionalText(Reflect.get(shape, "typeName"), `${what}: the row type's name`)
      : undefined;
    this.#rowNames.set(shape, typeName ?? pascalCase(key));
    const columns = entries(Reflect.get(rowType, "fields"), `${what}: its columns`).map(([name, column]) =>
      this.#column(name, column, `${what}, column \`${name}\``),
    );
    const at = (names: unknown, part: string): number[] => {
      if (!Array.isArray(names) || names.length === 0)
        invalid(`${what}, ${part}: \`columns\` is a list of column names`);
      return names.map((name: unknown) => {
        const position = columns.findIndex((column) => column.name === name);
        return position >= 0 ? position : invalid(`${what}, ${part}: there is no column \`${String(name)}\``);
      });
    };
    return {
      key,
      name: optionalText(Reflect.get(options, "name"), `${what}: \`name\``),
      typeName: typeName ?? pascalCase(key),
      isPublic: Reflect.get(options, "public") === true,
      isEvent: Reflect.get(options, "event") === true,
      columns,
      indexes: list(Reflect.get(options, "indexes"), `${what}: \`indexes\``).map((index) =>
        this.#index(index, what, at),
      ),
      constraints: list(Reflect.get(options, "constraints"), `${what}: \`constraints\``).map((constraint) => ({
        name: optionalText(Reflect.get(constraint, "name"), `${what}: a constraint's name`),
        columns: at(Reflect.get(constraint, "columns"), "a constraint"),
      })),
      scheduled: Reflect.get(options, "scheduled"),
      identity: table,
    };
  }

  #index(index: object, what: string, at: (names: unknown, part: string) => number[]): IndexShape {
    const accessor: unknown = Reflect.get(index, "accessor");
    if (typeof accessor !== "string" || accessor === "")
      invalid(`${what}: every index needs an \`accessor\`, the name that code reaches it by`);
    const algorithm: unknown = Reflect.get(index, "algorithm") ?? "btree";
    if (!isAlgorithm(algorithm))
      invalid(`${what}, index \`${accessor}\`: the algorithm is "btree", "hash" or "direct"`);
    const columns: unknown = Reflect.get(index, "columns") ?? [Reflect.get(index, "column")];
    return {
      accessor,
      algorithm,
      name: optionalText(Reflect.get(index, "name"), `${what}, index \`${accessor}\`: \`name\``),
      columns: at(columns, `index \`${accessor}\``),
    };
  }

  #column(name: string, column: unknown, what: string): ColumnShape {
    const facts: unknown = isObject(column) ? Reflect.get(column, "facts") : undefined;
    if (!isObject(column) || !isObject(facts)) invalid(`${what}: its type was not made with \`t\``);
    const index: unknown = Reflect.get(facts, "index");
    if (index !== undefined && !isAlgorithm(index)) invalid(`${what}: the algorithm is "btree", "hash" or "direct"`);
    const given: unknown = Reflect.get(facts, "default");
    return {
      name,
      type: this.type(Reflect.get(column, "shape"), what),
      primaryKey: Reflect.get(facts, "primaryKey") === true,
      unique: Reflect.get(facts, "unique") === true,
      autoInc: Reflect.get(facts, "autoInc") === true,
      index,
      defaultValue: isObject(given) ? { value: Reflect.get(given, "value") } : undefined,
    };
  }

  function(exportName: string, exported: object, facts: object): FunctionShape {
    const what = `reducer \`${exportName}\``;
    const lifecycle: unknown = Reflect.get(facts, "lifecycle");
    const body: unknown = Reflect.get(facts, "body");
    const onSchedule: unknown = Reflect.get(facts, "onSchedule");
    if (typeof body !== "function") invalid(`${what} has no function`);
    if (isGeneratorFunction(body))
      invalid(`${what} is a generator, whose body would never run: write (ctx, args) => { … }`);
    if (isAsyncFunction(body)) invalid(`${what} is async: ${asyncAdvice}`);
    const params = entries(Reflect.get(facts, "params"), `${what}: its parameters`).map(([name, param]) => ({
      name,
      type: this.type(isObject(param) ? Reflect.get(param, "shape") : undefined, `${what}, parameter \`${name}\``),
    }));
    return {
      exportName,
      exported,
      params,
      name: optionalText(Reflect.get(facts, "name"), `${what}: \`name\``),
      lifecycle: isLifecycle(lifecycle) ? lifecycle : undefined,
      onSchedule: isObject(onSchedule) ? onSchedule : undefined,
      body: body as FunctionShape["body"],
    };
  }

  type(shape: unknown, what: string, depth = 0): NamedShape {
    if (depth > shapeDepthMax) invalid(`${what}: its type nests deeper than ${shapeDepthMax} levels`);
    if (++this.#nodes > shapeNodesMax) invalid(`${what}: the module's types have more than ${shapeNodesMax} parts`);
    const kind: unknown = isObject(shape) ? Reflect.get(shape, "kind") : undefined;
    if (!isObject(shape) || typeof kind !== "string") invalid(`${what}: its type was not made with \`t\``);
    if (primitiveKinds.has(kind)) return { kind: kind as PrimitiveKind };
    if (kind === "Array") return { kind, element: this.type(Reflect.get(shape, "element"), what, depth + 1) };
    if (kind !== "Product" && kind !== "Sum") invalid(`${what}: there is no type \`${kind}\``);
    const typeName =
      optionalText(Reflect.get(shape, "typeName"), `${what}: its type's name`) ?? this.#rowNames.get(shape);
    const members = list(Reflect.get(shape, kind === "Product" ? "elements" : "variants"), what).map((member) => ({
      name: text(Reflect.get(member, "name"), `${what}: a member's name`),
      type: this.type(Reflect.get(member, "type"), what, depth + 1),
    }));
    return kind === "Product" ? { kind, typeName, elements: members } : { kind, typeName, variants: members };
  }
}

function pascalCase(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
const isAlgorithm = (value: unknown): value is IndexAlgorithm => algorithms.has(value);
const isLifecycle = (value: unknown): value is Lifecycle => lifecycles.has(value);

function text(value: unknown, what: string): string {
  return typeof value === "string" ? value : invalid(`${what} is not a text`);
}
function optionalText(value: unknown, what: string): string | undefined {
  return value === undefined ? undefined : text(value, what);
}
function entries(value: unknown, what: string): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : invalid(`${what} are not an object`);
}
function list(value: unknown, what: string): object[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) invalid(`${what} is not a list`);
  return value.map((item: unknown) => (isObject(item) ? item : invalid(`${what} holds something else than objects`)));
}
