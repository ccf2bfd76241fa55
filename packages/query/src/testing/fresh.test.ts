// Goal: the oracle itself says what SQL says, for every kind of node.
// Method: one small state; each node's tuples written out by hand.
import { asIndexId, asTableId } from "@lightcone/base";
import { t } from "@lightcone/sats";
import type { ColumnRef, JoinNode, Node, Predicate, Qualification, SourceNode } from "@lightcone/sql";
import { expect, test } from "vitest";
import { tableDef } from "./fixture.ts";
import { fresh } from "./fresh.ts";
import type { Row, Value } from "./values.ts";

const source = (name: string, filter: Predicate = { kind: "constant", value: true }): SourceNode => ({
  kind: "source",
  table: {
    id: asTableId(name === "r" ? 1 : 2),
    def: tableDef({ name, columns: { k: t.u32, x: t.u32 } }),
    indexIds: [asIndexId(1)],
  },
  filter,
});
const column = (of: number, position: number): ColumnRef => ({ source: of, column: position });
const equals = (left: ColumnRef, param: number): Predicate => ({
  kind: "compare",
  op: "=",
  left: { kind: "column", ...left },
  right: { kind: "param", param },
  type: t.u32,
});

const tables = new Map<string, readonly Row[]>([
  ["r", [[1, 10], [2, 20], [2, 21]]], // prettier-ignore
  ["s", [[2, 5], [2, 6], [3, 7]]], // prettier-ignore
]);
const values: readonly Value[] = [2, 10];
const r = source("r");
const s = source("s");
const join: JoinNode = {
  kind: "join",
  inputs: [r, s],
  edges: [{ left: column(0, 0), right: column(1, 0), type: t.u32 }],
  residual: { kind: "constant", value: true },
};
const someOfS: Qualification = { kind: "exists", inner: { ...join, inputs: [{ ...r, kind: "outer" }, s] } };
const rowsOfR: Node = { kind: "project", input: join, projection: { kind: "rows", source: 0 } };

test.each<{ readonly why: string; readonly node: Node; readonly tuples: readonly (readonly Row[])[] }>([
  { why: "a filter", node: source("r", equals(column(0, 0), 0)), tuples: [[[2, 20]], [[2, 21]]] },
  {
    why: "a disjunction",
    node: source("r", { kind: "or", terms: [equals(column(0, 1), 1), equals(column(0, 0), 0)] }),
    tuples: [[[1, 10]], [[2, 20]], [[2, 21]]],
  },
  {
    why: "conditions compared with each other",
    node: source("r", {
      kind: "truth",
      op: "<",
      left: equals(column(0, 0), 0),
      right: { kind: "constant", value: true },
    }),
    tuples: [[[1, 10]]],
  },
  {
    why: "a join has one row of each input, for every pair",
    node: join,
    tuples: [
      [[2, 20], [2, 5]],
      [[2, 20], [2, 6]],
      [[2, 21], [2, 5]],
      [[2, 21], [2, 6]],
    ], // prettier-ignore
  },
  { why: "rows of a join keep their counts", node: rowsOfR, tuples: [[[2, 20]], [[2, 20]], [[2, 21]], [[2, 21]]] },
  { why: "DISTINCT", node: { kind: "distinct", input: rowsOfR }, tuples: [[[2, 20]], [[2, 21]]] },
  {
    why: "columns of a join, repeated or not",
    node: {
      kind: "project",
      input: join,
      projection: { kind: "columns", columns: [column(1, 1), column(0, 0), column(1, 1)] },
    },
    tuples: [[[5, 2, 5]], [[6, 2, 6]], [[5, 2, 5]], [[6, 2, 6]]],
  },
  {
    why: "UNION ALL adds",
    node: { kind: "union", inputs: [r, source("r", equals(column(0, 1), 1))] },
    tuples: [[[1, 10]], [[2, 20]], [[2, 21]], [[1, 10]]],
  },
  {
    why: "EXISTS does not multiply",
    node: {
      kind: "qualify",
      input: r,
      condition: someOfS,
    },
    tuples: [[[2, 20]], [[2, 21]]],
  },
  {
    why: "NOT EXISTS, or a condition",
    node: {
      kind: "qualify",
      input: r,
      condition: {
        kind: "or",
        terms: [
          { kind: "holds", predicate: { ...equals(column(0, 1), 1), op: ">" } as Predicate },
          {
            kind: "and",
            terms: [
              {
                kind: "not",
                term: someOfS,
              },
            ],
          },
        ],
      },
    },
    tuples: [[[1, 10]], [[2, 20]], [[2, 21]]],
  },
  {
    why: "groups",
    node: {
      kind: "group",
      input: r,
      keys: [column(0, 0)],
      aggregates: [
        { kind: "count" },
        { kind: "sum", of: column(0, 1) },
        { kind: "min", of: column(0, 1) },
        { kind: "max", of: column(0, 1) },
        { kind: "count-distinct", of: column(0, 0) },
      ],
    },
    tuples: [[[1, 1n, 10n, 10, 10, 1n]], [[2, 2n, 41n, 20, 21, 1n]]],
  },
  {
    why: "the one group without keys is there without rows",
    node: {
      kind: "group",
      input: source("r", { kind: "constant", value: false }),
      keys: [],
      aggregates: [{ kind: "count" }, { kind: "sum", of: column(0, 1) }, { kind: "min", of: column(0, 1) }],
    },
    tuples: [[[0n, 0n, undefined]]],
  },
  {
    why: "the first ones, ties by all columns",
    node: {
      kind: "top",
      input: r,
      order: [{ column: column(0, 0), isDescending: true }],
      offset: 1n,
      limit: 2n,
    },
    tuples: [[[2, 21]], [[1, 10]]],
  },
])("$why", ({ node, tuples }) => {
  expect(fresh(node, { tables, values })).toEqual(tuples);
});
