/** The recorded descriptions, and our decoding in the form in which they are recorded. */
import { readFileSync } from "node:fs";
import { fromHex, toHex, type AlgebraicType, type Member } from "@lightcone/sats";
import { decodeModuleDef } from "../decode-module-def.ts";
import { emptyRawV10 } from "../raw-v10.ts";
import type { HttpMethod, Lifecycle } from "../module-def.ts";
import type {
  RawIndexAlgorithm,
  RawIndexDef,
  RawModuleDef,
  RawModuleDefV10,
  RawModuleDefV9,
  RawSequenceDef,
  RawTableBase,
  RawViewDef,
} from "../raw-module-def.ts";

export interface DescriptionVector {
  readonly id: string;
  readonly bsatn_hex: string;
  readonly decoded: Readonly<Record<string, unknown>>;
}

const vectorsUrl = new URL("../../../../conformance/vectors/", import.meta.url);

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(file, vectorsUrl), "utf8")) as T;
}

export const descriptionVectors: readonly DescriptionVector[] = readJson<{ vectors: DescriptionVector[] }>(
  "module-def.json",
).vectors;

/** The recorded description of that module. */
export function vectorModule(id: string): RawModuleDef {
  const vector = descriptionVectors.find((each) => each.id === id);
  if (vector === undefined) throw new Error(`no recorded module ${id}`);
  return decodeModuleDef(fromHex(vector.bsatn_hex));
}

/** The recorded bodies of answers, by the step's comment. */
export function httpBody(comment: string): string {
  const { steps } = readJson<{ steps: { comment: string; body: string }[] }>("conversations/http.json");
  const step = steps.find((each) => each.comment === comment);
  if (step === undefined) throw new Error(`no recorded step ${comment}`);
  return step.body;
}

// --- our decoding as the vectors write it: absent options as null, i128 as text, bytes as hex

export function asVector(raw: RawModuleDef): unknown {
  return raw.version === 9 ? { V9: asV9(raw) } : { V10: asV10(raw) };
}

/** A recorded description with the sections that it lacks, as empty ones. */
export function withAllSections(decoded: Readonly<Record<string, unknown>>): unknown {
  const recorded = decoded as { readonly V10?: { readonly sections: readonly object[] } };
  if (recorded.V10 === undefined) return decoded;
  return { V10: Object.assign(asV10(emptyRawV10), ...recorded.V10.sections) as unknown };
}

function asType(type: AlgebraicType): unknown {
  switch (type.kind) {
    case "Ref":
      return { Ref: type.index };
    case "Array":
      return { Array: asType(type.element) };
    case "Product":
      return { Product: asMembers(type.elements) };
    case "Sum":
      return { Sum: asMembers(type.variants) };
    default:
      return type.kind;
  }
}

const asMembers = (members: readonly Member[]): unknown =>
  members.map(({ name, type }) => ({ name: name ?? null, ty: asType(type) }));

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const lifecycles: Readonly<Record<Lifecycle, string>> = {
  init: "Init",
  connect: "OnConnect",
  disconnect: "OnDisconnect",
};

function asAlgorithm(algorithm: RawIndexAlgorithm): unknown {
  switch (algorithm.kind) {
    case "btree":
      return { BTree: algorithm.columns };
    case "hash":
      return { Hash: algorithm.columns };
    case "direct":
      return { Direct: algorithm.column };
  }
}

function asTable(table: RawTableBase, nameKey: string): Record<string, unknown> {
  return {
    [nameKey]: table.name,
    product_type_ref: table.typeRef,
    primary_key: table.primaryKey,
    indexes: table.indexes.map((index: RawIndexDef) => ({
      [nameKey]: index.name ?? null,
      accessor_name: index.accessor ?? null,
      algorithm: asAlgorithm(index.algorithm),
    })),
    constraints: table.constraints.map((each) => ({ [nameKey]: each.name ?? null, data: { Unique: each.columns } })),
    sequences: table.sequences.map((sequence: RawSequenceDef) => ({
      [nameKey]: sequence.name ?? null,
      column: sequence.column,
      start: sequence.start?.toString() ?? null,
      min_value: sequence.min?.toString() ?? null,
      max_value: sequence.max?.toString() ?? null,
      increment: sequence.increment.toString(),
    })),
    table_type: capital(table.kind),
    table_access: capital(table.access),
  };
}

const asView = (view: RawViewDef, nameKey: string): unknown => ({
  [nameKey]: view.name,
  index: view.index,
  is_public: view.isPublic,
  is_anonymous: view.isAnonymous,
  params: asMembers(view.params),
  return_type: asType(view.returns),
});

function asV9(raw: RawModuleDefV9): unknown {
  return {
    typespace: raw.typespace.map(asType),
    tables: raw.tables.map((table) => ({
      ...asTable(table, "name"),
      schedule:
        table.schedule === undefined
          ? null
          : {
              name: table.schedule.name ?? null,
              reducer_name: table.schedule.functionName,
              scheduled_at_column: table.schedule.atColumn,
            },
    })),
    reducers: raw.reducers.map((each) => ({
      name: each.name,
      params: asMembers(each.params),
      lifecycle: each.lifecycle === undefined ? null : lifecycles[each.lifecycle],
    })),
    types: raw.types.map((type) => ({
      name: { scope: type.scope, name: type.name },
      ty: type.ref,
      custom_ordering: type.customOrdering,
    })),
    misc_exports: raw.miscExports.map((misc) => {
      switch (misc.kind) {
        case "columnDefault":
          return { ColumnDefaultValue: { table: misc.table, col_id: misc.column, value: toHex(misc.value) } };
        case "procedure":
          return { Procedure: { name: misc.name, params: asMembers(misc.params), return_type: asType(misc.returns) } };
        case "view":
          return { View: asView(misc, "name") };
      }
    }),
    row_level_security: raw.rowLevelRules.map((sql) => ({ sql })),
  };
}

function asMethod(method: HttpMethod): unknown {
  if (method.kind === "any") return "Any";
  return { Method: method.kind === "standard" ? method.name : { Extension: method.name } };
}

/** Sections under their names, whatever their order was. */
function asV10(raw: RawModuleDefV10): Record<string, unknown> {
  return {
    Typespace: raw.typespace.map(asType),
    Types: raw.types.map((type) => ({
      source_name: { scope: type.scope, source_name: type.name },
      ty: type.ref,
      custom_ordering: type.customOrdering,
    })),
    Tables: raw.tables.map((table) => ({
      ...asTable(table, "source_name"),
      default_values: table.defaults.map(({ column, value }) => ({ col_id: column, value: toHex(value) })),
      is_event: table.isEvent,
    })),
    Reducers: raw.reducers.map((each) => ({
      source_name: each.name,
      params: asMembers(each.params),
      visibility: each.visibility === "client" ? "ClientCallable" : "Private",
      ok_return_type: asType(each.ok),
      err_return_type: asType(each.err),
    })),
    Procedures: raw.procedures.map((each) => ({
      source_name: each.name,
      params: asMembers(each.params),
      return_type: asType(each.returns),
      visibility: each.visibility === "client" ? "ClientCallable" : "Private",
    })),
    Views: raw.views.map((view) => asView(view, "source_name")),
    Schedules: raw.schedules.map((each) => ({
      source_name: each.name ?? null,
      table_name: each.table,
      schedule_at_col: each.atColumn,
      function_name: each.functionName,
    })),
    LifeCycleReducers: raw.lifecycles.map((each) => ({
      lifecycle_spec: lifecycles[each.lifecycle],
      function_name: each.functionName,
    })),
    RowLevelSecurity: raw.rowLevelRules.map((sql) => ({ sql })),
    CaseConversionPolicy: raw.casePolicy === "none" ? "None" : "SnakeCase",
    ExplicitNames: raw.explicitNames.map((each) => ({
      [capital(each.kind)]: { source_name: each.sourceName, canonical_name: each.canonicalName },
    })),
    HttpHandlers: raw.httpHandlers.map((source_name) => ({ source_name })),
    HttpRoutes: raw.httpRoutes.map((each) => ({
      handler_function: each.handler,
      method: asMethod(each.method),
      path: each.path,
    })),
    ViewPrimaryKeys: raw.viewPrimaryKeys.map((each) => ({ view_source_name: each.view, columns: each.columns })),
    Submodules: raw.submodules.map((each) => ({ namespace: each.namespace, module: asV10(each.module) })),
  };
}
