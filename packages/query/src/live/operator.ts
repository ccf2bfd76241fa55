/** The contract of live operators: a turn goes in, the delta of the operator's result comes out. */
import type { Delta } from "./delta.ts";
import type { Turn } from "./turn.ts";

/** A row of a template's parameter relation: a query with its values, in the forms that generated code reads. */
export interface ParameterRow {
  /** The query's position in its template. It changes between turns only. */
  readonly position: number;
  /** Each parameter's value, BSATN. */
  readonly values: readonly Uint8Array[];
  readonly numbers: Float64Array;
  readonly views: readonly DataView[];
}

export interface Operator {
  /** How many references a tuple of the result has. */
  readonly width: number;
  /**
   * Whether a tuple occurs once at most for a query in a turn, and tuples are in one order for all queries. If not, weights
   * of equal tuples must be added up, and equal changes looked for.
   */
  readonly isConsolidated: boolean;
  /** Bytes of the state that it keeps between turns, without the shared arrangements. */
  readonly stateBytes: number;
  /** A query enters the parameter relation. */
  add(query: ParameterRow): void;
  /** A query leaves the parameter relation; its state is dropped. */
  drop(query: ParameterRow): void;
  /**
   * Adds to `out` the change of every query's result. Called once in a turn that changes any of its relations, when all
   * of them show the new state.
   */
  advance(turn: Turn, out: Delta): void;
  /** Releases what it uses. */
  close(): void;
}
