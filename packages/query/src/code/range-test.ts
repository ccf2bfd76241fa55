/** Tests of whether a row's column lies within bounds, in the order of indexes: for whoever keeps many ranges of one column. */
import type { ScanBound } from "@lightcone/engine";
import type { AlgebraicType } from "@lightcone/sats";
import type { CompareOp, Predicate } from "@lightcone/sql";
import { layOutArgs, makeArgs, type ArgLayout } from "./args.ts";
import { compileRowFilter, type RowFilter } from "./predicate-code.ts";

/** Whether the row at `at` is in the range. */
export type RangeTest = (view: DataView, at: number) => boolean;

interface Compiled {
  readonly filter: RowFilter | undefined;
  readonly layout: ArgLayout;
}

const all: RangeTest = () => true;

export class RangeTests {
  private readonly types: readonly AlgebraicType[];
  private readonly column: number;
  /** By the comparisons with the bounds that there are. */
  private readonly compiled = new Map<string, Compiled>();

  /** @param types of the row's columns */
  constructor(types: readonly AlgebraicType[], column: number) {
    this.types = types;
    this.column = column;
  }

  /** A test that keeps copies of its bounds. */
  of(from: ScanBound, to: ScanBound): RangeTest {
    const ops: CompareOp[] = [];
    const values: Uint8Array[] = [];
    const bind = (bound: ScanBound, included: CompareOp, excluded: CompareOp): void => {
      if (bound.kind === "unbounded") return;
      ops.push(bound.kind === "included" ? included : excluded);
      values.push(bound.bytes.slice());
    };
    bind(from, ">=", ">");
    bind(to, "<=", "<");
    if (ops.length === 0) return all;
    const key = ops.join();
    let compiled = this.compiled.get(key);
    if (compiled === undefined) this.compiled.set(key, (compiled = this.compile(ops)));
    const { filter, layout } = compiled;
    if (filter === undefined) return all;
    const { numbers, views } = makeArgs(layout, values);
    return (view, at) => filter(view, at, numbers, views);
  }

  private compile(ops: readonly CompareOp[]): Compiled {
    const { column, types } = this;
    const type = types[column];
    if (type === undefined) throw new TypeError(`there is no column ${column}`);
    const layout = layOutArgs(ops.map(() => ({ type, from: { kind: "constant" as const, bytes: new Uint8Array(0) } })));
    const terms = ops.map((op, param): Predicate => {
      return {
        kind: "compare",
        op,
        left: { kind: "column", source: 0, column },
        right: { kind: "param", param },
        type,
      };
    });
    const [only] = terms;
    const predicate = terms.length === 1 && only !== undefined ? only : { kind: "and" as const, terms };
    return { filter: compileRowFilter([types], 0, predicate, layout), layout };
  }
}
