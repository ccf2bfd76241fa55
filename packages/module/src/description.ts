/**
 * A module's file as a plain description: which tables and reducers it has, of which types, under which names
 * in the database. For clients, which import the file itself instead of generated code.
 *
 *   import * as chat from "./module/src/index.ts";
 *   describeExports(chat).tables  →  [{ accessor: "message", name: "message", rowType: … }]
 */
import type { AlgebraicType, ProductType } from "@lightcone/sats";
import { snakeCase } from "@lightcone/schema";
import { description } from "#host";
import type { ReducerOptions, Schema } from "./schema.ts";
import type { Table } from "./table.ts";
import type { Fields } from "./type-builder.ts";

export interface TableDescription {
  /** Its key in the module's schema. */
  readonly accessor: string;
  /** Its name in the database, on the wire and in SQL. */
  readonly name: string;
  /** Columns in order, under their keys in the module. */
  readonly rowType: ProductType;
  /** The position of the primary key's column. */
  readonly primaryKey: number | undefined;
  readonly isPublic: boolean;
}

export interface ReducerDescription {
  /** The name that it is exported by. */
  readonly accessor: string;
  readonly name: string;
  readonly params: ProductType;
}

export interface ModuleDescription {
  readonly tables: readonly TableDescription[];
  /** What clients may call: without the reducers that the database calls by itself. */
  readonly reducers: readonly ReducerDescription[];
}

/** The exports of a module's entry file. */
export interface ModuleExports {
  // oxlint-disable-next-line no-explicit-any -- any schema will do
  readonly default: Schema<any>;
}

interface SchemaFacts {
  readonly kind: "schema";
  readonly tables: Readonly<Record<string, Table>>;
  readonly policy: "None" | "SnakeCase";
}
interface FunctionFacts {
  readonly kind: "reducer";
  readonly lifecycle: string | undefined;
  readonly name: ReducerOptions["name"];
  readonly params: Fields;
}

/**
 * Describes a module by the exports of its entry file.
 *
 * @throws {TypeError} when the default export is no schema of this SDK, or the file was bundled for a database
 */
export function describeExports(exports: ModuleExports): ModuleDescription {
  const facts = factsOf<SchemaFacts>(exports.default, "schema");
  if (facts === undefined)
    throw new TypeError("the module's default export is not a schema: import the entry file as `import * as module`");
  const nameOf = (source: string, explicit: string | undefined): string =>
    explicit ?? (facts.policy === "None" ? source : snakeCase(source));
  const tables = Object.entries(facts.tables).map(([accessor, { options, rowType }]) => ({
    accessor,
    name: nameOf(accessor, options.name),
    rowType: productOf(rowType.fields),
    primaryKey: positionOfKey(rowType.fields),
    isPublic: options.public === true,
  }));
  const reducers = Object.entries(exports).flatMap(([accessor, exported]) => {
    const one = factsOf<FunctionFacts>(exported, "reducer");
    if (one === undefined || one.lifecycle !== undefined) return [];
    return [{ accessor, name: nameOf(accessor, one.name), params: productOf(one.params) }];
  });
  return { tables, reducers };
}

/** What an export says of itself; undefined when it is nothing of that kind. */
function factsOf<F extends { readonly kind: string }>(exported: unknown, kind: F["kind"]): F | undefined {
  const canCarry = typeof exported === "function" || (typeof exported === "object" && exported !== null);
  // The symbol is the SDK's own: what stands under it was written by `schema.ts`.
  const facts = canCarry ? (exported as { readonly [description]?: F })[description] : undefined;
  return facts?.kind === kind ? facts : undefined;
}

function productOf(fields: Fields): ProductType {
  const elements = Object.entries(fields).map(([name, { shape }]) => ({ name, type: shape satisfies AlgebraicType }));
  return { kind: "Product", elements };
}

function positionOfKey(fields: Fields): number | undefined {
  const position = Object.values(fields).findIndex(({ facts }) => facts.primaryKey === true);
  return position < 0 ? undefined : position;
}
