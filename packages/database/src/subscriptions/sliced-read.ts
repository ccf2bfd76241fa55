/**
 * Rows of SELECTs as they are at one offset: at once where they are few, otherwise in slices.
 *
 *   open (one job: the offset is fixed) ─▶ gather … gather (other jobs in between) ─▶ whole
 *
 * Subscriptions, one-off queries and SQL over HTTP all read through this. What looks at few rows is evaluated when
 * it is opened; anything else reads a fixed-offset view of its tables. Each row goes to its encoder as soon as
 * it is found, so encoding is sliced too.
 */
import { LightconeError } from "@lightcone/base";
import type { ReadView, RowSource } from "@lightcone/engine";
import { prepare, selectWithin, SlicedSelect, variableValue, type EmitBytes } from "@lightcone/query";
import { bindParams, type SelectPlan } from "@lightcone/sql";
import type { DatabaseContext } from "../core/context.ts";
import type { Caller } from "../link/link.ts";

/** More rows than these are not looked at in one go. */
const visitMax = 5_000;
/** A slice ends when so many rows were looked at, or so much time has passed: well under a millisecond. */
const rowsPerSlice = 2_000;
const sliceMs = 0.5;
/** Rows between two looks at the clock. */
const rowsPerStep = 100;

/** A SELECT, and where its rows go. */
export interface Wanted {
  readonly plan: SelectPlan;
  readonly rows: { add(bytes: Uint8Array, at: number, length: number): void };
}

/** What a read needs of its database. */
export type ReadContext = Pick<DatabaseContext, "limits" | "clock" | "seed"> & {
  readonly relations: RowSource;
  readonly pipeline: { readonly offset: number };
};

interface OpenSelect {
  readonly select: SlicedSelect;
  readonly isRuled: boolean;
}

/** The count in the only row of COUNT. */
function countIn(bytes: Uint8Array, at: number): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigUint64(0, true));
}

export class SlicedRead {
  private readonly context: ReadContext;
  private readonly open: OpenSelect[] = [];
  /** The offset of the state that is read. */
  readonly offset: number;
  /** Rows looked at: in the opening job, and in all. Of a query under rules those in the result: what is hidden does not count. */
  private visited = 0;
  private lookedAt = 0;
  /** The variable `row_limit`: up to how many rows may be looked at for whoever is not the owner. */
  private readonly rowLimit: number;
  private rowCount = 0;
  private spentMs = 0;
  private readView: ReadView | undefined;

  /**
   * Fixes the offset. Only between transactions.
   *
   * @throws {LightconeError} `LimitExceeded` over `queryRowsMax`, `SqlRefused` over `row_limit`; `gather` does too
   */
  constructor(context: ReadContext, wanted: readonly Wanted[], caller: Pick<Caller, "identity" | "isOwner">) {
    this.context = context;
    this.offset = context.pipeline.offset;
    this.rowLimit = caller.isOwner ? Infinity : Number(variableValue(context.relations, "row_limit") ?? Infinity);
    const { queryRowsMax } = context.limits;
    try {
      for (const { plan, rows } of wanted) {
        const isCount = plan.projection.kind === "count";
        this.begin(plan, bindParams(plan, caller.identity), (bytes, at, length) => {
          if (++this.rowCount > queryRowsMax) this.limit(this.rowCount);
          if (plan.isRuled) this.look(isCount ? countIn(bytes, at) : 1);
          rows.add(bytes, at, length);
        });
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private begin(plan: SelectPlan, values: readonly Uint8Array[], emit: EmitBytes): void {
    const { relations, seed } = this.context;
    const prepared = prepare(plan);
    // Scans of many small tables take as long as one of a large table.
    const scanMax = Math.max(0, visitMax - this.visited);
    const isCounted = this.rowLimit < Infinity;
    const visited = selectWithin(relations, prepared, values, { visitMax, scanMax, isCounted }, emit);
    if (visited >= 0) {
      this.visited += visited;
      if (!plan.isRuled) this.look(visited);
    } else {
      this.readView ??= relations.openReadView();
      const from = { store: relations, readView: this.readView, seed };
      this.open.push({ select: new SlicedSelect(from, prepared, values, emit), isRuled: plan.isRuled });
    }
  }

  private limit(rowCount: number): void {
    const max = this.context.limits.queryRowsMax;
    if (rowCount > max) throw new LightconeError("LimitExceeded", { limit: "queryRowsMax", value: rowCount, max });
  }

  private look(rows: number): void {
    this.lookedAt += rows;
    const { lookedAt, rowLimit } = this;
    if (lookedAt <= rowLimit) return;
    const text = `Estimated cardinality (${lookedAt} rows) exceeds limit (${rowLimit} rows)`;
    throw new LightconeError("SqlRefused", { category: "row_limit", text });
  }

  get isWhole(): boolean {
    return this.open.length === 0;
  }

  /** Whether its slices took longer in all than one call may. */
  get isLate(): boolean {
    return this.spentMs > this.context.limits.reducerTimeoutMs;
  }

  gather(): void {
    const { clock } = this.context;
    const from = clock.steadyMs();
    for (let rows = 0; rows < rowsPerSlice; rows += rowsPerStep) {
      const [first] = this.open;
      if (first === undefined || clock.steadyMs() - from > sliceMs) break;
      const { select, isRuled } = first;
      if (!select.step(rowsPerStep)) this.open.shift();
      else {
        // What a join holds takes as much room as rows that are sent. How many rows rules hide is not told.
        const max = this.context.limits.queryRowsMax;
        this.limit(isRuled ? Math.min(select.heldCount, max + 1) : select.heldCount);
        if (!isRuled) this.look(rowsPerStep);
      }
    }
    this.spentMs += clock.steadyMs() - from;
    if (this.isWhole) this.close();
  }

  /** Lets go of the offset. */
  close(): void {
    this.readView?.close();
    this.readView = undefined;
    this.open.length = 0;
  }
}
