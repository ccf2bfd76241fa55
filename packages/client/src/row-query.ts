/**
 * A question about one table, built of typed parts: which rows, in which order, how many, after which.
 *
 *   db.tables.card.where({ board }).orderBy("position").limit(20)
 *
 * The database finds the rows as far as its dialect goes: `where` and `after`. It has no order and no limit for whole rows yet
 * (docs/sql.md), nor literals for some types: these are the cache's, which holds all that the database gave.
 */
import { LightconeError } from "@lightcone/base";
import {
  ConnectionId,
  Identity,
  isBytes,
  specialKind,
  toHex,
  Timestamp,
  Uuid,
  type AlgebraicType,
} from "@lightcone/sats";
import { listed } from "./catalog.ts";
import { compare, scalarOf, type Scalar } from "./compare.ts";
import { checkListener } from "./listeners.ts";
import type { BagTable, RowBag } from "./row-bag.ts";
import type { TableSchema } from "./schema.ts";
import { decodeValue, encodeValue, isObject, shown } from "./value-codec.ts";

type Row = Readonly<Record<string, unknown>>;

/** In SQL, and how a column's value may stand to the one that is given: below, the same, above. */
const operators = {
  eq: { sql: "=", takes: [0] },
  ne: { sql: "<>", takes: [-1, 1] },
  lt: { sql: "<", takes: [-1] },
  lte: { sql: "<=", takes: [-1, 0] },
  gt: { sql: ">", takes: [1] },
  gte: { sql: ">=", takes: [0, 1] },
} as const;
type Operator = keyof typeof operators;

/** What a column must be: any of the values, compared in that way. */
interface Term {
  readonly column: string;
  readonly operator: Operator;
  readonly values: readonly unknown[];
}

interface Order {
  readonly column: string;
  readonly isDown: boolean;
}

/** What a question is made of. */
interface Parts {
  readonly terms: readonly Term[];
  readonly order: readonly Order[];
  readonly rowsMax: number;
  /** The row that the page before ended with. */
  readonly last: Row | undefined;
}

/** The table that is asked. */
export interface QueryTable {
  readonly accessor: string;
  readonly bag: RowBag | undefined;
  onChange(run: () => void): () => void;
}

const noRows: readonly object[] = [];

export class RowQuery {
  readonly accessor: string;
  readonly #table: QueryTable;
  readonly #parts: Parts;
  #rows = noRows;
  /** The table's rows that `#rows` were found among. */
  #foundIn: unknown;
  /** The table, as it was when this was held against it. */
  #checkedBy: BagTable | undefined;
  /** The terms, with values as rows hold them: a column of 32-bit floats has no 0.1. */
  #terms: readonly Term[];

  constructor(table: QueryTable, parts: Parts = { terms: [], order: [], rowsMax: Infinity, last: undefined }) {
    this.accessor = table.accessor;
    this.#table = table;
    this.#parts = parts;
    this.#terms = parts.terms;
  }

  /** What it asks, as a text: questions of one key are the same. */
  get key(): string {
    const text = (_name: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);
    return `${this.accessor} ${JSON.stringify(this.#parts, text)}`;
  }

  where(wanted: object): RowQuery {
    if (!isObject(wanted)) throw new TypeError(`where takes one object, { column: value }, not ${shown(wanted)}`);
    const terms = Object.entries(wanted).flatMap(([column, value]) => termsOf(column, value));
    return this.#with({ terms: [...this.#parts.terms, ...terms] });
  }
  orderBy(column: string, direction: "asc" | "desc" = "asc"): RowQuery {
    if (direction !== "asc" && direction !== "desc")
      throw new TypeError(`orderBy takes "asc" or "desc", not ${shown(direction)}`);
    return this.#with({ order: [...this.#parts.order, { column, isDown: direction === "desc" }] });
  }
  limit(count: number): RowQuery {
    if (!Number.isInteger(count) || count < 0) throw new TypeError(`limit takes a number of rows, not ${shown(count)}`);
    return this.#with({ rowsMax: count });
  }
  after(last: Row | undefined): RowQuery {
    return this.#with({ last });
  }
  #with(parts: Partial<Parts>): RowQuery {
    return new RowQuery(this.#table, { ...this.#parts, ...parts });
  }

  rows(): readonly object[] {
    const { bag } = this.#table;
    if (bag === undefined) return noRows;
    this.check(bag.table);
    if (this.#foundIn === bag.version) return this.#rows;
    this.#foundIn = bag.version;
    const found = this.pick(this.#candidates(bag), bag.table.key?.name);
    if (found.length !== this.#rows.length || found.some((row, index) => row !== this.#rows[index])) this.#rows = found;
    return this.#rows;
  }

  /**
   * Holds it against the table's columns and their types: the same before the database is asked and before the cache is.
   *
   * @throws {LightconeError} `SubscriptionRefused`
   */
  check(table: BagTable): void {
    if (this.#checkedBy === table) return;
    const { accessor, columns, key } = table;
    const { terms, last } = this.#parts;
    const order = this.#order(key?.name).map(({ column }) => ({
      column,
      values: last === undefined ? [] : [last[column]],
    }));
    const held: (readonly unknown[])[] = [];
    for (const { column, values } of [...terms, ...order]) {
      const codec = columns.find(({ name }) => name === column)?.codec;
      try {
        if (codec === undefined)
          throw new TypeError(`there is no such column${listed(columns.map(({ name }) => name))}`);
        held.push(values.map((value) => decodeValue(codec, encodeValue(codec, value), column)));
      } catch (cause) {
        if (!(cause instanceof TypeError)) throw cause;
        throw new LightconeError(
          "SubscriptionRefused",
          { message: `${accessor}.${column}: ${cause.message}` },
          { cause },
        );
      }
    }
    this.#terms = terms.map((term, index) => ({ ...term, values: held[index] ?? [] }));
    this.#checkedBy = table;
  }

  /** Rows that may be asked for, by an index of the cache; all of them when none helps. */
  #candidates(bag: RowBag): Iterable<object> {
    const { order, rowsMax } = this.#parts;
    const terms = this.#terms;
    const equal = terms.find(({ operator }) => operator === "eq");
    if (equal !== undefined) {
      const values = new Set(equal.values.map(scalarOf));
      return [...values].flatMap((value) => [...bag.between(equal.column, value, value)]);
    }
    const [first] = order;
    if (first !== undefined && rowsMax < Infinity) return this.#window(bag, first);
    const ranged = terms.find(({ operator }) => operator !== "ne");
    if (ranged === undefined) return bag.rows();
    return bag.between(ranged.column, this.#bound(ranged.column, "g"), this.#bound(ranged.column, "l"));
  }
  #bound(column: string, letter: "g" | "l"): Scalar {
    return scalarOf(this.#terms.find((term) => term.column === column && term.operator[0] === letter)?.values[0]);
  }
  /** As many rows as are asked for, in the order of the first column; and those that are equal to the last in it. */
  *#window(bag: RowBag, { column, isDown }: Order): Generator<object> {
    const { last, rowsMax } = this.#parts;
    const from = last === undefined ? undefined : scalarOf(last[column]);
    const low = (isDown ? undefined : from) ?? this.#bound(column, "g");
    const high = (isDown ? from : undefined) ?? this.#bound(column, "l");
    const isWanted = this.#isWanted(bag.table.key?.name);
    let [count, edge]: [number, unknown] = [0, undefined];
    // Rows are objects by their type.
    for (const row of bag.between(column, low, high, isDown) as Iterable<Row>) {
      if (count >= rowsMax && compare(row[column], edge) !== 0) return;
      if (!isWanted(row)) continue;
      count += 1;
      edge = row[column];
      yield row;
    }
  }
  get size(): number {
    return this.rows().length;
  }
  /** Runs when the rows that are asked for, or their order, have become others. */
  onChange(run: () => void): () => void {
    checkListener(run);
    let before = this.rows();
    return this.#table.onChange(() => {
      const now = this.rows();
      if (now === before) return;
      before = now;
      run();
    });
  }

  /** Those of some rows that are asked for, in their order. @param key the table's primary key, which settles what is equal */
  pick(rows: Iterable<object>, key: string | undefined): readonly object[] {
    const { rowsMax } = this.#parts;
    const order = this.#order(key);
    // Rows are objects by their type.
    const found = [...(rows as Iterable<Row>)].filter(this.#isWanted(key));
    if (order.length > 0) found.sort((one, other) => compareRows(order, one, other));
    return found.length > rowsMax ? found.slice(0, rowsMax) : found;
  }

  #isWanted(key: string | undefined): (row: Row) => boolean {
    const { last } = this.#parts;
    const terms = this.#terms;
    const order = this.#order(key);
    return (row) => terms.every((term) => fits(term, row)) && (last === undefined || compareRows(order, last, row) < 0);
  }

  #order(key: string | undefined): readonly Order[] {
    const { order, rowsMax, last } = this.#parts;
    const isOrdered = order.length > 0 || rowsMax < Infinity || last !== undefined;
    if (key === undefined || !isOrdered || order.some(({ column }) => column === key)) return order;
    return [...order, { column: key, isDown: false }];
  }

  /** As the database is asked. */
  textOf({ name, row, key }: TableSchema): string {
    const { terms, last } = this.#parts;
    const typeOf = (column: string): AlgebraicType | undefined =>
      row.elements.find((element) => element.name === column)?.type;
    const comparison = (column: string, operator: Operator, value: unknown): string | undefined => {
      const text = literal(typeOf(column), value);
      return text === undefined ? undefined : `${quoted(column)} ${operators[operator].sql} ${text}`;
    };
    const conditions = terms.map(({ column, operator, values }) => {
      const all = values.map((value) => comparison(column, operator, value));
      return all.length === 0 ? "false" : all.includes(undefined) ? undefined : joined(all, "OR");
    });
    const order = last === undefined ? [] : this.#order(key?.name);
    if (last !== undefined)
      conditions.push(
        order.reduceRight<string | undefined>((rest, { column, isDown }, index) => {
          const past = comparison(column, isDown ? "lt" : "gt", last[column]);
          if (index === order.length - 1) return past;
          const same = comparison(column, "eq", last[column]);
          return past === undefined
            ? undefined
            : rest === undefined
              ? joined([past, same], "OR")
              : joined([past, joined([same, rest], "AND")], "OR");
        }, undefined),
      );
    const asked = conditions.filter((condition) => condition !== undefined);
    return `SELECT * FROM ${quoted(name)}${asked.length === 0 ? "" : ` WHERE ${asked.join(" AND ")}`}`;
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const joined = (all: readonly unknown[], word: string): string =>
  all.length === 1 ? String(all[0]) : `(${all.join(` ${word} `)})`;

/** `5`, `{ gte: 5, lt: 9 }`, `{ in: [5, 6] }`. */
function termsOf(column: string, wanted: unknown): Term[] {
  const kind: unknown = isObject(wanted) ? Object.getPrototypeOf(wanted) : undefined;
  if (!isObject(wanted) || (kind !== Object.prototype && kind !== null)) return [termOf(column, "eq", [wanted])];
  return Object.entries(wanted).map(([name, value]): Term => {
    if (name === "in" && Array.isArray(value)) return termOf(column, "eq", value);
    if (!Object.hasOwn(operators, name))
      throw new TypeError(
        `where: \`${column}\` may be a value, or { ${Object.keys(operators).join(", ")}, in }, not { ${name} }`,
      );
    return termOf(column, name as Operator, [value]);
  });
}

/** A value that happens to be missing must not ask for every row. */
function termOf(column: string, operator: Operator, values: readonly unknown[]): Term {
  for (const value of values)
    if (value === undefined || value === null)
      throw new TypeError(`where: \`${column}\` is ${value}; leave it out to ask for any`);
  return { column, operator, values };
}

function fits({ column, operator, values }: Term, row: Row): boolean {
  const actual = row[column];
  const takes: readonly number[] = operators[operator].takes;
  return actual !== undefined && values.some((value) => takes.includes(compare(actual, value)));
}

function compareRows(order: readonly Order[], one: Row, other: Row): number {
  for (const { column, isDown } of order) {
    const way = compare(one[column], other[column]);
    if (way !== 0) return isDown ? -way : way;
  }
  return 0;
}

/** A value as SQL has it for a column of that type; undefined where it has no literal. */
function literal(type: AlgebraicType | undefined, value: unknown): string | undefined {
  // Of a column that there is not, the database says so.
  if (type?.kind === "Sum" || (type?.kind === "Array" && !isBytes(type))) return undefined;
  if (type?.kind === "Product" && specialKind(type) === undefined) return undefined;
  switch (typeof value) {
    case "string":
      return `'${value.replaceAll("'", "''")}'`;
    case "number":
      return Number.isFinite(value) ? String(value) : undefined;
    case "bigint":
    case "boolean":
      return String(value);
    default:
      if (value instanceof Uint8Array) return `0x${toHex(value)}`;
      if (value instanceof Timestamp || value instanceof Uuid) return `'${value.toString()}'`;
      return value instanceof Identity || value instanceof ConnectionId ? `0x${value.toHexString()}` : undefined;
  }
}
