/** One live query: a template with values for its parameters, and who wants its rows. */
import type { RefList, RowRefs } from "@lightcone/engine";
import { makeArgs } from "../code/args.ts";
import type { Prepared } from "../plan/prepared.ts";
import type { RefListPool } from "../code/ref-list.ts";

const none: RowRefs = { refs: new Uint32Array(0), count: 0 };

/** `S` is whatever the caller knows a subscriber by. */
export class LiveQuery<S> {
  /** For evaluating it afresh. */
  prepared: Prepared;
  /** Of each parameter, BSATN. */
  readonly values: readonly Uint8Array[];
  readonly numbers: Float64Array;
  readonly views: readonly DataView[];
  /** Each as often as it subscribed and did not unsubscribe. */
  readonly subscribers = new Map<S, number>();

  /** The rows that the last commit took from the result and gave it, each as often as its count changed. */
  deletes: RowRefs = none;
  inserts: RowRefs = none;
  /** The lists behind them while they are this query's own. */
  private ownDeletes: RefList | undefined;
  private ownInserts: RefList | undefined;
  isTouched = false;
  /** In its template's list. */
  position = 0;

  constructor(prepared: Prepared, values: readonly Uint8Array[]) {
    const args = makeArgs(prepared.layout, values);
    this.prepared = prepared;
    this.values = values;
    this.numbers = args.numbers;
    this.views = args.views;
  }

  addInsert(ref: number, pool: RefListPool): void {
    const list = (this.ownInserts ??= pool.take());
    this.inserts = list;
    list.push(ref);
  }

  addDelete(ref: number, pool: RefListPool): void {
    const list = (this.ownDeletes ??= pool.take());
    this.deletes = list;
    list.push(ref);
  }

  /** Takes a table's own delta as this query's. */
  share(deletes: RowRefs, inserts: RowRefs): void {
    this.deletes = deletes;
    this.inserts = inserts;
  }

  get own(): { readonly deletes: RefList | undefined; readonly inserts: RefList | undefined } {
    return { deletes: this.ownDeletes, inserts: this.ownInserts };
  }

  /** Forgets the last commit. */
  settle(pool: RefListPool): void {
    if (this.ownDeletes !== undefined) pool.give(this.ownDeletes);
    if (this.ownInserts !== undefined) pool.give(this.ownInserts);
    this.ownDeletes = undefined;
    this.ownInserts = undefined;
    this.deletes = none;
    this.inserts = none;
    this.isTouched = false;
  }
}

/** Adds to a list that is in no order. */
export function addTo<S>(queries: LiveQuery<S>[], query: LiveQuery<S>): void {
  query.position = queries.length;
  queries.push(query);
}

/** Takes out of a list that is in no order: the last one takes its place. */
export function removeFrom<S>(queries: LiveQuery<S>[], query: LiveQuery<S>): void {
  const last = queries.pop();
  if (last === undefined || last === query) return;
  queries[query.position] = last;
  last.position = query.position;
}
