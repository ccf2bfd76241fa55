/**
 * A description from JSON: what `GET …/schema` answers in version 9 or 10, or what tools write, as `{"V9": …}` or `{"V10": …}`.
 *
 * The types of both are written out here, so that JSON is read by the same rules as any value, and then as a module's own bytes.
 */
import { LightconeError } from "@lightcone/base";
import {
  array,
  bytes,
  ByteWriter,
  jsonToBsatn,
  JsonObject,
  option,
  parseJson,
  product,
  ref,
  sum,
  t,
  typeOfTypes,
  unit,
  type AlgebraicType,
  type JsonNode,
  type Typespace,
} from "@lightcone/sats";
import { decodeModuleDef } from "./decode-module-def.ts";
import type { RawModuleDef, RawModuleDefV10 } from "./raw-module-def.ts";

const type = ref(0);
const params = product({ elements: array(product({ name: option(t.string), algebraic_type: type })) });
const typespaceType = product({ types: array(type) });
const columns = array(t.u16);
const units = (...names: readonly string[]): AlgebraicType =>
  sum(Object.fromEntries(names.map((name) => [name, unit])));
const typeDef = (name: string): AlgebraicType =>
  product({
    [name === "name" ? "name" : "source_name"]: product({ scope: array(t.string), [name]: t.string }),
    ty: t.u32,
    custom_ordering: t.bool,
  });
const algorithm = sum({ BTree: columns, Hash: columns, Direct: t.u16 });

/** `name` is what the version calls a name. */
const tableParts = (name: string) => ({
  product_type_ref: t.u32,
  primary_key: columns,
  indexes: array(product({ [name]: option(t.string), accessor_name: option(t.string), algorithm })),
  constraints: array(product({ [name]: option(t.string), data: sum({ Unique: product({ columns }) }) })),
  sequences: array(
    product({
      [name]: option(t.string),
      column: t.u16,
      start: option(t.i128),
      min_value: option(t.i128),
      max_value: option(t.i128),
      increment: t.i128,
    }),
  ),
});
const tableKind = { table_type: units("System", "User"), table_access: units("Public", "Private") };
const viewParts = { index: t.u32, is_public: t.bool, is_anonymous: t.bool, params, return_type: type };
const lifecycle = units("Init", "OnConnect", "OnDisconnect");
const rules = array(product({ sql: t.string }));

const version9 = product({
  typespace: typespaceType,
  tables: array(
    product({
      name: t.string,
      ...tableParts("name"),
      schedule: option(product({ name: option(t.string), reducer_name: t.string, scheduled_at_column: t.u16 })),
      ...tableKind,
    }),
  ),
  reducers: array(product({ name: t.string, params, lifecycle: option(lifecycle) })),
  types: array(typeDef("name")),
  misc_exports: array(
    sum({
      ColumnDefaultValue: product({ table: t.string, col_id: t.u16, value: bytes }),
      Procedure: product({ name: t.string, params, return_type: type }),
      View: product({ name: t.string, ...viewParts }),
    }),
  ),
  row_level_security: rules,
});

const visibility = units("Private", "ClientCallable");
const names = product({ source_name: t.string, canonical_name: t.string });
const methods = sum({
  ...Object.fromEntries(
    ["Get", "Head", "Post", "Put", "Delete", "Connect", "Options", "Trace", "Patch"].map((name) => [name, unit]),
  ),
  Extension: t.string,
});

/** Entry 1 of `types`, which a submodule is of. */
const version10 = product({
  sections: array(
    sum({
      Typespace: typespaceType,
      Types: array(typeDef("source_name")),
      Tables: array(
        product({
          source_name: t.string,
          ...tableParts("source_name"),
          ...tableKind,
          default_values: array(product({ col_id: t.u16, value: bytes })),
          is_event: t.bool,
        }),
      ),
      Reducers: array(
        product({ source_name: t.string, params, visibility, ok_return_type: type, err_return_type: type }),
      ),
      Procedures: array(product({ source_name: t.string, params, return_type: type, visibility })),
      Views: array(product({ source_name: t.string, ...viewParts })),
      Schedules: array(
        product({
          source_name: option(t.string),
          table_name: t.string,
          schedule_at_col: t.u16,
          function_name: t.string,
        }),
      ),
      LifeCycleReducers: array(product({ lifecycle_spec: lifecycle, function_name: t.string })),
      RowLevelSecurity: rules,
      CaseConversionPolicy: units("None", "SnakeCase"),
      ExplicitNames: product({ entries: array(sum({ Table: names, Function: names, Index: names })) }),
      HttpHandlers: array(product({ source_name: t.string })),
      HttpRoutes: array(
        product({ handler_function: t.string, method: sum({ Any: unit, Method: methods }), path: t.string }),
      ),
      ViewPrimaryKeys: array(product({ view_source_name: t.string, columns: array(t.string) })),
      Submodules: array(product({ namespace: t.string, module: ref(1) })),
    }),
  ),
});
const types: Typespace = [...typeOfTypes, version10];

/**
 * Reads a description from JSON.
 *
 * @throws {LightconeError} `Malformed` with the place, `TooDeep`
 */
export function descriptionFromJson(text: string): RawModuleDef {
  const whole = parseJson(text, "the module's description");
  const [version, tree] = versionOf(whole);
  const out = new ByteWriter();
  out.u8(version === 9 ? 1 : 2);
  jsonToBsatn(version === 9 ? version9 : ref(1), { tree }, out, types);
  const raw = decodeModuleDef(out.toBytes());
  return raw.version === 10 ? asServed(raw, !text.includes('"CaseConversionPolicy"')) : raw;
}

function versionOf(whole: JsonNode): readonly [version: 9 | 10, tree: JsonNode] {
  const inside = (key: string): JsonNode | undefined => {
    const at = whole instanceof JsonObject ? whole.keys.indexOf(key) : -1;
    return at < 0 || !(whole instanceof JsonObject) ? undefined : whole.values[at];
  };
  const [nine, ten] = [inside("V9"), inside("V10")];
  if (nine !== undefined) return [9, nine];
  if (ten !== undefined) return [10, ten];
  if (inside("sections") !== undefined) return [10, whole];
  if (inside("typespace") !== undefined) return [9, whole];
  throw new LightconeError("Malformed", {
    what: "the module's description",
    reason: "it has neither `sections`, as version 10, nor `typespace`, as version 9",
  });
}

/** What a server gives has every name as it is in the database, and says no case policy: nothing is to be converted again. */
function asServed(raw: RawModuleDefV10, hasNoPolicy: boolean): RawModuleDefV10 {
  const named = new Set(raw.explicitNames.map(({ sourceName }) => sourceName));
  const isServed =
    hasNoPolicy && [...raw.tables, ...raw.reducers, ...raw.procedures].every(({ name }) => named.has(name));
  return {
    ...raw,
    casePolicy: isServed ? "none" : raw.casePolicy,
    submodules: raw.submodules.map(({ namespace, module }) => ({ namespace, module: asServed(module, hasNoPolicy) })),
  };
}
