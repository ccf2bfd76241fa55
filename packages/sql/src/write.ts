/** Checks the names and types of INSERT, UPDATE, DELETE, SET and SHOW, and makes their plans. */
import { bytes as byteArray, t, type AlgebraicType } from "@lightcone/sats";
import type { TableSchema } from "@lightcone/schema";
import type { DeleteStatement, Expr, InsertStatement, SetStatement, ShowStatement, UpdateStatement } from "./ast.ts";
import type { Catalog } from "./catalog.ts";
import type { NamedTable } from "./dialect.ts";
import { comparedAdvice, storedAdvice } from "./literal-advice.ts";
import { literalBytes } from "./literal.ts";
import {
  variableNames,
  variableType,
  type Assignment,
  type DeletePlan,
  type InsertPlan,
  type SetPlan,
  type ShowPlan,
  type UpdatePlan,
  type VariableName,
} from "./plan.ts";
import { refuse } from "./refuse.ts";
import { columnPosition, columnsOf, Scope } from "./scope.ts";
import { planRows } from "./select.ts";
import { refuseLiteral, refuseType } from "./type-check.ts";

/** The table that a statement writes. A view is refused. */
function writable(
  catalog: Catalog,
  ref: NamedTable,
): { readonly table: TableSchema; readonly name: string; readonly scope: Scope } {
  const name = ref.parts.join(".");
  if (catalog.table(name) === undefined && catalog.view?.(name) !== undefined) {
    refuse("view_dml", `\`${name}\` is a view; DML on views is not supported`, ref.at);
  }
  const scope = new Scope(catalog);
  scope.add(ref);
  const source = scope.sources[0];
  return source === undefined ? refuse("no_table", name) : { table: source.table, name, scope };
}

/** The bytes of a literal to be stored. Stricter than in WHERE: a quoted text is for text columns only. */
function storedBytes(value: Expr, type: AlgebraicType): Uint8Array {
  if (value.kind !== "literal") return refuse("unsupported", "Unsupported literal expression");
  const { literal } = value;
  if (literal.kind === "string" && type.kind !== "String") refuseType(t.string, type, value.at, storedAdvice(type));
  if (literal.kind === "boolean") {
    if (type.kind !== "Bool") refuseType(t.bool, type, value.at, storedAdvice(type));
    return Uint8Array.of(literal.value ? 1 : 0);
  }
  return literalBytes(literal, type) ?? refuseLiteral(literal.text, type, value.at, storedAdvice(type));
}

/** Values go to the columns that the list names. */
export function planInsert(insert: InsertStatement, catalog: Catalog): InsertPlan {
  const { table, name } = writable(catalog, insert.table as NamedTable); // the parser makes no other
  const { columns } = table.def;
  const positions = insertPositions(insert, table, name);
  const rows = (insert.rows ?? []).map(({ values, at }) => {
    if (values.length !== columns.length) {
      const text = `Inserting a row with ${values.length} values into \`${name}\` which has ${columns.length} fields`;
      const advice = `a value for each of ${insert.columns.map((column) => column.name).join(", ")}`;
      refuse("insert_values", text, at, { advice });
    }
    return concat(columns.map((column, i) => storedBytes(values[positions.indexOf(i)] as Expr, column.type))); // all named
  });
  return { kind: "insert", table, rows };
}

/** The column that each name of an INSERT's list means: each of the table's, once. */
function insertPositions(insert: InsertStatement, { def }: TableSchema, table: string): readonly number[] {
  const positions: number[] = [];
  for (const { name, at } of insert.columns) {
    const position = columnPosition(def, name);
    if (position < 0)
      refuse("no_field", `\`${table}\` does not have a field \`${name}\``, at, { advice: columnsOf(def) });
    if (positions.includes(position)) refuse("duplicate_name", `Duplicate name \`${name}\``, at);
    positions.push(position);
  }
  const missing = def.columns.filter((_, i) => !positions.includes(i)).map((column) => column.name);
  if (missing.length === 0) return positions;
  const all = def.columns.map((column) => column.name).join(", ");
  const given = insert.rows?.[0]?.values.length ?? 0;
  const unnamed = `name the columns, INSERT INTO ${table} (${all}) VALUES (…): ${def.columns.length} values are expected, and ${given} are given`;
  return refuse(
    "insert_fields",
    `The number of fields (${positions.length}) in the INSERT does not match the number of columns (${def.columns.length}) of the table \`${table}\``,
    insert.table.kind === "table" ? insert.table.at : undefined,
    { advice: insert.columns.length === 0 ? unnamed : `every column needs a value; missing: ${missing.join(", ")}` },
  );
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function planUpdate(update: UpdateStatement, catalog: Catalog): UpdatePlan {
  const { table, name, scope } = writable(catalog, update.table as NamedTable); // `admit` refused the others
  const assignments: Assignment[] = [];
  for (const { target, value, at } of update.assignments) {
    const title = target.join(".");
    const column = target.length === 1 ? columnPosition(table.def, title) : -1;
    const def = table.def.columns[column];
    if (def === undefined) {
      const advice = columnsOf(table.def);
      return refuse("no_field", `\`${name}\` does not have a field \`${title}\``, at, { advice });
    }
    if (assignments.some((other) => other.column === column))
      refuse("duplicate_name", `Duplicate name \`${title}\``, at);
    assignments.push({ column, value: storedBytes(value, def.type) });
  }
  return { kind: "update", assignments, match: planRows(table, name, update.where, scope, {}) };
}

export function planDelete(statement: DeleteStatement, catalog: Catalog): DeletePlan {
  const { table, name, scope } = writable(catalog, statement.tables[0] as NamedTable); // `admit` refused the others
  return { kind: "delete", match: planRows(table, name, statement.where, scope, {}) };
}

function variable(name: string, at: number): VariableName {
  const known = variableNames.find((other) => other === name);
  return known ?? refuse("bad_var", `${name} is not a valid system variable`, at);
}

export function planSet({ name, value, at }: SetStatement): SetPlan {
  const known = variable(name, at);
  if (value.kind !== "literal") return refuse("unsupported", "Unsupported literal expression");
  const { literal } = value;
  const given: AlgebraicType | undefined =
    literal.kind === "string"
      ? t.string
      : literal.kind === "boolean"
        ? t.bool
        : literal.kind === "hex"
          ? byteArray
          : undefined;
  if (given !== undefined || literal.kind !== "number")
    return refuseType(t.u64, given ?? t.u64, value.at, comparedAdvice(t.u64));
  const bytes = literalBytes(literal, t.u64) ?? refuseLiteral(literal.text, t.u64, value.at);
  return { kind: "set", name: known, value: new DataView(bytes.buffer).getBigUint64(0, true) };
}

export function planShow({ name, at }: ShowStatement): ShowPlan {
  const columns = { kind: "Product", elements: [{ name: "value", type: variableType }] } as const;
  return { kind: "show", name: variable(name, at), columns };
}
