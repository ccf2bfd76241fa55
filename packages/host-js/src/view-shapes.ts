/** Reads views off a bundle's exports. */
import { types } from "node:util";
import { isOption } from "@lightcone/sats";
import { isObject, optionalText, wrong } from "./shape-reader.ts";
import type { NamedShape, ViewShape } from "./shapes.ts";

/** @param typeOf reads a type @throws {LightconeError} `SchemaInvalid` */
export function readView(
  exportName: string,
  exported: object,
  facts: object,
  typeOf: (shape: unknown, what: string) => NamedShape,
): ViewShape {
  const what = `view \`${exportName}\``;
  type Given = (value: unknown) => unknown;
  const functionOf = (name: string): Given => {
    const found: unknown = Reflect.get(facts, name);
    if (typeof found !== "function" || types.isProxy(found)) wrong(`${what} has no function`);
    return found as Given; // whatever it is, it is only called
  };
  const returns: unknown = Reflect.get(facts, "returns");
  const shape: unknown = isObject(returns) ? Reflect.get(returns, "shape") : undefined;
  const type = typeOf(shape, `${what}: its rows`);
  const isOne = isOption(type);
  if (type.kind !== "Array" && !isOne)
    wrong(`${what} returns t.array(…) or t.option(…) of rows: of a table's rowType, or of t.row("Name", { … })`);
  const body = functionOf("body");
  if (types.isAsyncFunction(body) || types.isGeneratorFunction(body))
    wrong(`${what} is ${types.isAsyncFunction(body) ? "async" : "a generator"}: a view gives its rows at once`);
  return {
    exportName,
    exported,
    name: optionalText(Reflect.get(facts, "name"), `${what}: \`name\``),
    isAnonymous: Reflect.get(facts, "isAnonymous") === true,
    isOne,
    returns: type,
    primaryKey: optionalText(keyOf(shape, isOne), `${what}: its primary key`),
    fromWithin: fromOf(facts, functionOf),
    // Bundles of before have no views that read views.
    called: "called" in facts ? functionOf("called") : () => undefined,
    body,
    queryOf: functionOf("queryOf"),
  };
}

/** Bundles that know nothing of submodules say what a view of the module itself has, and no more. */
function fromOf(facts: object, functionOf: (name: string) => (value: unknown) => unknown): (part: string) => unknown {
  const from: unknown = Reflect.get(facts, "from");
  const within = "fromWithin" in facts ? functionOf("fromWithin") : () => from;
  return (part) => (part === "" ? from : within(part));
}

/** The primary key that the rows' type says. */
function keyOf(shape: unknown, isOne: boolean): unknown {
  if (!isObject(shape)) return undefined;
  const variants: unknown = isOne ? Reflect.get(shape, "variants") : undefined;
  const some: unknown = Array.isArray(variants) ? variants[0] : undefined;
  const row: unknown = isOne ? (isObject(some) ? Reflect.get(some, "type") : undefined) : Reflect.get(shape, "element");
  return isObject(row) ? Reflect.get(row, "primaryKey") : undefined;
}
