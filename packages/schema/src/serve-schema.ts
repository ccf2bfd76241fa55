/**
 * A checked module written back as a description: what `GET …/schema` answers, and what `generate` reads.
 *
 * It is rebuilt, not the module's own bytes: names are canonical and filled in, and a module of either
 * version is served as both. Options are `{"some":x}` / `{"none":[]}`, unit payloads `[]`, bytes hex.
 */
import { toHex, type AlgebraicType, type ProductType } from "@lightcone/sats";
import { sequenceDefaults } from "./check-table.ts";
import { clientPartOf } from "./client-part.ts";
import { ownPart } from "./submodules.ts";
import { formatJson, type Json, type JsonObject } from "./format-json.ts";
import type {
  ColumnDef,
  HttpMethod,
  IndexAlgorithm,
  IndexDef,
  Lifecycle,
  ModuleDef,
  NamedType,
  ProcedureDef,
  ReducerDef,
  SequenceDef,
  TableDef,
  UniqueDef,
  ViewDef,
} from "./module-def.ts";

/** Version 9 or 10 of the whole module; or of version 10 what a client may use, under the names of the module's code. */
export type SchemaForm = "9" | "10" | "client";

/** Kept, since every client of a database asks when it connects, and all of them at once after a restart. */
const texts = new WeakMap<ModuleDef, Map<SchemaForm, string>>();

/** The module as a description, JSON text. */
export function serveSchema(def: ModuleDef, form: SchemaForm): string {
  const known = texts.get(def) ?? new Map<SchemaForm, string>();
  texts.set(def, known);
  const text =
    known.get(form) ?? formatJson(form === "9" ? serveV9(def) : serveV10(form === "10" ? def : clientPartOf(def)));
  known.set(form, text);
  return text;
}

const unit = (variant: string): Json => ({ [variant]: [] });
const option = (value: Json | undefined): Json => (value === undefined ? unit("none") : { some: value });

// --- types

function serveType(type: AlgebraicType): Json {
  switch (type.kind) {
    case "Ref":
      return { Ref: type.index };
    case "Array":
      return { Array: serveType(type.element) };
    case "Product":
      return { Product: serveProduct(type) };
    case "Sum":
      return {
        Sum: {
          variants: type.variants.map(({ name, type: inner }) => ({
            name: option(name),
            algebraic_type: serveType(inner),
          })),
        },
      };
    default:
      return unit(type.kind);
  }
}

function serveProduct(type: ProductType): JsonObject {
  return {
    elements: type.elements.map(({ name, type: inner }) => ({ name: option(name), algebraic_type: serveType(inner) })),
  };
}

const serveTypespace = (def: ModuleDef): JsonObject => ({ types: def.typespace.map(serveType) });

/** A view's result with its row type by `Ref`, as a description has it. */
export function viewReturns(view: ViewDef): AlgebraicType {
  const row: AlgebraicType = { kind: "Ref", index: view.rowTypeRef };
  switch (view.shape) {
    case "array":
      return { kind: "Array", element: row };
    case "option":
      return {
        kind: "Sum",
        variants: [
          { name: "some", type: row },
          { name: "none", type: { kind: "Product", elements: [] } },
        ],
      };
    case "query":
      return { kind: "Product", elements: [{ name: "__query__", type: row }] };
  }
}

// --- what both versions have

const algorithms: Readonly<Record<IndexAlgorithm, (columns: readonly number[]) => Json>> = {
  btree: (columns) => ({ BTree: columns }),
  hash: (columns) => ({ Hash: columns }),
  direct: (columns) => ({ Direct: columns[0] ?? 0 }),
};
const lifecycleVariants: Readonly<Record<Lifecycle, string>> = {
  init: "Init",
  connect: "OnConnect",
  disconnect: "OnDisconnect",
};

/** `nameKey` is what the version calls a name. */
function serveTableParts(table: TableDef, nameKey: "name" | "source_name"): JsonObject {
  return {
    product_type_ref: table.typeRef ?? 0,
    primary_key: table.primaryKey === undefined ? [] : [table.primaryKey],
    indexes: table.indexes.map((index: IndexDef) => ({
      [nameKey]: option(nameKey === "name" ? index.name : index.sourceName),
      accessor_name: option(index.accessor),
      algorithm: algorithms[index.algorithm](index.columns),
    })),
    constraints: table.constraints.map((constraint: UniqueDef) => ({
      [nameKey]: option(constraint.name),
      data: { Unique: { columns: constraint.columns } },
    })),
    sequences: table.sequences.map((sequence) => serveSequence(sequence, nameKey)),
  };
}

function serveSequence(sequence: SequenceDef, nameKey: "name" | "source_name"): JsonObject {
  const given = (key: "start" | "min" | "max"): Json =>
    option(sequence[key] === sequenceDefaults[key] ? undefined : sequence[key]);
  return {
    [nameKey]: option(sequence.name),
    column: sequence.column,
    start: given("start"),
    min_value: given("min"),
    max_value: given("max"),
    increment: sequence.increment,
  };
}

const serveAccess = (table: TableDef): JsonObject => ({
  table_type: unit(table.kind === "system" ? "System" : "User"),
  table_access: unit(table.access === "public" ? "Public" : "Private"),
});

const serveViewParts = (view: ViewDef): JsonObject => ({
  index: view.index,
  is_public: view.isPublic,
  is_anonymous: view.isAnonymous,
  params: serveProduct(view.paramsByRef),
  return_type: serveType(viewReturns(view)),
});

function defaultsOf(columns: readonly ColumnDef[]): readonly { readonly col_id: number; readonly value: string }[] {
  return columns.flatMap(({ defaultValue }, i) =>
    defaultValue === undefined ? [] : [{ col_id: i, value: toHex(defaultValue) }],
  );
}

// --- V9

function serveV9(def: ModuleDef): JsonObject {
  return {
    typespace: serveTypespace(def),
    tables: def.tables.map((table) => ({
      name: table.name,
      ...serveTableParts(table, "name"),
      schedule: option(
        table.schedule && {
          name: option(table.schedule.name),
          reducer_name: table.schedule.functionName,
          scheduled_at_column: table.schedule.atColumn,
        },
      ),
      ...serveAccess(table),
    })),
    reducers: def.reducers.map((reducer) => ({
      name: reducer.name,
      params: serveProduct(reducer.paramsByRef),
      lifecycle: option(reducer.lifecycle && unit(lifecycleVariants[reducer.lifecycle])),
    })),
    types: def.types.map((type) => ({
      name: { scope: type.scope, name: type.name },
      ty: type.ref,
      custom_ordering: type.customOrdering,
    })),
    misc_exports: [
      ...def.tables.flatMap((table) =>
        defaultsOf(table.columns).map((entry) => ({ ColumnDefaultValue: { table: table.name, ...entry } })),
      ),
      ...def.procedures.map((procedure) => ({
        Procedure: {
          name: procedure.name,
          params: serveProduct(procedure.paramsByRef),
          return_type: serveType(procedure.returnsByRef),
        },
      })),
      ...def.views.map((view) => ({ View: { name: view.name, ...serveViewParts(view) } })),
    ],
    row_level_security: def.rowLevelRules.map(({ sql }) => ({ sql })),
  };
}

// --- V10

function serveV10(whole: ModuleDef): JsonObject {
  const def = ownPart(whole);
  const functions = [...def.reducers, ...def.procedures];
  const sourceNames = new Map(functions.map((each) => [each.name, each.accessor]));
  const sourceName = (name: string): string => sourceNames.get(name) ?? name;
  const handlerSources = new Map(def.httpHandlers.map((each) => [each.name, each.accessor]));
  const sections: Readonly<Record<string, readonly Json[]>> = {
    Types: def.types.map(serveNamedType),
    Tables: def.tables.map((table) => ({
      source_name: table.accessor,
      ...serveTableParts(table, "source_name"),
      ...serveAccess(table),
      default_values: defaultsOf(table.columns),
      is_event: table.isEvent,
    })),
    Reducers: def.reducers.map((reducer) => ({
      source_name: reducer.accessor,
      params: serveProduct(reducer.paramsByRef),
      visibility: serveVisibility(reducer),
      ok_return_type: serveType(reducer.returnsByRef ?? { kind: "Product", elements: [] }),
      err_return_type: serveType({ kind: "String" }),
    })),
    Procedures: def.procedures.map((procedure) => ({
      source_name: procedure.accessor,
      params: serveProduct(procedure.paramsByRef),
      return_type: serveType(procedure.returnsByRef),
      visibility: serveVisibility(procedure),
    })),
    Views: def.views.map((view) => ({ source_name: view.accessor, ...serveViewParts(view) })),
    Schedules: def.tables.flatMap((table) =>
      table.schedule === undefined
        ? []
        : [
            {
              source_name: option(table.schedule.name),
              table_name: table.accessor,
              schedule_at_col: table.schedule.atColumn,
              function_name: sourceName(table.schedule.functionName),
            },
          ],
    ),
    LifeCycleReducers: (["init", "connect", "disconnect"] as const).flatMap((lifecycle) =>
      def.reducers
        .filter((reducer) => reducer.lifecycle === lifecycle)
        .map((reducer) => ({ lifecycle_spec: unit(lifecycleVariants[lifecycle]), function_name: reducer.accessor })),
    ),
    RowLevelSecurity: def.rowLevelRules.map(({ sql }) => ({ sql })),
    HttpHandlers: def.httpHandlers.map((handler) => ({ source_name: handler.accessor })),
    HttpRoutes: def.httpRoutes.map((route) => ({
      handler_function: handlerSources.get(route.handler) ?? route.handler,
      method: serveMethod(route.method),
      path: route.path,
    })),
    // A query's key is its table's, and found again there.
    ViewPrimaryKeys: def.views.flatMap((view) => {
      const key = view.primaryKey === undefined ? undefined : view.columns[view.primaryKey];
      return key === undefined || view.shape === "query"
        ? []
        : [{ view_source_name: view.accessor, columns: [key.name] }];
    }),
    Submodules: def.submodules.map(({ namespace, module }) => ({ namespace, module: serveV10(module) })),
  };
  const entry = (kind: string, each: { readonly accessor: string; readonly name: string }): Json => ({
    [kind]: { source_name: each.accessor, canonical_name: each.name },
  });
  const entries = [
    ...def.tables.map((table) => entry("Table", table)),
    ...[...functions, ...def.views, ...def.httpHandlers].map((each) => entry("Function", each)),
  ];
  return {
    sections: [
      { Typespace: serveTypespace(def) },
      ...Object.entries(sections).flatMap(([name, items]) => (items.length === 0 ? [] : [{ [name]: items }])),
      { ExplicitNames: { entries } },
    ],
  };
}

const serveNamedType = (type: NamedType): Json => ({
  source_name: { scope: type.scope, source_name: type.name },
  ty: type.ref,
  custom_ordering: type.customOrdering,
});

const serveVisibility = (each: ReducerDef | ProcedureDef): Json =>
  unit(each.visibility === "private" ? "Private" : "ClientCallable");

function serveMethod(method: HttpMethod): Json {
  switch (method.kind) {
    case "any":
      return unit("Any");
    case "standard":
      return { Method: unit(method.name) };
    case "extension":
      return { Method: { Extension: method.name } };
  }
}
