/**
 * A template `SELECT r.* FROM r JOIN s`: bags, so a row of R counts once per matching row of S.
 *
 * With S₀ the old state of S, primes for new states and Δ for signed changes (subscriptions.md §6):
 *
 *   Δ(R ⋈ S) = ΔR ⋈ S₀ + R′ ⋈ ΔS        S₀ = S′ − ΔS⁺ + ΔS⁻
 *            = ΔR ⋈ S′ + R′ ⋈ ΔS − ΔR ⋈ ΔS⁺ + ΔR ⋈ ΔS⁻
 *
 * Each changed row probes the other table as it is now; where both tables changed, the changes are also
 * joined with each other. Then equal inserts and deletes of a query cancel. A self join is the same table in
 * both roles. Event tables have no rows after a commit, so an event row meets S′ alone and is never taken back.
 *
 * Pairs find their queries by the equality parameters of whichever side tells more queries apart.
 */
import { defined, type RowRef } from "@lightcone/base";
import type { Commit, TableDelta } from "@lightcone/engine";
import type { SelectPlan } from "@lightcone/sql";
import { addTo, removeFrom, type LiveQuery } from "./live-query.ts";
import type { LiveContext, LiveTemplate } from "./live-template.ts";
import { columnTypes, compilePairFilter, type PairFilter, type RowFilter } from "../code/predicate-code.ts";
import type { Prepared } from "../plan/prepared.ts";
import { edgesOf, IndexProbe, indexFor, joinHash, SideProbe, type Probe } from "./probe.ts";
import { cancel } from "../code/ref-list.ts";
import { Router } from "./router.ts";
import type { HashRow, SideIndex } from "./side-index.ts";
import type { SideIndexes } from "./side-indexes.ts";

/** One of the two tables, in its role. */
interface Side<S> {
  readonly position: 0 | 1;
  readonly filter: RowFilter | undefined;
  /** Narrows queries by a row of this side. */
  readonly router: Router<S> | undefined;
  /** From a row of the other side to the rows of this one. */
  readonly probe: Probe;
  readonly hashRow: HashRow;
}

export class LiveJoin<S> implements LiveTemplate<S> {
  readonly plan: SelectPlan;
  readonly queries: LiveQuery<S>[] = [];
  private readonly context: LiveContext<S>;
  private readonly sideIndexes: SideIndexes;
  private readonly pair: PairFilter;
  private readonly sides: readonly [Side<S>, Side<S>];
  private readonly ownSideIndexes: SideIndex[] = [];
  /** Queries whose conditions on the changed row hold: filled and read within one row's turn. */
  private readonly candidates: LiveQuery<S>[] = [];
  private readonly touched = new Set<LiveQuery<S>>();

  constructor(context: LiveContext<S>, prepared: Prepared, sideIndexes: SideIndexes) {
    this.context = context;
    this.plan = prepared.plan;
    this.sideIndexes = sideIndexes;
    this.pair = compilePairFilter(prepared.plan, prepared.layout);
    const hashes = [joinHash(this.plan, 0, context.seed), joinHash(this.plan, 1, context.seed)] as const;
    this.sides = [this.makeSide(prepared, 0, hashes), this.makeSide(prepared, 1, hashes)];
  }

  private makeSide(prepared: Prepared, position: 0 | 1, hashes: readonly [HashRow, HashRow]): Side<S> {
    const { plan } = prepared;
    const { store, seed } = this.context;
    const source = defined(prepared.sources[position], "the source");
    const other = position === 0 ? 1 : 0;
    const table = defined(store.table(defined(plan.sources[position], "the source").table.id), "the table");
    const found = indexFor(table, edgesOf(plan, position));
    const probe =
      found === undefined
        ? new SideProbe(this.sideIndex(position, hashes[position]), hashes[other])
        : new IndexProbe(found.index, found.edges, columnTypes(plan, other));
    const router = Router.over<S>(columnTypes(plan, position), source.equal, seed);
    return { position, filter: source.filter, router, probe, hashRow: hashes[position] };
  }

  private sideIndex(position: 0 | 1, hashRow: HashRow): SideIndex {
    const index = this.sideIndexes.acquire(this.plan, position, hashRow);
    this.ownSideIndexes.push(index);
    return index;
  }

  add(query: LiveQuery<S>): void {
    addTo(this.queries, query);
    for (const side of this.sides) side.router?.add(query);
  }

  remove(query: LiveQuery<S>): void {
    removeFrom(this.queries, query);
    for (const side of this.sides) side.router?.remove(query);
  }

  close(): void {
    for (const index of this.ownSideIndexes) this.sideIndexes.release(index);
    this.queries.length = 0;
  }

  advance({ deltas }: Commit): void {
    const [r, s] = this.plan.sources;
    const deltaR = deltas.find(({ table }) => table.id === r?.table.id);
    const deltaS = deltas.find(({ table }) => table.id === s?.table.id);
    const isEvent = r?.table.def.isEvent === true;
    if (deltaR !== undefined) this.changedSide(deltaR, 0);
    if (deltaS !== undefined && !isEvent) this.changedSide(deltaS, 1);
    if (deltaR !== undefined && deltaS !== undefined && !isEvent) this.changedBoth(deltaR, deltaS);
    for (const query of this.touched) this.settle(query);
    this.touched.clear();
  }

  private settle(query: LiveQuery<S>): void {
    const { inserts, deletes } = query.own;
    if (inserts !== undefined && deletes !== undefined) cancel(inserts, deletes);
    if ((inserts?.count ?? 0) + (deletes?.count ?? 0) > 0) this.context.touch(query);
    else query.settle(this.context.pool);
  }

  // --- one table's changes against the other's rows

  private changedSide(delta: TableDelta, position: 0 | 1): void {
    const { deletes, inserts } = delta;
    this.context.counters.rowCount += deletes.count + inserts.count;
    for (let i = 0; i < deletes.count; i += 1) this.changedRow(deletes.refs[i] as RowRef, position, false); // below `count`
    for (let i = 0; i < inserts.count; i += 1) this.changedRow(inserts.refs[i] as RowRef, position, true); // below `count`
  }

  private changedRow(ref: RowRef, position: 0 | 1, isInsert: boolean): void {
    const { store } = this.context;
    const own = this.sides[position];
    const other = this.sides[position === 0 ? 1 : 0];
    store.locate(ref);
    const { view, at } = store.place;
    const isOtherTelling =
      other.router !== undefined && (own.router === undefined || own.router.bucketCount < other.router.bucketCount);
    if (!isOtherTelling) {
      this.narrow(own.router === undefined ? this.queries : own.router.find(view, at), own.filter, view, at);
      if (this.candidates.length === 0) return;
    }
    other.probe.seek(view, at);
    for (let match = other.probe.next(); match !== -1; match = other.probe.next()) {
      this.context.counters.matchCount += 1;
      store.locate(match);
      const otherView = store.place.view;
      const otherAt = store.place.at;
      if (isOtherTelling) {
        this.narrow(other.router?.find(otherView, otherAt), own.filter, view, at);
        if (this.candidates.length === 0) continue;
      }
      if (position === 0) this.pairRows(ref, view, at, otherView, otherAt, isInsert);
      else this.pairRows(match, otherView, otherAt, view, at, isInsert);
    }
  }

  /** Fills `candidates` with those of `queries` whose filter on one side's row holds. */
  private narrow(
    queries: readonly LiveQuery<S>[] | undefined,
    filter: RowFilter | undefined,
    view: DataView,
    at: number,
  ): void {
    const { candidates } = this;
    candidates.length = 0;
    if (queries === undefined) return;
    this.context.counters.candidateCount += queries.length;
    for (let i = 0; i < queries.length; i += 1) {
      const query = queries[i] as LiveQuery<S>; // below the length
      if (filter === undefined || filter(view, at, query.numbers, query.views)) candidates.push(query);
    }
  }

  /** Gives or takes the row of R once for each candidate whose conditions on the pair all hold. */
  private pairRows(r: RowRef, viewR: DataView, atR: number, viewS: DataView, atS: number, isInsert: boolean): void {
    const { candidates, pair } = this;
    const { pool } = this.context;
    const filterR = this.sides[0].filter;
    const filterS = this.sides[1].filter;
    for (let i = 0; i < candidates.length; i += 1) {
      const query = candidates[i] as LiveQuery<S>; // below the length
      const { numbers, views } = query;
      if (!pair(viewR, atR, viewS, atS, numbers, views)) continue;
      if (filterR !== undefined && !filterR(viewR, atR, numbers, views)) continue;
      if (filterS !== undefined && !filterS(viewS, atS, numbers, views)) continue;
      this.touched.add(query);
      if (isInsert) query.addInsert(r, pool);
      else query.addDelete(r, pool);
    }
  }

  // --- both tables' changes against each other: − ΔR ⋈ ΔS⁺ + ΔR ⋈ ΔS⁻

  private changedBoth(deltaR: TableDelta, deltaS: TableDelta): void {
    const changesOfS = new Map<number, { readonly ref: RowRef; readonly isInsert: boolean }[]>();
    for (const { refs, isInsert } of signed(deltaS)) {
      for (const ref of refs) {
        this.context.store.locate(ref as RowRef); // from a delta
        const { view, at } = this.context.store.place;
        const hash = this.sides[1].hashRow(view, at);
        const bucket = changesOfS.get(hash);
        if (bucket === undefined) changesOfS.set(hash, [{ ref: ref as RowRef, isInsert }]); // from a delta
        else bucket.push({ ref: ref as RowRef, isInsert }); // from a delta
      }
    }
    for (const { refs, isInsert } of signed(deltaR)) {
      for (const ref of refs) this.changedPairs(ref as RowRef, isInsert, changesOfS); // from a delta
    }
  }

  private changedPairs(
    r: RowRef,
    isInsert: boolean,
    changesOfS: ReadonlyMap<number, readonly { readonly ref: RowRef; readonly isInsert: boolean }[]>,
  ): void {
    const { store } = this.context;
    const [own, other] = this.sides;
    store.locate(r);
    const { view, at } = store.place;
    for (const change of changesOfS.get(own.hashRow(view, at)) ?? []) {
      store.locate(change.ref);
      const otherView = store.place.view;
      const otherAt = store.place.at;
      const queries =
        own.router?.find(view, at) ?? (own.router === undefined ? other.router?.find(otherView, otherAt) : undefined);
      const isRouted = own.router !== undefined || other.router !== undefined;
      this.narrow(isRouted ? queries : this.queries, own.filter, view, at);
      this.pairRows(r, view, at, otherView, otherAt, isInsert !== change.isInsert);
    }
  }
}

function signed({
  deletes,
  inserts,
}: TableDelta): readonly { readonly refs: Uint32Array; readonly isInsert: boolean }[] {
  return [
    { refs: deletes.refs.subarray(0, deletes.count), isInsert: false },
    { refs: inserts.refs.subarray(0, inserts.count), isInsert: true },
  ];
}
