/**
 * A SELECT carried out in steps over a read view: the result at its offset, whatever is committed between steps.
 *
 *   each inner source: walk ─filter─▶ JoinTable        then the outer: walk ─filter─▶ candidates ─conditions─▶ emit
 *
 * A read view has no indexes, so every source is walked once, from end to end; results small enough for an index are
 * evaluated at once instead. Of a source that only decides how often the others' rows are repeated, through one
 * equality, the distinct keys are held with their counts; of any other source the rows are held.
 */
import { defined } from "@lightcone/base";
import type { ReadViewCursor, RowView, RowSource } from "@lightcone/engine";
import type { SelectPlan } from "@lightcone/sql";
import { makeArgs, type Args } from "../code/args.ts";
import { tableOf } from "./evaluate.ts";
import {
  applicable,
  HeldRows,
  none,
  noRow,
  isSeen,
  openCursor,
  openInners,
  openRules,
  type Inner,
  type SlicedRule,
  type SlicedSource,
} from "./held-rows.ts";
import { noArgs } from "../code/predicate-code.ts";
import type { Prepared, PreparedTerm } from "../plan/prepared.ts";
import { emitCount, limitOf, projected, type EmitBytes } from "./projection.ts";

export type { SlicedSource } from "./held-rows.ts";

export class SlicedSelect {
  private readonly prepared: Prepared;
  private readonly args: Args;
  private readonly emit: EmitBytes;
  private readonly emitRow: () => void;
  private readonly isCount: boolean;
  private readonly outer: number;
  private readonly outerCursor: ReadViewCursor;
  private readonly outerTerms: readonly PreparedTerm[];
  private readonly outerRules: readonly SlicedRule[] | undefined;
  private readonly inners: readonly Inner[];
  private readonly held: HeldRows;
  /** The present row of each source. */
  private readonly rows: RowView[];
  private readonly views: DataView[];
  private readonly ats: Float64Array;
  /** The inner source whose candidates are looked at; -1 for the outer source's rows. */
  private depth = none;
  /** Copies of the present row that are still to be emitted. */
  private owed = 0;
  private left: number;
  private total = 0;

  constructor(from: SlicedSource, prepared: Prepared, values: readonly Uint8Array[], emit: EmitBytes) {
    const { plan } = prepared;
    this.prepared = prepared;
    this.args = values.length === 0 ? noArgs : makeArgs(prepared.layout, values);
    this.emit = emit;
    this.isCount = plan.projection.kind === "count";
    this.left = this.isCount ? Infinity : limitOf(plan);
    this.emitRow = this.isCount
      ? () => undefined
      : projected(from.store, plan, (source) => this.rows[source] ?? noRow, emit);
    this.rows = plan.sources.map(() => ({ ...noRow }));
    this.views = plan.sources.map(() => noRow.view);
    this.ats = new Float64Array(plan.sources.length);
    this.outer = outerOf(from.store, plan);
    this.outerCursor = openCursor(from, plan, this.outer);
    const bound = new Set([this.outer]);
    this.outerTerms = applicable(prepared, this.outer, bound);
    this.held = new HeldRows(from, this.args);
    this.outerRules = openRules(this.held, prepared.sources[this.outer]?.rules);
    this.inners = openInners(this.held, prepared, bound, plan.projection);
  }

  /** Rows and keys held to join by. */
  get heldCount(): number {
    return this.held.rowCount;
  }

  /** Continues until about `visitMax` rows were visited or emitted. False when the result is complete. */
  step(visitMax: number): boolean {
    if (this.left === 0) return false;
    const visits = this.held.hold(visitMax);
    if (visits === 0) return true;
    if (this.inners.length === 0 ? this.walkAlone(visits) : this.walk(visits)) return true;
    if (this.isCount) emitCount(this.total, this.emit);
    return false;
  }

  /** Walks the only source. False when no row is left. */
  private walkAlone(visits: number): boolean {
    const { outer, outerCursor, outerTerms, isCount } = this;
    const { row } = outerCursor;
    const { numbers, views } = this.args;
    const filter = this.prepared.sources[outer]?.filter;
    this.rows[outer] = row;
    for (let left = visits; left > 0; left -= 1 + this.held.takeLooks()) {
      if (!outerCursor.next()) return false;
      if (filter !== undefined && !filter(row.view, row.at, numbers, views)) continue;
      if (!isSeen(this.outerRules, row)) continue;
      if (outerTerms.length > 0) {
        this.bind(outer, row);
        if (!this.fulfils(outerTerms)) continue;
      }
      if (isCount) this.total += 1;
      else {
        this.emitRow();
        this.left -= 1;
        if (this.left === 0) return false;
      }
    }
    return true;
  }

  /** The same with others joined to it. */
  private walk(visits: number): boolean {
    for (let left = visits; left > 0; left -= 1 + this.held.takeLooks()) {
      if (this.owed > 0) this.pay();
      else if (this.depth !== none) this.nextCandidate();
      else if (!this.outerCursor.next()) return false;
      else this.nextOuter();
      if (this.left === 0) return false;
    }
    if (this.owed > 0 || this.depth !== none) this.keepOuter();
    return true;
  }

  private nextOuter(): void {
    const { outer } = this;
    const { row } = this.outerCursor;
    const filter = this.prepared.sources[outer]?.filter;
    if (filter !== undefined && !filter(row.view, row.at, this.args.numbers, this.args.views)) return;
    if (!isSeen(this.outerRules, row)) return;
    this.bind(outer, row);
    if (this.fulfils(this.outerTerms)) this.enter(0);
  }

  private bind(source: number, row: RowView): void {
    this.rows[source] = row;
    this.views[source] = row.view;
    this.ats[source] = row.at;
  }

  /** Copies the outer row: the cursor's view is valid in this step only, and the next step needs the row. */
  private keepOuter(): void {
    const { bytes, at, length } = this.rows[this.outer] ?? noRow;
    const copy = bytes.slice(at, at + length);
    this.bind(this.outer, { bytes: copy, view: new DataView(copy.buffer), at: 0, length });
  }

  /** Tries the candidates of an inner source; after the last inner source, the result's row is complete. */
  private enter(depth: number): void {
    const inner = this.inners[depth];
    if (inner === undefined) {
      this.found();
      return;
    }
    const view = this.views[inner.from] ?? noRow.view;
    const at = this.ats[inner.from] ?? 0;
    const hash = inner.fromHash(view, at);
    inner.copies = 1;
    if (inner.key === undefined) {
      inner.wanted = hash;
      inner.candidate = inner.table.first(hash);
      this.depth = depth;
      return;
    }
    const { fromKey } = inner;
    fromKey.read(view, at);
    const entry = inner.table.find(hash, fromKey.view, fromKey.at, fromKey.length);
    if (entry === none) return;
    inner.copies = inner.table.countOf(entry);
    inner.candidate = none;
    this.depth = depth;
    this.enter(depth + 1);
  }

  private nextCandidate(): void {
    const inner = defined(this.inners[this.depth], "the source");
    const { source, table, candidate } = inner;
    if (candidate === none) {
      this.depth -= 1;
      return;
    }
    inner.candidate = table.next(candidate);
    if (table.hashOf(candidate) !== inner.wanted) return;
    const row = defined(this.rows[source], "the row seen");
    table.resolve(candidate, row);
    this.bind(source, row);
    if (this.fulfils(inner.terms)) this.enter(this.depth + 1);
  }

  private fulfils(terms: readonly PreparedTerm[]): boolean {
    for (const term of terms) {
      if (!term.holds(this.views, this.ats, this.args.numbers, this.args.views)) return false;
    }
    return true;
  }

  /** Every source has a row. */
  private found(): void {
    let copies = 1;
    for (const inner of this.inners) copies *= inner.copies;
    if (this.isCount) this.total += copies;
    else {
      this.owed = copies;
      this.pay();
    }
  }

  private pay(): void {
    this.owed -= 1;
    this.emitRow();
    this.left -= 1;
  }
}

/** The source to walk last: the largest; among similar ones, the one whose rows are returned. */
function outerOf(store: RowSource, plan: SelectPlan): number {
  const sizes = plan.sources.map((_, source) => tableOf(store, plan, source).rowCount);
  const largest = sizes.indexOf(Math.max(...sizes));
  const asked = plan.projection.kind === "rows" ? plan.projection.source : largest;
  return (sizes[asked] ?? 0) * 4 >= (sizes[largest] ?? 0) ? asked : largest;
}
