/** A template whose condition never holds: it has no rows, so no change concerns it. */
import type { SelectPlan } from "@lightcone/sql";
import { addTo, removeFrom, type LiveQuery } from "./live-query.ts";
import type { LiveTemplate } from "./live-template.ts";

export class LiveNothing<S> implements LiveTemplate<S> {
  readonly plan: SelectPlan;
  readonly queries: LiveQuery<S>[] = [];

  constructor(plan: SelectPlan) {
    this.plan = plan;
  }

  add(query: LiveQuery<S>): void {
    addTo(this.queries, query);
  }

  remove(query: LiveQuery<S>): void {
    removeFrom(this.queries, query);
  }

  advance(): void {
    // Nothing changes.
  }

  close(): void {
    this.queries.length = 0;
  }
}
