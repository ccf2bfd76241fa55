/**
 * Queries as values: what a view may return instead of rows, so that the database finds them and keeps them up to date.
 *
 * `ctx.from.note.where((row) => row.pinned.and(row.text.ne("")))` is a text of SQL and no more; names in it are those of the code.
 */
import type { Submodule, Tables, TablesWithin } from "./handles.ts";
import { isTable, type Table } from "./table.ts";
import type { Fields, FieldsValue, ValueOf } from "./type-builder.ts";
import { ConnectionId, Identity, Timestamp, Uuid } from "./values.ts";

/** What a column is compared with: a value that has a text in SQL. */
export type QueryValue = string | number | bigint | boolean | Identity | ConnectionId | Uuid | Timestamp;

/** A condition: of `where`, or of `and`, `or` and `not`. */
export class Condition {
  readonly sql: string;

  constructor(sql: string) {
    this.sql = sql;
  }
  and(other: Term): Condition {
    return and(this, other);
  }
  or(other: Term): Condition {
    return or(this, other);
  }
  not(): Condition {
    return not(this);
  }
}

/** A condition, a column of `bool`, or a boolean. */
export type Term = Condition | QueryColumn<boolean> | boolean;

/** A column within a query. */
export class QueryColumn<V> {
  readonly sql: string;

  constructor(table: string, column: string) {
    this.sql = `${quoted(table)}.${quoted(column)}`;
  }
  eq(value: V | QueryColumn<V> | Literal<V>): Condition {
    return this.compare("=", value);
  }
  ne(value: V | QueryColumn<V> | Literal<V>): Condition {
    return this.compare("<>", value);
  }
  lt(value: V | QueryColumn<V> | Literal<V>): Condition {
    return this.compare("<", value);
  }
  lte(value: V | QueryColumn<V> | Literal<V>): Condition {
    return this.compare("<=", value);
  }
  gt(value: V | QueryColumn<V> | Literal<V>): Condition {
    return this.compare(">", value);
  }
  gte(value: V | QueryColumn<V> | Literal<V>): Condition {
    return this.compare(">=", value);
  }
  private compare(operator: string, value: unknown): Condition {
    return new Condition(`${this.sql} ${operator} ${textOf(value)}`);
  }
}

/** A value as SQL has it. */
export class Literal<V> {
  readonly sql: string;
  declare private readonly value: V;

  constructor(sql: string) {
    this.sql = sql;
  }
}

/** The columns of a table, as `where` and joins are given them. */
export type QueryRow<F extends Fields> = { readonly [K in keyof F]: QueryColumn<ValueOf<F[K]>> };

export declare const rowOf: unique symbol;

/** A query that finds rows of one table. */
export class Query<F extends Fields = Fields> {
  declare readonly [rowOf]: FieldsValue<F>;
  private readonly table: QuerySource;
  private readonly joined: string | undefined;
  private readonly terms: readonly Condition[];

  constructor(table: QuerySource, joined?: string, terms: readonly Condition[] = []) {
    this.table = table;
    this.joined = joined;
    this.terms = terms;
  }

  /** Those of its rows for which something holds, besides what was said before. */
  where(holds: (row: QueryRow<F>) => Term): Query<F> {
    const condition = conditionOf(holds(this.table.row as QueryRow<F>)); // the table's own columns
    return new Query(this.table, this.joined, [...this.terms, condition]);
  }
  /** Those of its rows that have a counterpart in another table. Both columns need an index. */
  leftSemijoin<G extends Fields>(other: Query<G>, on: (left: QueryRow<F>, right: QueryRow<G>) => Condition): Query<F> {
    return new Query(this.table, this.joinedWith(other, on), [...this.terms, ...other.terms]);
  }
  /** Those rows of another table that have a counterpart among these. Both columns need an index. */
  rightSemijoin<G extends Fields>(other: Query<G>, on: (left: QueryRow<F>, right: QueryRow<G>) => Condition): Query<G> {
    return new Query(other.table, this.joinedWith(other, on), [...this.terms, ...other.terms]);
  }
  /** The same query: it needs no end. */
  build(): Query<F> {
    return this;
  }
  toSql(): string {
    const name = quoted(this.table.name);
    const from = this.joined === undefined ? `* FROM ${name}` : `${name}.* FROM ${this.joined}`;
    const [first, ...more] = this.terms;
    if (first === undefined) return `SELECT ${from}`;
    return `SELECT ${from} WHERE ${more.reduce((all, term) => and(all, term), first).sql}`;
  }

  private joinedWith<G extends Fields>(
    other: Query<G>,
    on: (left: QueryRow<F>, right: QueryRow<G>) => Condition,
  ): string {
    if (this.joined !== undefined || other.joined !== undefined)
      throw new TypeError("a query joins two tables: one that is joined already cannot be joined again");
    if (this.table.name === other.table.name) throw new TypeError("a query cannot join a table with itself");
    // Each is the row of its own table.
    const { sql } = on(this.table.row as QueryRow<F>, other.table.row as QueryRow<G>);
    return `${quoted(this.table.name)} JOIN ${quoted(other.table.name)} ON ${sql}`;
  }
}

interface QuerySource {
  readonly name: string;
  readonly row: Readonly<Record<string, QueryColumn<unknown>>>;
}

/** Every table, to begin a query with. */
export type From<S extends Tables> = {
  readonly [K in keyof S]: S[K] extends Submodule
    ? From<TablesWithin<S[K]>>
    : S[K] extends Table<infer F>
      ? Query<F>
      : never;
};

/** What queries of a schema's tables begin with. @param within the submodule that the schema is of; empty for none */
export function queriesOf<S extends Tables>(tables: S, within = ""): From<S> {
  const made = Object.entries(tables).map(([key, each]) => {
    const name = within === "" ? key : `${within}.${key}`;
    if (!isTable(each)) return [key, queriesOf(each.default.tables, name)] as const;
    return [key, queryOf(name, Object.keys(each.rowType.fields))] as const;
  });
  const what = within === "" ? "the module" : `\`${within}\``;
  return named(Object.fromEntries(made), what, "table") as From<S>; // a query for each table, under its key
}

/** All rows of a table or of a view, by the names of its columns. */
export function queryOf(name: string, columns: readonly string[]): Query {
  const made = columns.map((column) => [column, new QueryColumn(name, column)] as const);
  return new Query({ name, row: named(Object.fromEntries(made), `\`${name}\``, "column") });
}

/** Answers a name that is not there with those that are: plain JavaScript has no compiler that would. */
function named<T extends object>(made: T, what: string, kind: string): T {
  return new Proxy(made, {
    get(target, name) {
      if (typeof name === "symbol" || Reflect.has(target, name) || probed.has(name)) return Reflect.get(target, name);
      throw new TypeError(`${what} has no ${kind} \`${name}\`: there are ${Object.keys(target).join(", ") || "none"}`);
    },
  });
}
/** What the language and loggers look for on any object. */
const probed: ReadonlySet<string> = new Set(["then", "toJSON"]);

export function isQuery(value: unknown): value is Query {
  return value instanceof Query;
}

/** A query, or a condition, as text. */
export function toSql(query: { toSql(): string } | { readonly sql: string }): string {
  return "toSql" in query ? query.toSql() : query.sql;
}

/** A condition that holds where each of these does. */
export function and(...terms: readonly Term[]): Condition {
  return joined("AND", terms);
}
/** A condition that holds where one of these does. */
export function or(...terms: readonly Term[]): Condition {
  return joined("OR", terms);
}
/** A condition that holds where this one does not. */
export function not(term: Term): Condition {
  return new Condition(`NOT (${conditionOf(term).sql})`);
}
/** A value, to be compared with. */
export function literal<V extends QueryValue>(value: V): Literal<V> {
  return new Literal(textOf(value));
}

function joined(operator: string, terms: readonly Term[]): Condition {
  const [first, ...more] = terms.map((term) => conditionOf(term));
  if (first === undefined) throw new TypeError("and, or take one condition at least");
  if (more.length === 0) return first;
  return new Condition([first, ...more].map(({ sql }) => `(${sql})`).join(` ${operator} `));
}

function conditionOf(term: Term): Condition {
  if (term instanceof Condition) return term;
  if (term instanceof QueryColumn) return new Condition(`${term.sql} = TRUE`);
  if (typeof term === "boolean") return new Condition(term ? "TRUE" : "FALSE");
  throw new TypeError('a condition is made of columns: (row) => row.text.eq("hello")');
}

function textOf(value: unknown): string {
  if (value instanceof QueryColumn || value instanceof Literal) return value.sql;
  switch (typeof value) {
    case "string":
      return `'${value.replaceAll("'", "''")}'`;
    case "boolean":
      return value ? "TRUE" : "FALSE";
    case "bigint":
      return String(value);
    case "number":
      if (Number.isFinite(value)) return String(value);
      break;
    default:
      if (value instanceof Identity || value instanceof ConnectionId) return `0x${value.toHexString()}`;
      if (value instanceof Uuid) return `0x${value.toString().replaceAll("-", "")}`;
      if (value instanceof Timestamp) return `'${value.toISOString()}'`;
  }
  throw new TypeError(
    "a query compares texts, numbers, booleans, identities, connection ids, UUIDs and timestamps, and no other values",
  );
}

/** A name within quotes; a dot parts the names of a table within a module. */
function quoted(name: string): string {
  return name
    .split(".")
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join(".");
}
