/** The columns of a table that changes: where each comes from, and how its values are converted. */
import {
  conversionOf,
  fixedSizeOf,
  typeText,
  isOption,
  typesEqual,
  type AlgebraicType,
  type FieldsConversion,
  type FieldSource,
} from "@lightcone/sats";
import { isSameList } from "./client-breaks.ts";
import { counterparts } from "./counterparts.ts";
import { rows, type AddedColumn, type Planning } from "./planning.ts";
import type { ColumnDef, TableDef } from "./module-def.ts";

export type ColumnMigration =
  | {
      readonly kind: "kept";
      readonly from: readonly number[];
      /** Undefined where the bytes of rows stay the same. */
      readonly conversion: FieldsConversion | undefined;
    }
  /** There are no rows that would have to be converted, and no way to do it. */
  | { readonly kind: "anew"; readonly from: readonly number[]; readonly conversion: undefined };

export function planColumns(was: TableDef, is: TableDef, rowCount: number, planning: Planning): ColumnMigration {
  const { steps } = planning;
  const found = counterparts(was.columns, is.columns);
  const from = is.columns.map((column) => {
    const old = found.get(column);
    return old === undefined ? -1 : was.columns.indexOf(old);
  });
  const added: AddedColumn[] = [];
  const fields: FieldSource[] = [];
  let isAnew = false;
  for (const [place, column] of is.columns.entries()) {
    const position = from[place] ?? -1;
    const old = was.columns[position];
    if (old === undefined) {
      const value = valueOf(column);
      added.push({ column, value });
      if (value !== undefined) fields.push({ kind: "value", value });
      else if (rowCount === 0) isAnew = true;
      else planning.refuse(`Adding a column ${column.name} to table ${is.name}`);
      continue;
    }
    if (old.name !== column.name)
      steps.push({ kind: "renameColumn", table: is.name, column: column.name, was: old.name });
    const of = conversionOf(old.type, column.type);
    if (!typesEqual(old.type, column.type)) steps.push({ kind: "changeColumn", table: is.name, was: old, column });
    if (of !== undefined) fields.push({ kind: "field", position, of });
    else if (rowCount === 0) isAnew = true;
    else planning.refuse(typeChange(old, column, is.name));
  }
  for (const [position, column] of was.columns.entries()) {
    if (from.includes(position)) continue;
    steps.push({ kind: "removeColumn", table: is.name, column: column.name, rowCount });
    if (rowCount > 0)
      planning.lose(
        `Removing a column ${column.name} from table ${is.name}`,
        `column ${column.name} of table ${is.name}, with the values of ${rows(rowCount)}`,
      );
  }
  const kept = from.filter((position) => position >= 0);
  if (
    !isSameList(
      kept,
      kept.toSorted((a, b) => a - b),
    )
  )
    steps.push({ kind: "reorderColumns", table: is.name, columns: is.columns.map(({ name }) => name) });
  if (added.length > 0) steps.push({ kind: "addColumns", table: is.name, columns: added });
  if (isAnew) return { kind: "anew", from, conversion: undefined };
  return { kind: "kept", from, conversion: haveSameBytes(was, is, fields) ? undefined : { kind: "fields", fields } };
}

/** Whether rows may stay as they are: columns in their places, of types that differ in names or in variants to come. */
function haveSameBytes(was: TableDef, is: TableDef, fields: readonly FieldSource[]): boolean {
  return (
    was.columns.length === is.columns.length &&
    fixedSizeOf(was.rowType) === fixedSizeOf(is.rowType) &&
    fields.every((field, place) => field.kind === "field" && field.position === place && field.of.kind === "keep")
  );
}

/** What rows that are there get in a new column. */
function valueOf({ defaultValue, type }: ColumnDef): Uint8Array | undefined {
  return defaultValue ?? (isOption(type) ? Uint8Array.of(1) : undefined);
}

function typeChange(was: ColumnDef, is: ColumnDef, table: string): string {
  const renamed = typesEqual(withoutVariantNames(was.type), withoutVariantNames(is.type))
    ? ", with a renamed variant,"
    : "";
  return `Changing the type of column ${is.name} in table ${table} from ${typeText(was.type)} to ${typeText(is.type)}${renamed}`;
}

/** Equal for types that differ in the names of their variants alone. */
function withoutVariantNames(type: AlgebraicType): AlgebraicType {
  switch (type.kind) {
    case "Array":
      return { kind: "Array", element: withoutVariantNames(type.element) };
    case "Product":
      return {
        kind: "Product",
        elements: type.elements.map(({ name, type: inner }) => ({ name, type: withoutVariantNames(inner) })),
      };
    case "Sum":
      return {
        kind: "Sum",
        variants: type.variants.map(({ type: inner }) => ({ name: undefined, type: withoutVariantNames(inner) })),
      };
    default:
      return type;
  }
}
