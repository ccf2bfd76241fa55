/** `mod.rs`: what the files hold, and the types by which the crate knows the module. */
import type { RustBindings, RustFunction, RustTable } from "./rust-bindings.ts";
import { rustFile } from "./rust-file.ts";
import { inModule } from "./rust-files.ts";
import { connectionTypes } from "./rust-glue.ts";
import { rustIdentifier, rustText } from "./rust-names.ts";
import { keyOf, rowOf } from "./rust-table.ts";
import type { RustTypes } from "./rust-types.ts";

/** @param hasNever whether some file wrote an inline empty sum */
export function modFile(bindings: RustBindings, types: RustTypes, hasNever: boolean): string {
  return rustFile(
    [
      declarations(bindings, hasNever),
      remoteModule(bindings),
      reducerEnum(bindings, types),
      dbUpdate(bindings),
      appliedDiff(bindings),
      connectionTypes(bindings.sdk),
    ].join("\n"),
  );
}

function declarations({ sdk, tables, reducers, procedures, types }: RustBindings, hasNever: boolean): string {
  const files = [...types, ...tables, ...reducers, ...procedures].map(({ file }) => file);
  const handedOn = [
    ...types.flatMap(({ file, name, exported }) =>
      exported === undefined ? [] : [`${file}::${name}${exported === name ? "" : ` as ${exported}`}`],
    ),
    ...tables.map(({ file }) => `${file}::*`),
    ...reducers.flatMap((each) => [
      ...nameOf(each),
      ...(sdk === 1 ? [`${each.file}::set_flags_for_${each.stem}`, `${each.file}::${each.pascal}CallbackId`] : []),
    ]),
    ...procedures.flatMap(nameOf),
  ];
  return (
    [...files, ...(hasNever ? ["__never"] : [])]
      .toSorted()
      .map((file) => `pub mod ${file};\n`)
      .join("") +
    "\n" +
    handedOn
      .toSorted()
      .map((path) => `pub use ${path};\n`)
      .join("")
  );
}

const nameOf = ({ file, stem, isExported }: RustFunction): readonly string[] =>
  isExported ? [`${file}::${rustIdentifier(stem)}`] : [];

function remoteModule({ sdk, tables }: RustBindings): string {
  const names = tables.map(({ name }) => rustText(name)).join(", ");
  return `/// The module, as the client library knows it.
#[doc(hidden)]
${sdk === 2 ? "#[derive(Debug)]\n" : ""}pub struct RemoteModule;

${inModule("RemoteModule", "Self")}
impl __sdk::SpacetimeModule for RemoteModule {
    type DbConnection = DbConnection;
    type EventContext = EventContext;
    type ReducerEventContext = ReducerEventContext;
    type ProcedureEventContext = ProcedureEventContext;
    type SubscriptionEventContext = SubscriptionEventContext;
    type ErrorContext = ErrorContext;
    type Reducer = Reducer;
    type DbView = RemoteTables;
    type Reducers = RemoteReducers;
${sdk === 2 ? "    type Procedures = RemoteProcedures;\n" : "    type SetReducerFlags = SetReducerFlags;\n"}    type DbUpdate = DbUpdate;
    type AppliedDiff<'r> = AppliedDiff<'r>;
    type SubscriptionHandle = SubscriptionHandle;
    type QueryBuilder = __sdk::QueryBuilder;

    fn register_tables(client_cache: &mut __sdk::ClientCache<Self>) {
${tables.map(({ file }) => `        ${file}::register_table(client_cache);\n`).join("")}    }
${sdk === 2 ? `\n    const ALL_TABLE_NAMES: &'static [&'static str] = &[${names}];\n` : ""}}
`;
}

function reducerEnum({ sdk, reducers }: RustBindings, types: RustTypes): string {
  const variants = reducers.map(({ pascal, params }) =>
    params.length === 0
      ? `    ${pascal},\n`
      : `    ${pascal} {\n${params.map(({ identifier, type }) => `        ${identifier}: ${types.write(type, { root: "" })},\n`).join("")}    },\n`,
  );
  const names = reducers.map(({ pascal, name }) => `            Reducer::${pascal} { .. } => ${rustText(name)},\n`);
  return `/// A call of one of the module's reducers, with what it was called with.
#[derive(Clone, PartialEq, Debug)]
pub enum Reducer {
${variants.join("")}}

${inModule("Reducer", "RemoteModule")}
impl __sdk::Reducer for Reducer {
    fn reducer_name(&self) -> &'static str {
        match self {
${names.join("")}            _ => unreachable!(),
        }
    }
${sdk === 2 ? encodeArgs(reducers) : ""}}
${sdk === 1 ? decodeCall(reducers) : ""}`;
}

function encodeArgs(reducers: readonly RustFunction[]): string {
  const arms = reducers.map(({ file, pascal, params }) => {
    const names = params.map(({ identifier }) => identifier);
    const fields = names.map((name) => `                    ${name}: ${name}.clone(),\n`).join("");
    return (
      `            Reducer::${pascal}${names.length === 0 ? "" : ` { ${names.join(", ")} }`} => {\n` +
      `                __sats::bsatn::to_vec(&${file}::${pascal}Args {\n${fields}                })\n            }\n`
    );
  });
  return `
    fn args_bsatn(&self) -> ::core::result::Result<::std::vec::Vec<u8>, __sats::bsatn::EncodeError> {
        match self {
${arms.join("")}            _ => unreachable!(),
        }
    }
`;
}

function decodeCall(reducers: readonly RustFunction[]): string {
  const arms = reducers.map(
    ({ file, pascal, name }) =>
      `            ${rustText(name)} => Ok(__sdk::parse_reducer_args::<${file}::${pascal}Args>(${rustText(name)}, &value.args)?.into()),\n`,
  );
  return `
impl ::core::convert::TryFrom<__ws::ReducerCallInfo<__ws::BsatnFormat>> for Reducer {
    type Error = __sdk::Error;

    fn try_from(value: __ws::ReducerCallInfo<__ws::BsatnFormat>) -> __sdk::Result<Self> {
        match &value.reducer_name[..] {
${arms.join("")}            unknown => Err(__sdk::InternalError::unknown_name("reducer", unknown, "ReducerCallInfo").into()),
        }
    }
}
`;
}

function dbUpdate(bindings: RustBindings): string {
  const { sdk, tables } = bindings;
  const fields = tables.map((table) => `    ${table.method}: __sdk::TableUpdate<${rowOf(table, "")}>,\n`);
  const raw = sdk === 1 ? "__ws::DatabaseUpdate<__ws::BsatnFormat>" : "__ws::v2::TransactionUpdate";
  const appended = tables.map(
    ({ name, method, file }) =>
      `                ${rustText(name)} => db_update.${method}.append(${file}::parse_table_update(table_update)?),\n`,
  );
  const each = sdk === 1 ? "raw.tables" : "__sdk::transaction_update_iter_table_updates(raw)";
  const applied = tables.map((table) => {
    if (table.isEvent) return `        diff.${table.method} = self.${table.method}.into_event_diff();\n`;
    const key = keyOf(bindings, table);
    const paired = key === undefined ? "" : `\n            .with_updates_by_pk(|row| &row.${key.identifier})`;
    return (
      `        diff.${table.method} = cache\n            .apply_diff_to_table::<${rowOf(table, "")}>(${rustText(table.name)}, &self.${table.method})` +
      `${paired};\n`
    );
  });
  return `/// What a message changes, table by table.
#[derive(Default${sdk === 2 ? ", Debug" : ""})]
#[doc(hidden)]
pub struct DbUpdate {
${fields.join("")}}

${inModule("DbUpdate", "RemoteModule")}
impl ::core::convert::TryFrom<${raw}> for DbUpdate {
    type Error = __sdk::Error;

    fn try_from(raw: ${raw}) -> __sdk::Result<Self> {
        let mut db_update = DbUpdate::default();
        for table_update in ${each} {
            match &table_update.table_name[..] {
${appended.join("")}                unknown => {
                    return Err(__sdk::InternalError::unknown_name("table", unknown, "DatabaseUpdate").into());
                }
            }
        }
        Ok(db_update)
    }
}

impl __sdk::DbUpdate for DbUpdate {
    fn apply_to_client_cache(&self, cache: &mut __sdk::ClientCache<RemoteModule>) -> AppliedDiff<'_> {
        let mut diff = AppliedDiff::default();
${applied.join("")}        diff
    }
${sdk === 2 ? rowLists(tables) : ""}}
`;
}

/** How rows come that a subscription begins or ends with. */
function rowLists(tables: readonly RustTable[]): string {
  const read = (method: string, parse: string): string => `
    fn ${method}(raw: __ws::v2::QueryRows) -> __sdk::Result<Self> {
        let mut db_update = DbUpdate::default();
        for table_rows in raw.tables {
            match &table_rows.table[..] {
${tables.map(({ name, method: field }) => `                ${rustText(name)} => db_update.${field}.append(__sdk::${parse}(table_rows.rows)?),\n`).join("")}                unknown => {
                    return Err(__sdk::InternalError::unknown_name("table", unknown, "QueryRows").into());
                }
            }
        }
        Ok(db_update)
    }
`;
  return (
    read("parse_initial_rows", "parse_row_list_as_inserts") +
    read("parse_unsubscribe_rows", "parse_row_list_as_deletes")
  );
}

function appliedDiff({ tables }: RustBindings): string {
  const fields = tables.map((table) => `    ${table.method}: __sdk::TableAppliedDiff<'r, ${rowOf(table, "")}>,\n`);
  const invoked = tables.map(
    (table) =>
      `        callbacks.invoke_table_row_callbacks::<${rowOf(table, "")}>(${rustText(table.name)}, &self.${table.method}, event);\n`,
  );
  return `/// What a message changed in the client's tables.
#[derive(Default)]
#[doc(hidden)]
pub struct AppliedDiff<'r> {
${fields.join("")}    __unused: ::core::marker::PhantomData<&'r ()>,
}

impl<'r> __sdk::InModule for AppliedDiff<'r> {
    type Module = RemoteModule;
}

impl<'r> __sdk::AppliedDiff<'r> for AppliedDiff<'r> {
    fn invoke_row_callbacks(&self, event: &EventContext, callbacks: &mut __sdk::DbCallbacks<RemoteModule>) {
${invoked.join("")}    }
}
`;
}
