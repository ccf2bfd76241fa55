/**
 * Reads what a bundle exports, trusting none of it: plain data comes out, or an error with all that is wrong.
 *
 * The bundle's objects may be proxies with side effects; each property is read once (`shape-reader.ts`). Layout:
 * docs/formats/typescript-host.md.
 */
import { LightconeError } from "@lightcone/base";
import { submoduleDepthMax } from "@lightcone/schema";
import { readHandler, readRoutes } from "./http-shapes.ts";
import { isObject, ShapeReader, text, wrong } from "./shape-reader.ts";
import type { FunctionShape, HandlerShape, ModuleShape, ViewShape } from "./shapes.ts";
import { readView } from "./view-shapes.ts";

/** How deep groups of exports may stand in groups. */
const groupDepthMax = 8;

/** What is exported beside functions. */
const describedKinds: ReadonlySet<unknown> = new Set(["handler", "router", "view", "rule"]);

/** The program cannot run here. */
export function invalid(reason: string): never {
  throw new LightconeError("ModuleInvalid", { reason });
}

/**
 * Reads the exports of an evaluated bundle. `description` is the symbol that its objects describe themselves under.
 *
 * @throws {LightconeError} `ModuleInvalid` when there is no schema, `SchemaInvalid` with all that is wrong with one
 */
export function readModuleShape(exports: object, description: symbol): ModuleShape {
  const facts = factsOf(Reflect.get(exports, "default"), description, "schema");
  if (facts === undefined)
    invalid("the entry file's default export is not a schema: write `export default schema({ … })`");
  const reader = new ShapeReader();
  const shape = readPart({ exports, facts, description, reader, depth: 0 });
  const { problems } = reader;
  if (problems.length > 0) throw new LightconeError("SchemaInvalid", { problems });
  return shape;
}

/** What an object says of itself, if it is of that kind. */
function factsOf(value: unknown, description: symbol, kind: string): object | undefined {
  const facts: unknown = isObject(value) ? Reflect.get(value, description) : undefined;
  return isObject(facts) && Reflect.get(facts, "kind") === kind ? facts : undefined;
}

interface PartReading {
  readonly exports: object;
  readonly facts: object;
  readonly description: symbol;
  readonly reader: ShapeReader;
  /** How many modules are around it. */
  readonly depth: number;
}

/** Reads a module, or one within it. */
function readPart({ exports, facts, description, reader, depth: around }: PartReading): ModuleShape {
  // Those within come first: types may be of rows of theirs.
  const submodules = readSubmodules({ exports, facts, description, reader, depth: around });
  const tables = reader.tables(Reflect.get(facts, "tables"));
  const made: unknown = Reflect.get(facts, "functions");
  const all: readonly unknown[] = Array.isArray(made) ? made : [];
  const functions: FunctionShape[] = [];
  const handlers: HandlerShape[] = [];
  const views: ViewShape[] = [];
  const rules: { readonly exported: object; readonly text: string }[] = [];
  const routers: { readonly exported: object; readonly facts: object }[] = [];
  const readExports = (holder: object, names: readonly string[], depth: number): void => {
    for (const name of names) {
      const exported: unknown = Reflect.get(holder, name);
      const one = isObject(exported) ? Reflect.get(exported, description) : undefined;
      const group = depth < groupDepthMax ? reader.group(one) : undefined;
      const kind: unknown = isObject(one) ? Reflect.get(one, "kind") : undefined;
      if (group !== undefined) readExports(group, Object.keys(group), depth + 1);
      else if (isObject(exported) && isObject(one) && describedKinds.has(kind)) {
        if (!all.includes(exported))
          reader.attempt(() => wrong(`\`${name}\` was made by another schema than the one that is the default export`));
        else if (kind === "router") routers.push({ exported, facts: one });
        else if (kind === "rule")
          rules.push(...(reader.attempt(() => [{ exported, text: readRule(name, one) }]) ?? []));
        else if (kind === "view")
          views.push(
            ...(reader.attempt(() => [readView(name, exported, one, (shape, what) => reader.type(shape, what))]) ?? []),
          );
        else handlers.push(...(reader.attempt(() => [readHandler(name, exported, one)]) ?? []));
      } else if (around === 0 || isObject(one)) {
        const read = reader.export(name, exported, one, all);
        if (read !== undefined) functions.push(read);
      }
    }
  };
  const names = Object.keys(exports).filter((name) => name !== "default");
  readExports(exports, names.toSorted(byCodeUnit), 0);
  reader.scheduled(functions, tables);
  if (routers.length > 1)
    reader.attempt(() => wrong(`${routers.length} routers are exported; a module has one: merge them`));
  const routes = routers.flatMap((router) => reader.attempt(() => readRoutes(router.facts, handlers)) ?? []);
  if (around > 0 && handlers.length + routers.length > 0)
    reader.attempt(() =>
      wrong(
        "its HTTP handlers and its router would serve nothing: those of the entry file alone do. Take them out of it",
      ),
    );
  const unexported = all
    .filter(
      (one) => ![...functions, ...views, ...handlers, ...routers, ...rules].some(({ exported }) => exported === one),
    )
    .map((one) => madeUnder(isObject(one) ? Reflect.get(one, description) : undefined));
  return {
    policy: Reflect.get(facts, "policy") === "None" ? "none" : "snakeCase",
    tables,
    ...byKind(functions),
    views,
    handlers,
    routes,
    rules: rules.map((rule) => rule.text),
    submodules,
    unexported: [...unexported, ...submodules.flatMap(({ shape }) => shape.unexported)],
  };
}

function readSubmodules({ facts, description, reader, depth }: PartReading): ModuleShape["submodules"] {
  const submodules: unknown = Reflect.get(facts, "submodules");
  if (!isObject(submodules)) return [];
  return Object.entries(submodules).flatMap(([namespace, exports]: [string, unknown]) => {
    const shape = reader.attempt(() => {
      const within = reader.within(namespace);
      const inside = isObject(exports) ? factsOf(Reflect.get(exports, "default"), description, "schema") : undefined;
      if (!isObject(exports) || inside === undefined)
        wrong(`submodule \`${namespace}\`: its file's default export is not a schema`);
      if (depth === submoduleDepthMax)
        wrong(`submodule \`${namespace}\`: modules stand ${submoduleDepthMax} deep in each other at most`);
      return readPart({ exports, facts: inside, description, reader: within, depth: depth + 1 });
    });
    return shape === undefined ? [] : [{ namespace, shape }];
  });
}

/** The SQL of a row-level rule. */
function readRule(name: string, facts: object): string {
  return text(Reflect.get(facts, "sql"), `row-level rule \`${name}\`: its SQL`);
}

function byKind(functions: readonly FunctionShape[]): Pick<ModuleShape, "reducers" | "procedures"> {
  return {
    reducers: functions.filter(({ kind }) => kind === "reducer"),
    procedures: functions.filter(({ kind }) => kind === "procedure"),
  };
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function madeUnder(facts: unknown): string {
  const made: unknown = isObject(facts) ? Reflect.get(facts, "made") : undefined;
  const stack: unknown = isObject(made) ? Reflect.get(made, "stack") : undefined;
  return typeof stack === "string" ? stack : "";
}
