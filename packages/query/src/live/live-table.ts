/**
 * A template over one table: the delta of the result is the table's delta, filtered.
 *
 * A changed row is looked up by the template's equality parameters, so its cost does not grow with the
 * number of queries. Nothing is allocated here on a steady load.
 */
import type { RowRef } from "@lightcone/base";
import type { Commit, RowRefs } from "@lightcone/engine";
import type { SelectPlan } from "@lightcone/sql";
import { addTo, removeFrom, type LiveQuery } from "./live-query.ts";
import type { LiveContext, LiveTemplate } from "./live-template.ts";
import { columnTypes, type RowFilter } from "../code/predicate-code.ts";
import type { Prepared } from "../plan/prepared.ts";
import { Router } from "./router.ts";

export class LiveTable<S> implements LiveTemplate<S> {
  readonly plan: SelectPlan;
  readonly queries: LiveQuery<S>[] = [];
  private readonly context: LiveContext<S>;
  private readonly filter: RowFilter | undefined;
  private readonly router: Router<S> | undefined;

  constructor(context: LiveContext<S>, { plan, sources }: Prepared) {
    this.context = context;
    this.plan = plan;
    this.filter = sources[0]?.filter;
    this.router = Router.over(columnTypes(plan, 0), sources[0]?.equal ?? new Map(), context.seed);
  }

  add(query: LiveQuery<S>): void {
    addTo(this.queries, query);
    this.router?.add(query);
  }

  remove(query: LiveQuery<S>): void {
    removeFrom(this.queries, query);
    this.router?.remove(query);
  }

  close(): void {
    this.queries.length = 0;
  }

  advance({ deltas }: Commit): void {
    const id = this.plan.sources[0]?.table.id;
    for (const { table, deletes, inserts } of deltas) {
      if (table.id !== id) continue;
      if (this.filter === undefined) this.shareAll(deletes, inserts);
      else {
        this.feed(deletes, false, this.filter);
        this.feed(inserts, true, this.filter);
      }
    }
  }

  /** Without a condition the result is the table, and its delta the table's own. */
  private shareAll(deletes: RowRefs, inserts: RowRefs): void {
    this.context.counters.rowCount += deletes.count + inserts.count;
    for (const query of this.queries) {
      query.share(deletes, inserts);
      this.context.touch(query);
    }
  }

  private feed({ refs, count }: RowRefs, isInsert: boolean, filter: RowFilter): void {
    const { context, router } = this;
    const { store, counters, pool } = context;
    counters.rowCount += count;
    for (let i = 0; i < count; i += 1) {
      const ref = refs[i] as RowRef; // below `count`
      store.locate(ref);
      const { view, at } = store.place;
      const candidates = router === undefined ? this.queries : router.find(view, at);
      if (candidates === undefined) continue;
      counters.candidateCount += candidates.length;
      for (let c = 0; c < candidates.length; c += 1) {
        const query = candidates[c] as LiveQuery<S>; // below the length
        if (!filter(view, at, query.numbers, query.views)) continue;
        context.touch(query);
        if (isInsert) query.addInsert(ref, pool);
        else query.addDelete(ref, pool);
      }
    }
  }
}
