/**
 * `index.ts`: the module as one value that the client library works from, and the classes typed by it.
 *
 * Everything taken from the library carries a `__` prefix, so that a module's own names cannot meet it.
 */
import type { Bindings, BoundFunction, BoundTable } from "./bindings.ts";
import type { Dialect } from "./dialect.ts";
import type { ProcedureDef, ReducerDef } from "@lightcone/schema";
import { camelKeys, objectKey } from "./names.ts";

/** What the index exports whatever the module is. */
export const indexExports: readonly string[] = [
  "DbConnection",
  "DbConnectionBuilder",
  "ErrorContext",
  "EventContext",
  "ReducerEventContext",
  "SubscriptionBuilder",
  "SubscriptionEventContext",
  "SubscriptionHandle",
  "query",
  "reducers",
  "tables",
  // Not exported, but declared there.
  "REMOTE_MODULE",
  "proceduresSchema",
  "queries",
  "reducersSchema",
  "tablesSchema",
];

/** The client library refuses bindings that were made for a release before 1.4; these are those they are made for. */
const compatibleVersions = { 1: "1.12.0", 2: "2.10.1" } as const;

export function indexFile(dialect: Dialect, bindings: Bindings): string {
  return [
    dialect.header,
    libraryImports(dialect),
    ownImports(dialect, bindings),
    tablesSchema(dialect, bindings.tables),
    schemaOf("reducers", bindings.reducers.filter((each) => each.def.lifecycle === undefined).map(reducerSchema)),
    schemaOf("procedures", bindings.procedures.map(procedureSchema)),
    remoteModule(dialect, bindings.tables),
    connection,
  ].join("");
}

function libraryImports(dialect: Dialect): string {
  const values = [
    "DbConnectionBuilder",
    "DbConnectionImpl",
    "SubscriptionBuilderImpl",
    "convertToAccessorMap",
    "makeQueryBuilder",
    "procedureSchema",
    "procedures",
    "reducerSchema",
    "reducers",
    "schema",
    "table",
  ];
  const types = [
    "DbConnectionConfig",
    "ErrorContextInterface",
    "EventContextInterface",
    ...(dialect.sdk === 1 ? ["QueryBuilder"] : []),
    "ReducerEventContextInterface",
    "RemoteModule",
    "SubscriptionEventContextInterface",
    "SubscriptionHandleImpl",
  ];
  const names = [...values.map((name) => `${name} as __${name}`), ...types.map((name) => `type ${name} as __${name}`)];
  return `import {\n${names.map((name) => `  ${name},\n`).join("")}} from ${JSON.stringify(dialect.packageName)};\n`;
}

function ownImports(dialect: Dialect, bindings: Bindings): string {
  const from = (file: string): string => `"./${file}${dialect.importExtension}"`;
  const lines = [
    ...bindings.tables.map((each) => [each.row, `import ${each.row} from ${from(each.file)};\n`] as const),
    ...bindings.reducers.map((each) => [each.exported, `import ${each.exported} from ${from(each.file)};\n`] as const),
    ...bindings.procedures.map(
      (each) => [each.exported, `import * as ${each.exported} from ${from(each.file)};\n`] as const,
    ),
    ...bindings.types.map((each) => [each.exported, `import ${each.exported} from ${from(each.file)};\n`] as const),
  ];
  const names = lines.map(([name]) => `  ${name},\n`).join("");
  return `${lines.map(([, line]) => line).join("")}\nexport {\n${names}};\n\n`;
}

/** The first line takes the tables as arguments, 2.x as an object by accessor. */
function tablesSchema({ sdk }: Dialect, tables: readonly BoundTable[]): string {
  const accessors = camelKeys(tables.map(({ name }) => name));
  const entries = tables.map((table, index) => {
    const schema = tableSchema(sdk, table);
    return sdk === 1 ? `  ${schema}` : `  ${objectKey(accessors[index] ?? table.name)}: ${schema}`;
  });
  const [open, close] = sdk === 1 ? ["", ""] : ["{", "}"];
  return `const tablesSchema = __schema(${open}\n${entries.join("")}${close});\n\n`;
}

function tableSchema(sdk: Dialect["sdk"], table: BoundTable): string {
  const keys = camelKeys(table.columns.map((column) => column.name));
  const columns = (positions: readonly number[]): string =>
    `[${positions.map((position) => JSON.stringify(keys[position])).join(", ")}]`;
  // An index that the module's code has no name for is none of the client's business.
  const indexes = (table.table?.indexes ?? []).flatMap((index) =>
    index.accessor === undefined
      ? []
      : [
          `        { ${indexNames(sdk, index.accessor, index.name)}, algorithm: "btree", columns: ${columns(index.columns)} },\n`,
        ],
  );
  const constraints = (table.table?.constraints ?? []).map(
    (constraint) =>
      `        { name: ${JSON.stringify(constraint.name)}, constraint: "unique", columns: ${columns(constraint.columns)} },\n`,
  );
  const list = (name: string, entries: readonly string[]): string =>
    entries.length === 0 ? `      ${name}: [],\n` : `      ${name}: [\n${entries.join("")}      ],\n`;
  return (
    `__table(\n    {\n      name: ${JSON.stringify(table.name)},\n` +
    `${list("indexes", indexes)}${list("constraints", constraints)}` +
    `${sdk === 2 && table.table?.isEvent === true ? "      event: true,\n" : ""}    },\n    ${table.row},\n  ),\n`
  );
}

/** What an index is called: 2.x wants the name in the database beside that in code. */
function indexNames(sdk: Dialect["sdk"], accessor: string, name: string): string {
  return sdk === 1
    ? `name: ${JSON.stringify(accessor)}`
    : `accessor: ${JSON.stringify(accessor)}, name: ${JSON.stringify(name)}`;
}

const reducerSchema = (each: BoundFunction<ReducerDef>): string =>
  `  __reducerSchema(${JSON.stringify(each.def.name)}, ${each.exported}),\n`;

const procedureSchema = (each: BoundFunction<ProcedureDef>): string =>
  `  __procedureSchema(${JSON.stringify(each.def.name)}, ${each.exported}.params, ${each.exported}.returnType),\n`;

const schemaOf = (what: "reducers" | "procedures", entries: readonly string[]): string =>
  `const ${what}Schema = __${what}(${entries.length === 0 ? "" : `\n${entries.join("")}`});\n\n`;

const remoteModule = ({ sdk }: Dialect, tables: readonly BoundTable[]): string => `const REMOTE_MODULE = {
  versionInfo: {
    cliVersion: "${compatibleVersions[sdk]}" as const,
  },
  tables: tablesSchema.schemaType.tables,
  reducers: reducersSchema.reducersType.reducers,
  ...proceduresSchema,
} satisfies __RemoteModule<
  typeof tablesSchema.schemaType,
  typeof reducersSchema.reducersType,
  typeof proceduresSchema
>;

${sdk === 1 ? tablesOf1 : tablesOf2(tables)}
/** The reducers that a client may call, by accessor. */
export const reducers = __convertToAccessorMap(reducersSchema.reducersType.reducers);

`;

const tablesOf1 = `/** The tables and views, by accessor. */
export const tables = __convertToAccessorMap(tablesSchema.schemaType.tables);

/** Queries over the tables, typed by their columns. */
export const query: __QueryBuilder<typeof tablesSchema.schemaType> = __makeQueryBuilder(tablesSchema.schemaType);
`;

function tablesOf2(tables: readonly BoundTable[]): string {
  const about = "/** The tables and views, by accessor, each of them also a query over all its rows. */\n";
  const accessors = camelKeys(tables.map(({ name }) => name));
  const nested = namespaceOf(accessors.filter((accessor) => accessor.includes(".")).map((name) => name.split(".")));
  if (nested === "") return `${about}export const tables = __makeQueryBuilder(tablesSchema.schemaType);\n`;
  return `const queries = __makeQueryBuilder(tablesSchema.schemaType);\n\n${about}export const tables = {\n  ...queries,\n${nested}};\n`;
}

/** Tables of submodules as objects of their namespaces. `path` is the name of those around. */
function namespaceOf(names: readonly (readonly string[])[], path: readonly string[] = []): string {
  const indent = "  ".repeat(path.length + 1);
  const groups = Map.groupBy(names, ([first = ""]) => first);
  return Array.from(groups, ([first, inside]) => {
    const at = [...path, first];
    const deeper = inside.map(([, ...rest]) => rest).filter((rest) => rest.length > 0);
    return deeper.length === 0
      ? `${indent}${objectKey(first)}: queries[${JSON.stringify(at.join("."))}],\n`
      : `${indent}${objectKey(first)}: {\n${namespaceOf(deeper, at)}${indent}},\n`;
  }).join("");
}

const connection = `/** What row callbacks are given. */
export type EventContext = __EventContextInterface<typeof REMOTE_MODULE>;

/** What reducer callbacks are given. */
export type ReducerEventContext = __ReducerEventContextInterface<typeof REMOTE_MODULE>;

/** What a subscription's callbacks are given. */
export type SubscriptionEventContext = __SubscriptionEventContextInterface<typeof REMOTE_MODULE>;

/** What error callbacks are given. */
export type ErrorContext = __ErrorContextInterface<typeof REMOTE_MODULE>;

/** A subscription, to be ended with \`unsubscribe\`. */
export type SubscriptionHandle = __SubscriptionHandleImpl<typeof REMOTE_MODULE>;

/** Sets a subscription up. */
export class SubscriptionBuilder extends __SubscriptionBuilderImpl<typeof REMOTE_MODULE> {}

/** Sets a connection up. */
export class DbConnectionBuilder extends __DbConnectionBuilder<DbConnection> {}

/** A connection to a database that runs this module. */
export class DbConnection extends __DbConnectionImpl<typeof REMOTE_MODULE> {
  static builder = (): DbConnectionBuilder =>
    new DbConnectionBuilder(
      REMOTE_MODULE,
      (config: __DbConnectionConfig<typeof REMOTE_MODULE>) => new DbConnection(config),
    );

  override subscriptionBuilder = (): SubscriptionBuilder => new SubscriptionBuilder(this);
}
`;
