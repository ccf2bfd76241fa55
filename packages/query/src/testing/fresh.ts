/**
 * The oracle: a node tree evaluated over plain values, by loops and nothing else.
 *
 * It shares no code with the operators, knows no index and no order of evaluation, and every comparison is its own. A
 * result is a list of tuples, each a list of rows.
 */
import { defined } from "@lightcone/base";
import type { Aggregate, ColumnRef, CompareOp, Node, Operand, Predicate, Qualification } from "@lightcone/sql";
import { compareRows, compareValues, operators, type Row, type Value } from "./values.ts";

/** One row of each input. */
export type Tuple = readonly Row[];

/** What the tables hold, and the values of the query's parameters. */
export interface State {
  readonly tables: ReadonlyMap<string, readonly Row[]>;
  readonly values: readonly Value[];
  /** The row that the condition around is asked about. */
  readonly outer?: Row;
}

/** The tuples of a node. A bag: in no order, unless the node is a `top`. */
export function fresh(node: Node, state: State): readonly Tuple[] {
  switch (node.kind) {
    case "source":
      return (state.tables.get(node.table.def.name) ?? [])
        .map((row): Tuple => [row])
        .filter((tuple) => holds(node.filter, tuple, state));
    case "outer":
      return [[defined(state.outer, "the row asked about")]].filter((tuple) => holds(node.filter, tuple, state));
    case "join":
      return product(node.inputs.map((input) => fresh(input, state))).filter(
        (tuple) =>
          node.edges.every(({ left, right }) => compareValues(at(left, tuple), at(right, tuple)) === 0) &&
          holds(node.residual, tuple, state),
      );
    case "qualify":
      return fresh(node.input, state).filter((tuple) => qualifies(node.condition, tuple, state));
    case "project": {
      const { projection } = node;
      return fresh(node.input, state).map((tuple) => [
        projection.kind === "rows" ? rowOf(tuple, projection.source) : projection.columns.map((ref) => at(ref, tuple)),
      ]);
    }
    case "distinct":
      return different(fresh(node.input, state));
    case "union":
      return node.inputs.flatMap((input) => fresh(input, state));
    case "group": {
      const input = fresh(node.input, state);
      const keyOf = (tuple: Tuple): Row => node.keys.map((key) => at(key, tuple));
      const keys =
        node.keys.length === 0 ? [[]] : different(input.map((tuple) => [keyOf(tuple)])).map(([key]) => key ?? []);
      return keys.map((key) => {
        const members = input.filter((tuple) => compareRows(keyOf(tuple), key) === 0);
        return [[...key, ...node.aggregates.map((aggregate) => aggregated(aggregate, members))]];
      });
    }
    case "top": {
      const from = Number(node.offset);
      return fresh(node.input, state)
        .toSorted((a, b) => {
          for (const { column, isDescending } of node.order) {
            const order = compareValues(at(column, a), at(column, b));
            if (order !== 0) return isDescending ? -order : order;
          }
          return compareTuples(a, b);
        })
        .slice(from, from + Number(node.limit));
    }
  }
}

function product(inputs: readonly (readonly Tuple[])[]): readonly Tuple[] {
  let tuples: readonly Tuple[] = [[]];
  for (const input of inputs) tuples = tuples.flatMap((tuple) => input.map((each) => [...tuple, ...each]));
  return tuples;
}

function different(tuples: readonly Tuple[]): readonly Tuple[] {
  return tuples.filter((tuple, i) => tuples.findIndex((other) => compareTuples(tuple, other) === 0) === i);
}

export function compareTuples(a: Tuple, b: Tuple): number {
  for (const [i, row] of a.entries()) {
    const order = compareRows(row, b[i] ?? []);
    if (order !== 0) return order;
  }
  return 0;
}

function rowOf(tuple: Tuple, source: number): Row {
  const row = tuple[source];
  if (row === undefined) throw new TypeError(`a tuple of ${tuple.length} rows has no row ${source}`);
  return row;
}

function at({ source, column }: ColumnRef, tuple: Tuple): Value {
  return rowOf(tuple, source)[column];
}

function valueOf(operand: Operand, tuple: Tuple, { values }: State): Value {
  return operand.kind === "column" ? at(operand, tuple) : values[operand.param];
}

function compared(op: CompareOp, a: Value, b: Value): boolean {
  return operators[op]?.(compareValues(a, b)) ?? false;
}

function holds(predicate: Predicate, tuple: Tuple, state: State): boolean {
  switch (predicate.kind) {
    case "constant":
      return predicate.value;
    case "and":
      return predicate.terms.every((term) => holds(term, tuple, state));
    case "or":
      return predicate.terms.some((term) => holds(term, tuple, state));
    case "compare":
      return compared(predicate.op, valueOf(predicate.left, tuple, state), valueOf(predicate.right, tuple, state));
    case "truth":
      return compared(predicate.op, holds(predicate.left, tuple, state), holds(predicate.right, tuple, state));
  }
}

function qualifies(condition: Qualification, tuple: Tuple, state: State): boolean {
  switch (condition.kind) {
    case "holds":
      return holds(condition.predicate, tuple, state);
    case "and":
      return condition.terms.every((term) => qualifies(term, tuple, state));
    case "or":
      return condition.terms.some((term) => qualifies(term, tuple, state));
    case "not":
      return !qualifies(condition.term, tuple, state);
    case "exists":
      return fresh(condition.inner, { ...state, outer: rowOf(tuple, 0) }).length > 0;
  }
}

function aggregated(aggregate: Aggregate, members: readonly Tuple[]): Value {
  if (aggregate.kind === "count") return BigInt(members.length);
  const values = members.map((tuple) => at(aggregate.of, tuple)).toSorted(compareValues);
  switch (aggregate.kind) {
    case "min":
      return values[0];
    case "max":
      return values.at(-1);
    case "count-distinct":
      return BigInt(values.filter((value, i) => i === 0 || compareValues(value, values[i - 1]) !== 0).length);
    case "sum": {
      let sum = 0n;
      for (const value of values) {
        if (typeof value !== "bigint" && !Number.isInteger(value)) throw new TypeError("only integers are summed");
        sum += BigInt(value as bigint | number); // looked at just now
      }
      return sum;
    }
  }
}
