/** What a type is beside itself when it is the row of a table: its columns, for queries. */
import type { RustBindings, RustType } from "./rust-bindings.ts";
import { rustIdentifier, rustText } from "./rust-names.ts";
import type { RustTypes } from "./rust-types.ts";

const builder = "__sdk::__query_builder";

export function rowParts(bindings: RustBindings, types: RustTypes, row: RustType): string {
  const tables = bindings.tables.filter((each) => each.row === row);
  const [first] = tables;
  if (first === undefined) return "";
  const { sdk } = bindings;
  // The older line writes columns as the schema does.
  const columns = first.columns.map((column) => ({
    field: sdk === 1 ? rustIdentifier(column.name) : column.identifier,
    literal: rustText(column.name),
    type: types.write(column.type, { root: "super::", within: row.ref }),
  }));
  const indexed = new Set(
    tables.flatMap(({ table }) => table?.indexes ?? []).flatMap(({ columns: over }) => (over.length === 1 ? over : [])),
  );
  const parts = [
    columnsOf(row.name, { of: "Cols", method: "cols", column: "Col" }, columns),
    ...(tables.some(({ table }) => table !== undefined)
      ? [
          columnsOf(
            row.name,
            { of: "IxCols", method: "ix_cols", column: "IxCol" },
            columns.filter((_, at) => indexed.has(at)),
          ),
        ]
      : []),
    ...(sdk === 2 && tables.some(({ table, isEvent }) => table !== undefined && !isEvent)
      ? [`impl ${builder}::CanBeLookupTable for ${row.name} {}\n`]
      : []),
  ];
  return parts.map((part) => `\n${part}`).join("");
}

interface Kind {
  readonly of: "Cols" | "IxCols";
  readonly method: string;
  readonly column: "Col" | "IxCol";
}
interface Column {
  readonly field: string;
  readonly literal: string;
  readonly type: string;
}

function columnsOf(row: string, { of, method, column }: Kind, columns: readonly Column[]): string {
  const fields = columns.map(({ field, type }) => `    pub ${field}: ${builder}::${column}<${row}, ${type}>,\n`);
  const made = columns.map(
    ({ field, literal }) => `            ${field}: ${builder}::${column}::new(table_name, ${literal}),\n`,
  );
  return `/// Columns of \`${row}\`${of === "Cols" ? "" : " with an index"}, for queries.
pub struct ${row}${of} {
${fields.join("")}}

impl ${builder}::Has${of} for ${row} {
    type ${of} = ${row}${of};
    fn ${method}(table_name: &'static str) -> Self::${of} {
        ${row}${of} {
${made.join("")}        }
    }
}
`;
}
