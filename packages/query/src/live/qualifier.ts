/** What a join asks of the rules that one of its sources is under. Queries see different rows of such a source. */
import type { RowRef } from "@lightcone/base";
import type { Delta } from "./delta.ts";
import type { ParameterRow } from "./operator.ts";
import type { Turn } from "./turn.ts";

/** The state after the turn's commit, or before it. */
export type StateName = "new" | "old";

export interface Qualifier {
  /** How well a row tells queries apart: about how many there are for each that sees it. */
  readonly tell: number;
  add(query: ParameterRow): void;
  drop(query: ParameterRow): void;
  /** Adds to `out`, by query, which rows are seen now and were not (1), and the other way round (-1); a pair once at most. */
  advance(turn: Turn, out: Delta): void;
  /** Whether a query sees a row of that state, whose bytes are at `at`. */
  isSeen(state: StateName, row: RowRef, view: DataView, at: number, query: ParameterRow): boolean;
  /** The queries that see a row of that state, each once. The list is good until the next call. */
  seers(state: StateName, row: RowRef): readonly ParameterRow[];
  close(): void;
}

/** One rule of a source: a join whose first source is the row that is asked about. */
export interface LiveRule {
  /** How well the tuples of a row tell queries apart. */
  readonly tell: number;
  add(query: ParameterRow): void;
  drop(query: ParameterRow): void;
  /** Adds to `out` which tuples a row has now and had not, and the other way round: its weights have the sign of the change. */
  advance(turn: Turn, out: Delta): void;
  probe(state: StateName): { finds(view: DataView, at: number, query: ParameterRow): boolean };
  /** Adds the tuples that contain one row, with the weight 1. */
  rowPath(state: StateName): { runRow(row: RowRef, out: Delta): void };
  close(): void;
}

/** A source under rules, read in one state. */
export interface SeenIn {
  readonly qualifier: Qualifier;
  readonly state: StateName;
}
