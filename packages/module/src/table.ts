/** `table`: a table's options and columns, checked by the types as far as that is cheap. */
import { RowBuilder } from "./types.ts";
import type { RowType } from "./types.ts";
import type { TableMethods } from "./table-methods.ts";
import { isType } from "./type-builder.ts";
import type { AnyType, Fields, Modifier, ModifiersOf, Wrong } from "./type-builder.ts";
import type { IndexAlgorithm } from "./type-shape.ts";

interface NamedIndex {
  readonly accessor: string;
  /** A name for the index in the database, instead of the derived one. */
  readonly name?: string;
}

/** An index over one or more columns, `ctx.db.<table>.<accessor>`. */
export type IndexOptions<Column extends string = string> =
  | (NamedIndex & { readonly algorithm: IndexAlgorithm; readonly columns: readonly Column[] })
  | (NamedIndex & { readonly algorithm: "direct"; readonly column: Column });

/** That no two rows are equal in all of these columns. */
export interface ConstraintOptions<Column extends string = string> {
  readonly name?: string;
  readonly constraint: "unique";
  readonly columns: readonly Column[];
}

/**
 * What a table may say of itself: who may read it, its indexes, when its rows run something, what it was called
 * before.
 */
export interface TableOptions<Column extends string = string> {
  /** The table's name in the database. Without it: the schema's key in snake case. */
  readonly name?: string;
  /**
   * Whether every client may read its rows. Default: no; queries answer as if it did not exist. Its name and columns
   * are public either way: anybody can read the schema.
   */
  readonly public?: boolean;
  readonly indexes?: readonly IndexOptions<Column>[];
  readonly constraints?: readonly ConstraintOptions<Column>[];
  /**
   * The reducer that runs when a row's time comes, by its exported name: `"onTick"`. Such a table has a `u64` primary key
   * with `autoInc()` and a `scheduleAt` column. `onSchedule` in the reducer's own options does the same, and the compiler
   * follows it. A function that gives the export must declare its result, `(): unknown => onTick`; otherwise the
   * table's type would depend on the reducer's, which depends on the table's.
   */
  readonly scheduled?: string | (() => unknown);
  /** Rows are sent to subscribers and never stored. */
  readonly event?: boolean;
  /** What the table was called before: its rows are kept. */
  readonly was?: string;
}

/** A table as `table` describes it, for `schema` to name. */
export interface Table<F extends Fields = Fields, O extends TableOptions = TableOptions> {
  readonly options: O;
  /** The row as a type: a parameter of a scheduled reducer, for one. */
  readonly rowType: RowType<F>;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Whether a value was made with `table`. */
export function isTable(value: unknown): value is Table {
  return isObject(value) && "options" in value && "rowType" in value && isType(value.rowType);
}

/** Columns that can be keys: what an index of the options may be over. */
type KeyColumns<F extends Fields> = {
  [K in keyof F & string]: F[K] extends { readonly index: Wrong<string> } ? never : K;
}[keyof F & string];

/** Columns whose modifiers contradict each other get a text as their type, which says so. */
type CheckedFields<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends AnyType<unknown, infer M> ? CheckedColumn<K, M, F[K]> : F[K];
};
type CheckedColumn<K, M extends Modifier, Column> = "default" extends M
  ? Extract<M, "primaryKey" | "unique" | "autoInc"> extends never
    ? CheckedName<K, M, Column>
    : Wrong<"a column with a default cannot be a primary key, unique or autoInc: rows that exist would all get the same value">
  : CheckedName<K, M, Column>;
type CheckedName<K, M extends Modifier, Column> = K extends keyof TableMethods<Fields>
  ? Extract<M, "primaryKey" | "unique" | `index:${IndexAlgorithm}`> extends never
    ? Column
    : Wrong<"an indexed column cannot have the name of a method that every table has: insert, delete, count, iter, clear">
  : Column;

type PrimaryKeys<F extends Fields> = { [K in keyof F]: "primaryKey" extends ModifiersOf<F[K]> ? K : never }[keyof F];
type IsUnion<T, U = T> = T extends unknown ? ([U] extends [T] ? false : true) : never;
type CheckedTable<F extends Fields> =
  true extends IsUnion<PrimaryKeys<F>>
    ? Wrong<"a table has one primary key; make the other columns unique()">
    : unknown;

/**
 * Describes a table; `schema` gives it its name.
 *
 * @example
 * const user = table({ public: true }, { id: t.identity().primaryKey(), name: t.string().optional(), online: t.bool() });
 */
export function table<const F extends Fields, const O extends TableOptions<KeyColumns<F>>>(
  options: O,
  row: (F & CheckedFields<F> & CheckedTable<F>) | RowType<F>,
): Table<F, O> {
  if (!isObject(options) || !isObject(row) || Object.values(options).some(isType))
    throw new TypeError(
      "table takes its options first, and then its columns: table({ public: true }, { id: t.u64() })",
    );
  const rowType = isType(row) && "fields" in row ? row : new RowBuilder(undefined, row);
  // `RowBuilder` is what runs behind `RowType`.
  return { options, rowType: rowType as unknown as RowType<F> };
}
