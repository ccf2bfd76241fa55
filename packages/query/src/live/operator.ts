/** The contract of live operators: a turn in, what it changes of the result out. */
import type { Delta } from "./delta.ts";
import type { Turn } from "./turn.ts";

/** A row of a template's parameter relation: a query and its values, in the forms that generated conditions read. */
export interface ParameterRow {
  /** Among the template's queries; changes only between turns. */
  readonly position: number;
  /** Of each parameter, BSATN. */
  readonly values: readonly Uint8Array[];
  readonly numbers: Float64Array;
  readonly views: readonly DataView[];
}

export interface Operator {
  /** References in a tuple of its result. */
  readonly width: number;
  /** Whether a turn's tuples may cancel or come several times: who minds must add their weights up. */
  readonly isConsolidated: boolean;
  /** Bytes of what it keeps from turn to turn; arrangements, which are shared, not counted. */
  readonly stateBytes: number;
  /** A query enters the parameter relation. */
  add(query: ParameterRow): void;
  /** A query leaves it: whatever is kept for it goes. */
  drop(query: ParameterRow): void;
  /**
   * Adds to `out` what the turn changes of the result, for every query. Once a turn, whatever of its relations changed;
   * all of them show the new state.
   */
  advance(turn: Turn, out: Delta): void;
  /** Lets go of what it holds. */
  close(): void;
}
