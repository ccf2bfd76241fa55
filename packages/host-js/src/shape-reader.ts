/**
 * Reads a bundle's tables and functions, each property once, and notes what is wrong with each: table by table and column
 * by column, so that an author sees it all at once.
 */
import { types } from "node:util";
import { isLightconeError, LightconeError } from "@lightcone/base";
import type { PrimitiveKind } from "@lightcone/sats";
import type { FunctionKind } from "@lightcone/host";
import type { IndexAlgorithm, Lifecycle } from "@lightcone/schema";
import { columnProblems, keyProblem, primaryKeyProblem } from "./column-rules.ts";
import type { ColumnShape, FunctionShape, IndexShape, NamedShape, TableShape } from "./shapes.ts";

const shapeDepthMax = 64;
const shapeNodesMax = 50_000;
/** Modules that one holds, those within them included. */
export const submodulesMax = 1000;
/** Problems beyond these are not told: the first ones say enough. */
const problemsMax = 100;
const primitiveKinds = new Set<string>(
  `
  Bool String I8 U8 I16 U16 I32 U32 I64 U64 I128 U128 I256 U256 F32 F64
`
    .trim()
    .split(/\s+/),
);
const algorithms = new Set<unknown>(["btree", "hash", "direct"]);
const lifecycles = new Set<unknown>(["init", "connect", "disconnect"]);
const tableOptions = ["name", "public", "indexes", "constraints", "scheduled", "event", "was", "old"];
const indexOptions = ["accessor", "name", "algorithm", "columns", "column"];
const constraintOptions = ["name", "constraint", "columns"];

/** What to do instead of an async reducer. */
export const asyncAdvice =
  "a reducer runs to its end at once, in one transaction. Drop `async` and `await`: what must wait is done by a client or a procedure, which passes what it got";
const { isAsyncFunction, isGeneratorFunction, isProxy } = types;

/** The description says something that cannot be. */
export function wrong(problem: string): never {
  throw new LightconeError("SchemaInvalid", { problems: [problem] });
}

/** What the readers of a module and of those within it share. */
class Reading {
  readonly problems: string[] = [];
  nodes = 0;
  submoduleCount = 0;
  /** The names of tables' row types, by their shapes: as parameters they go by them. */
  readonly rowNames = new Map<unknown, string>();
  /** The types that are being read, outermost first. */
  readonly open = new Set<object>();
}

export class ShapeReader {
  private readonly reading: Reading;
  /** What is read, in front of each problem: nothing for the module itself. */
  private readonly place: string;

  constructor(reading = new Reading(), place = "") {
    this.reading = reading;
    this.place = place;
  }

  get problems(): readonly string[] {
    return this.reading.problems;
  }

  /** Reads a module within this one. */
  within(namespace: string): ShapeReader {
    const place = `${this.place}submodule \`${namespace}\`: `;
    this.reading.submoduleCount += 1;
    if (this.reading.submoduleCount > submodulesMax) wrong(`the module has more than ${submodulesMax} submodules`);
    return new ShapeReader(this.reading, place);
  }

  tables(tables: unknown): TableShape[] {
    const all = this.attempt(() => entries(tables, "the schema's tables")) ?? [];
    return all.flatMap(([key, table]) => this.attempt(() => this.table(key, table)) ?? []);
  }

  /** The exports that a group holds, by their names; undefined when it is no group. */
  group(facts: unknown): object | undefined {
    if (!isObject(facts) || Reflect.get(facts, "kind") !== "group") return undefined;
    const group: unknown = Reflect.get(facts, "group");
    return isObject(group) ? group : undefined;
  }

  /** Reads an export: a function, which must be one of those that the schema made. */
  export(name: string, exported: unknown, facts: unknown, made: readonly unknown[]): FunctionShape | undefined {
    return this.attempt(() => {
      const kind: unknown = isObject(facts) ? Reflect.get(facts, "kind") : undefined;
      if (!isObject(exported) || !isObject(facts) || (kind !== "reducer" && kind !== "procedure"))
        wrong(`the export \`${name}\` is no reducer: what else the entry file exports, keep in another file`);
      if (!made.includes(exported))
        wrong(`${kind} \`${name}\` was made by another schema than the one that is the default export`);
      return this.function(kind, name, exported, facts);
    });
  }

  /** Looks whether each table that a reducer is scheduled by is one of the schema's. */
  scheduled(functions: readonly FunctionShape[], tables: readonly TableShape[]): void {
    // A table that is refused already is none of them.
    if (this.problems.length > 0) return;
    for (const { exportName, onSchedule } of functions)
      if (onSchedule !== undefined && !tables.some(({ identity }) => identity === onSchedule))
        this.note(
          `reducer \`${exportName}\`: the table of its \`onSchedule\` is not in the schema: add it to schema({ … }) under its name`,
        );
  }

  /** What `read` gives; undefined when it found something wrong, which is noted. */
  attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!isLightconeError(error, "SchemaInvalid")) throw error;
      for (const problem of error.detail.problems) this.note(problem);
      return undefined;
    }
  }

  private note(problem: string): void {
    const { problems } = this.reading;
    if (problems.length < problemsMax) problems.push(this.place + problem);
  }

  private table(key: string, table: unknown): TableShape {
    const what = `table \`${key}\``;
    if (!isObject(table)) wrong(`${what} was not made with table(…)`);
    const rowType: unknown = Reflect.get(table, "rowType");
    const options: unknown = Reflect.get(table, "options");
    if (!isObject(rowType) || !isObject(options)) wrong(`${what} was not made with table(…)`);
    checkKeys(options, tableOptions, what);
    const shape: unknown = Reflect.get(rowType, "shape");
    const typeName = isObject(shape)
      ? optionalText(Reflect.get(shape, "typeName"), `${what}: the row type's name`)
      : undefined;
    this.reading.rowNames.set(shape, typeName ?? pascalCase(key));
    const fields = entries(Reflect.get(rowType, "fields"), `${what}: its columns`);
    const columns = fields.flatMap(([name, column]) => {
      const place = `${what}, column \`${name}\``;
      return this.attempt(() => this.column(name, column, place)) ?? [];
    });
    // What is built over columns cannot be judged without them.
    if (columns.length < fields.length) return emptyTable(key, table);
    for (const column of columns)
      for (const problem of columnProblems(column)) this.note(`${what}, column \`${column.name}\`: ${problem}`);
    const twoKeys = primaryKeyProblem(columns);
    if (twoKeys !== undefined) this.note(`${what}: ${twoKeys}`);
    const at = (names: unknown, part: string): number[] => positionsOf(names, columns, `${what}, ${part}`);
    return {
      key,
      name: optionalText(Reflect.get(options, "name"), `${what}: \`name\``),
      typeName: typeName ?? pascalCase(key),
      isPublic: flag(Reflect.get(options, "public"), `${what}: \`public\``),
      isEvent: flag(Reflect.get(options, "event"), `${what}: \`event\``),
      was: optionalText(Reflect.get(options, "was"), `${what}: \`was\``),
      isOld: flag(Reflect.get(options, "old"), `${what}: \`old\``),
      columns,
      indexes: list(Reflect.get(options, "indexes"), `${what}: \`indexes\``).flatMap(
        (index) => this.attempt(() => readIndex(index, columns, what, at)) ?? [],
      ),
      constraints: list(Reflect.get(options, "constraints"), `${what}: \`constraints\``).flatMap(
        (constraint) => this.attempt(() => readConstraint(constraint, what, at)) ?? [],
      ),
      scheduled: Reflect.get(options, "scheduled"),
      identity: table,
    };
  }

  private column(name: string, column: unknown, what: string): ColumnShape {
    const facts: unknown = isObject(column) ? Reflect.get(column, "facts") : undefined;
    if (!isObject(column) || !isObject(facts)) wrong(`${what}: its type was not made with \`t\``);
    const index: unknown = Reflect.get(facts, "index");
    if (index !== undefined && !isAlgorithm(index)) wrong(`${what}: the algorithm is "btree", "hash" or "direct"`);
    const given: unknown = Reflect.get(facts, "default");
    return {
      name,
      type: this.type(Reflect.get(column, "shape"), what),
      primaryKey: Reflect.get(facts, "primaryKey") === true,
      unique: Reflect.get(facts, "unique") === true,
      autoInc: Reflect.get(facts, "autoInc") === true,
      index,
      defaultValue: isObject(given) ? { value: Reflect.get(given, "value") } : undefined,
      was: optionalText(Reflect.get(facts, "was"), `${what}: \`was\``),
    };
  }

  private function(kind: FunctionKind, exportName: string, exported: object, facts: object): FunctionShape {
    const what = `${kind} \`${exportName}\``;
    const lifecycle: unknown = Reflect.get(facts, "lifecycle");
    const body: unknown = Reflect.get(facts, "body");
    const onSchedule: unknown = Reflect.get(facts, "onSchedule");
    if (onSchedule !== undefined && !isObject(onSchedule))
      wrong(`${what}: \`onSchedule\` is the table itself, as table(…) made it`);
    if (typeof body !== "function" || isProxy(body)) wrong(`${what} has no function`);
    if (isGeneratorFunction(body))
      wrong(`${what} is a generator, whose body would never run: write (ctx, args) => { … }`);
    if (kind === "reducer" && isAsyncFunction(body)) wrong(`${what} is async: ${asyncAdvice}`);
    const params = entries(Reflect.get(facts, "params"), `${what}: its parameters`).map(([name, param]) => ({
      name,
      type: this.type(isObject(param) ? Reflect.get(param, "shape") : undefined, `${what}, parameter \`${name}\``),
    }));
    const returns: unknown = Reflect.get(facts, "returns");
    return {
      kind,
      returns:
        kind === "procedure" || returns !== undefined
          ? this.type(isObject(returns) ? Reflect.get(returns, "shape") : undefined, `${what}: what it returns`)
          : undefined,
      exportName,
      exported,
      params,
      name: optionalText(Reflect.get(facts, "name"), `${what}: \`name\``),
      lifecycle: isLifecycle(lifecycle) ? lifecycle : undefined,
      migrates: Reflect.get(facts, "migrates") === true,
      onSchedule: isObject(onSchedule) ? onSchedule : undefined,
      body: body as FunctionShape["body"],
    };
  }

  type(shape: unknown, what: string, depth = 0): NamedShape {
    if (depth > shapeDepthMax) wrong(`${what}: its type nests deeper than ${shapeDepthMax} levels`);
    if (++this.reading.nodes > shapeNodesMax)
      wrong(`${what}: the module's types have more than ${shapeNodesMax} parts`);
    const kind: unknown = isObject(shape) ? Reflect.get(shape, "kind") : undefined;
    if (!isObject(shape) || typeof kind !== "string") wrong(`${what}: its type was not made with \`t\``);
    if (primitiveKinds.has(kind)) return { kind: kind as PrimitiveKind };
    const { open } = this.reading;
    if (open.has(shape))
      wrong(`${what}: its type contains itself: keep the parts as rows of their own, which name what they belong to`);
    open.add(shape);
    try {
      return this.compound(kind, shape, what, depth);
    } finally {
      open.delete(shape);
    }
  }

  private compound(kind: string, shape: object, what: string, depth: number): NamedShape {
    if (kind === "Lazy") {
      const of: unknown = Reflect.get(shape, "of");
      if (typeof of !== "function" || isProxy(of)) wrong(`${what}: its type was not made with \`t\``);
      return this.type((of as () => unknown)(), what, depth + 1);
    }
    if (kind === "Array") return { kind, element: this.type(Reflect.get(shape, "element"), what, depth + 1) };
    if (kind !== "Product" && kind !== "Sum") wrong(`${what}: there is no type \`${kind}\``);
    const typeName =
      optionalText(Reflect.get(shape, "typeName"), `${what}: its type's name`) ?? this.reading.rowNames.get(shape);
    const members = list(Reflect.get(shape, kind === "Product" ? "elements" : "variants"), what).map((member) => ({
      name: text(Reflect.get(member, "name"), `${what}: a member's name`),
      type: this.type(Reflect.get(member, "type"), what, depth + 1),
    }));
    if (kind === "Product") return { kind, typeName, elements: members };
    const meant = typeName === undefined ? undefined : meansBySpelling(members);
    if (meant !== undefined)
      wrong(
        `${what}: an enum of \`${members.map(({ name }) => name).join("` and `")}\` is ${meant}, or takes other names`,
      );
    return { kind, typeName, variants: members };
  }
}

/** What an enum of these variants would be taken for: options and results are told by their variants alone. */
function meansBySpelling(
  variants: readonly { readonly name: string; readonly type: NamedShape }[],
): string | undefined {
  const spelling = variants.map(({ name }) => name).join();
  const none = variants[1]?.type;
  if (spelling === "some,none" && none?.kind === "Product" && none.elements.length === 0)
    return "an option: it is made with t.option(…)";
  return spelling === "ok,err" ? "a result: it is made with t.result(…)" : undefined;
}

function positionsOf(names: unknown, columns: readonly ColumnShape[], what: string): number[] {
  if (!Array.isArray(names) || names.length === 0) wrong(`${what}: \`columns\` is a list of column names`);
  const positions = names.map((name: unknown) => {
    const position = columns.findIndex((column) => column.name === name);
    return position >= 0 ? position : wrong(`${what}: there is no column \`${String(name)}\``);
  });
  if (new Set(positions).size < positions.length) wrong(`${what}: it names a column twice`);
  return positions;
}

function readIndex(
  index: object,
  columns: readonly ColumnShape[],
  what: string,
  at: (names: unknown, part: string) => number[],
): IndexShape {
  const accessor: unknown = Reflect.get(index, "accessor");
  if (typeof accessor !== "string" || accessor === "")
    wrong(`${what}: every index needs an \`accessor\`, the name that code reaches it by`);
  const place = `${what}, index \`${accessor}\``;
  checkKeys(index, indexOptions, place);
  const algorithm: unknown = Reflect.get(index, "algorithm") ?? "btree";
  if (!isAlgorithm(algorithm)) wrong(`${place}: the algorithm is "btree", "hash" or "direct"`);
  const positions = at(Reflect.get(index, "columns") ?? [Reflect.get(index, "column")], `index \`${accessor}\``);
  if (algorithm === "direct" && positions.length > 1) wrong(`${place}: a direct index is over one column`);
  for (const position of positions) {
    const column = columns[position];
    const problem = column === undefined ? undefined : keyProblem(column.type, algorithm);
    if (problem !== undefined) wrong(`${place}, column \`${column?.name}\`: ${problem}`);
  }
  return {
    accessor,
    algorithm,
    name: optionalText(Reflect.get(index, "name"), `${place}: \`name\``),
    columns: positions,
  };
}

function readConstraint(
  constraint: object,
  what: string,
  at: (names: unknown, part: string) => number[],
): TableShape["constraints"][number] {
  checkKeys(constraint, constraintOptions, `${what}, a constraint`);
  if (Reflect.get(constraint, "constraint") !== "unique") wrong(`${what}: a constraint is \`constraint: "unique"\``);
  return {
    name: optionalText(Reflect.get(constraint, "name"), `${what}: a constraint's name`),
    columns: at(Reflect.get(constraint, "columns"), "a constraint"),
  };
}

/** Stands for a table that is refused already, so that others are looked at too. */
function emptyTable(key: string, identity: object): TableShape {
  return {
    key,
    name: undefined,
    typeName: pascalCase(key),
    isPublic: false,
    isEvent: false,
    was: undefined,
    isOld: false,
    columns: [],
    indexes: [],
    constraints: [],
    scheduled: undefined,
    identity,
  };
}

/** A word that nothing reads is a mistake: what it was meant to say would not be so. */
function checkKeys(options: object, known: readonly string[], what: string): void {
  for (const key of Object.keys(options))
    if (!known.includes(key)) wrong(`${what}: there is no option \`${key}\`; there are ${known.join(", ")}`);
}

function pascalCase(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}

export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
const isAlgorithm = (value: unknown): value is IndexAlgorithm => algorithms.has(value);
const isLifecycle = (value: unknown): value is Lifecycle => lifecycles.has(value);

export function text(value: unknown, what: string): string {
  return typeof value === "string" ? value : wrong(`${what} is not a text`);
}
export function optionalText(value: unknown, what: string): string | undefined {
  return value === undefined ? undefined : text(value, what);
}
function flag(value: unknown, what: string): boolean {
  return value === undefined ? false : typeof value === "boolean" ? value : wrong(`${what} is true or false`);
}
function entries(value: unknown, what: string): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : wrong(`${what} are not an object`);
}
export function list(value: unknown, what: string): object[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) wrong(`${what} is not a list`);
  return value.map((item: unknown) => (isObject(item) ? item : wrong(`${what} holds something else than objects`)));
}
