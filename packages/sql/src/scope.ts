/** The names in scope of a statement, and what they mean. */
import type { AlgebraicType } from "@lightcone/sats";
import type { TableDef, TableSchema } from "@lightcone/schema";
import type { Catalog } from "./catalog.ts";
import type { NamedTable } from "./dialect.ts";
import type { ColumnRef, Source } from "./plan.ts";
import { sourceCountMax } from "./condition.ts";
import { refuse } from "./refuse.ts";

/** A column's position by accessor, else by canonical name; -1 if there is none. */
export function columnPosition(table: TableDef, name: string): number {
  const columns = namedColumns(table);
  const byAccessor = columns.findIndex((column) => column.accessor === name);
  return byAccessor >= 0 ? byAccessor : columns.findIndex((column) => column.name === name);
}

/** The columns that have names: all but the one that says whose rows they are. */
function namedColumns({ columns, rowType }: TableDef): TableDef["columns"] {
  return columns.slice(0, rowType.elements.length);
}

/** Names that a refusal lists at most. */
const listedMax = 20;

/** Which columns there are, for whoever named one that is not. */
export function columnsOf(table: TableDef): string {
  const columns = namedColumns(table);
  const names = columns.slice(0, listedMax).map(({ name }) => name);
  const rest = columns.length > listedMax ? ", …" : "";
  return names.length === 0 ? `\`${table.name}\` has no columns` : `\`${table.name}\` has ${names.join(", ")}${rest}`;
}

/** The table or view that `parts` name. */
function lookUp(catalog: Catalog, parts: readonly string[], at: number): TableSchema {
  const name = parts.join(".");
  return (
    catalog.table(name) ??
    catalog.view?.(name) ??
    refuse("no_table", `no such table: \`${name}\`. If the table exists, it may be marked private.`, at)
  );
}

export class Scope {
  readonly sources: Source[] = [];
  private readonly catalog: Catalog;

  constructor(catalog: Catalog) {
    this.catalog = catalog;
  }

  /** Brings a table into scope, under its alias or else its name as written. */
  add(ref: NamedTable): void {
    const table = lookUp(this.catalog, ref.parts, ref.at);
    const alias = ref.alias ?? ref.parts.join(".");
    if (this.sources.some((other) => other.alias === alias))
      refuse("duplicate_name", `Duplicate name \`${alias}\``, ref.at);
    if (this.sources.length === sourceCountMax)
      refuse("too_many_tables", `Invalid number of tables: over ${sourceCountMax}`, ref.at);
    this.sources.push({ table, alias });
  }

  /** The source that a qualifier names. */
  source(parts: readonly string[], at: number): number {
    const alias = parts.join(".");
    const source = this.sources.findIndex((other) => other.alias === alias);
    if (source >= 0) return source;
    const advice = `the statement is of ${this.sources.map((other) => other.alias).join(" and ")}`;
    return refuse("no_name", `\`${alias}\` is not in scope`, at, { advice });
  }

  /** The column that `parts` name: the last is the column, the rest the source. */
  column(parts: readonly string[], at: number): ColumnRef & { readonly type: AlgebraicType } {
    const name = parts[parts.length - 1] ?? "";
    const source = parts.length === 1 ? 0 : this.source(parts.slice(0, -1), at);
    const table = this.sources[source]?.table.def;
    const column = table === undefined ? -1 : columnPosition(table, name);
    const def = table?.columns[column];
    if (def === undefined) {
      const columns = table === undefined ? "there is no table" : columnsOf(table);
      const text = parts.length > 1 ? "" : `; a text stands in single quotes, '${name.replaceAll("'", "''")}'`;
      return refuse("no_name", `\`${name}\` is not in scope`, at, { advice: columns + text });
    }
    return { source, column, type: def.type };
  }
}
