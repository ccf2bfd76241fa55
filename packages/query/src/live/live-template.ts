/** What all queries of one template share, and the counters that tests and metrics read. */
import type { Commit, HashSeed, Store } from "@lightcone/engine";
import type { SelectPlan } from "@lightcone/sql";
import type { LiveQuery } from "./live-query.ts";
import type { RefListPool } from "../code/ref-list.ts";

/** Keeps the results of its queries' deltas up to date, one commit at a time. */
export interface LiveTemplate<S> {
  readonly plan: SelectPlan;
  readonly queries: readonly LiveQuery<S>[];
  add(query: LiveQuery<S>): void;
  remove(query: LiveQuery<S>): void;
  /** Puts what the commit changed into the queries concerned. */
  advance(commit: Commit): void;
  /** Lets go of what it keeps beside its queries. */
  close(): void;
}

/** How much work was done. Rises only. */
export interface LiveCounters {
  /** Templates that a commit concerned. */
  templateCount: number;
  /** Changed rows looked at, once per template. */
  rowCount: number;
  /** Times that a row was held against a query. */
  candidateCount: number;
  /** Rows of the other table that changed rows of a join led to. */
  matchCount: number;
}

/** What templates need of their surroundings. */
export interface LiveContext<S> {
  readonly store: Store;
  readonly seed: HashSeed;
  readonly pool: RefListPool;
  readonly counters: LiveCounters;
  /** Marks a query as changed by this commit. */
  touch(query: LiveQuery<S>): void;
}
