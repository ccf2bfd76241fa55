/** The file of a table or a view: its handle, its callbacks, its unique columns, and what the cache is told of it. */
import type { RustBindings, RustTable } from "./rust-bindings.ts";
import { rustFile } from "./rust-file.ts";
import { pascalName, rustText } from "./rust-names.ts";
import { isFilterKey, isHashable, type RustTypes } from "./rust-types.ts";

/** The field of a table's primary key, where the crate can pair updates by it. */
export function keyOf({ module }: RustBindings, table: RustTable): RustTable["columns"][number] | undefined {
  const column = table.primaryKey === undefined || table.isEvent ? undefined : table.columns[table.primaryKey];
  return column !== undefined && isHashable(module, column.type) ? column : undefined;
}

/** The columns of which no two rows have the same value. */
function uniqueColumns({ module }: RustBindings, table: RustTable): RustTable["columns"] {
  if (table.isEvent) return [];
  const positions = new Set([
    ...(table.primaryKey === undefined ? [] : [table.primaryKey]),
    ...(table.table?.constraints ?? []).flatMap(({ columns }) => (columns.length === 1 ? columns : [])),
  ]);
  return table.columns.filter(({ type }, at) => positions.has(at) && isFilterKey(module, type));
}

export function tableFile(bindings: RustBindings, types: RustTypes, table: RustTable): string {
  const { sdk } = bindings;
  const { stem, method } = table;
  const row = rowOf(table);
  const name = rustText(table.name);
  const handle = `${stem}TableHandle`;
  const hasKey = keyOf(bindings, table) !== undefined;
  const raw = sdk === 1 ? "__ws::TableUpdate<__ws::BsatnFormat>" : "__ws::v2::TableUpdate";
  const uniques = uniqueColumns(bindings, table).map((column) => ({
    field: column.identifier,
    type: types.write(column.type, { root: "super::", within: table.row.ref }),
    struct: `${stem}${pascalName(column.def.accessor)}Unique`,
    key: rustText(column.name),
  }));
  return rustFile(`/// The ${table.table === undefined ? "view" : "table"} \`${table.name}\`, as the client has it.
pub struct ${handle}<'ctx> {
    imp: __sdk::TableHandle<${row}>,
    ctx: ::core::marker::PhantomData<&'ctx super::RemoteTables>,
}

/// Gives the ${table.table === undefined ? "view" : "table"} \`${table.name}\`, once it is in scope.
pub trait ${stem}TableAccess {
    fn ${method}(&self) -> ${handle}<'_>;
}

impl ${stem}TableAccess for super::RemoteTables {
    fn ${method}(&self) -> ${handle}<'_> {
        ${handle} {
            imp: self.imp.get_table::<${row}>(${name}),
            ctx: ::core::marker::PhantomData,
        }
    }
}
${sdk === 2 ? accessor(table) : ""}${callbackIds(table, hasKey)}${traits(bindings, table, hasKey)}${uniques
    .map((each) => uniqueParts(handle, row, each))
    .join("")}
pub(super) fn register_table(client_cache: &mut __sdk::ClientCache<super::RemoteModule>) {
    let _table = client_cache.get_or_make_table::<${row}>(${name});
${uniques.map(({ key, type, field }) => `    _table.add_unique_constraint::<${type}>(${key}, |row| &row.${field});\n`).join("")}}

pub(super) fn parse_table_update(raw_updates: ${raw}) -> __sdk::Result<__sdk::TableUpdate<${row}>> {
    __sdk::TableUpdate::parse_table_update(raw_updates).map_err(|e| {
        __sdk::InternalError::failed_parse(${rustText(`TableUpdate<${table.row.name}>`)}, "TableUpdate").with_cause(e).into()
    })
}

/// Gives a query over the ${table.table === undefined ? "view" : "table"} \`${table.name}\`, once it is in scope.
pub trait ${table.query.trait} {
    fn ${table.query.method}(&self) -> __sdk::__query_builder::Table<${row}>;
}

impl ${table.query.trait} for __sdk::QueryTableAccessor {
    fn ${table.query.method}(&self) -> __sdk::__query_builder::Table<${row}> {
        __sdk::__query_builder::Table::new(${name})
    }
}
`);
}

export const rowOf = ({ row }: RustTable, root = "super::"): string => `${root}${row.file}::${row.name}`;

function accessor(table: RustTable): string {
  const { stem, method } = table;
  return `
/// Stands for the ${table.table === undefined ? "view" : "table"} \`${table.name}\` in code that works with any.
pub struct ${stem}TableAccessor;

impl __sdk::TableAccessor<super::RemoteTables> for ${stem}TableAccessor {
    type Row = ${rowOf(table)};
    type Handle<'db> = ${stem}TableHandle<'db>;

    fn get<'db>(db: &'db super::RemoteTables) -> Self::Handle<'db> {
        ${stem}TableAccess::${method}(db)
    }
}
`;
}

function callbackIds({ stem, isEvent }: RustTable, hasKey: boolean): string {
  const kinds = ["Insert", ...(isEvent ? [] : ["Delete"]), ...(hasKey ? ["Update"] : [])];
  return kinds.map((kind) => `\npub struct ${stem}${kind}CallbackId(__sdk::CallbackId);\n`).join("");
}

/** The crate's traits that a table's handle has. */
function traits({ sdk }: RustBindings, table: RustTable, hasKey: boolean): string {
  const { stem, isEvent } = table;
  const rows = [
    `    type Row = ${rowOf(table)};\n    type EventContext = super::EventContext;\n`,
    `    fn count(&self) -> u64 {\n        self.imp.count()\n    }\n`,
    `    fn iter(&self) -> impl Iterator<Item = Self::Row> + '_ {\n        self.imp.iter()\n    }\n`,
  ];
  const [types = "", ...reads] = rows;
  const on = (kind: "Insert" | "Delete" | "Update"): { readonly type: string; readonly methods: readonly string[] } => {
    const event = kind.toLowerCase();
    const seen = kind === "Update" ? "&Self::Row, &Self::Row" : "&Self::Row";
    return {
      type: `    type ${kind}CallbackId = ${stem}${kind}CallbackId;\n`,
      methods: [
        `    fn on_${event}(&self, callback: impl FnMut(&super::EventContext, ${seen}) + Send + 'static) -> ${stem}${kind}CallbackId {\n` +
          `        ${stem}${kind}CallbackId(self.imp.on_${event}(callback))\n    }\n`,
        `    fn remove_on_${event}(&self, callback: ${stem}${kind}CallbackId) {\n        self.imp.remove_on_${event}(callback.0)\n    }\n`,
      ],
    };
  };
  const implementation = (name: string, head: string, methods: readonly string[]): string =>
    `\nimpl<'ctx> __sdk::${name} for ${stem}TableHandle<'ctx> {\n${[head, ...methods].filter((part) => part !== "").join("\n")}}\n`;
  const insert = on("Insert");
  const remove = on("Delete");
  const update = on("Update");
  const parts = isEvent
    ? [implementation("EventTable", types + insert.type, [...reads, ...insert.methods])]
    : [
        implementation("Table", types + insert.type + remove.type, [...reads, ...insert.methods, ...remove.methods]),
        ...(hasKey ? [implementation("TableWithPrimaryKey", update.type, update.methods)] : []),
      ];
  if (sdk === 2) {
    parts.push(implementation("TableLike", types, reads), implementation("WithInsert", insert.type, insert.methods));
    if (!isEvent) parts.push(implementation("WithDelete", remove.type, remove.methods));
    if (hasKey) parts.push(implementation("WithUpdate", update.type, update.methods));
  }
  return parts.join("");
}

interface Unique {
  readonly field: string;
  readonly type: string;
  readonly struct: string;
  readonly key: string;
}

function uniqueParts(handle: string, row: string, { field, type, struct, key }: Unique): string {
  return `
/// Finds rows by \`${field}\`, which no two of them share.
pub struct ${struct}<'ctx> {
    imp: __sdk::UniqueConstraintHandle<${row}, ${type}>,
    phantom: ::core::marker::PhantomData<&'ctx super::RemoteTables>,
}

impl<'ctx> ${handle}<'ctx> {
    /// Finds rows by \`${field}\`.
    pub fn ${field}(&self) -> ${struct}<'ctx> {
        ${struct} {
            imp: self.imp.get_unique_constraint::<${type}>(${key}),
            phantom: ::core::marker::PhantomData,
        }
    }
}

impl<'ctx> ${struct}<'ctx> {
    /// The row with this value, if the client has it.
    pub fn find(&self, value: &${type}) -> ::core::option::Option<${row}> {
        self.imp.find(value)
    }
}
`;
}
