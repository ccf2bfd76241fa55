/**
 * The rows of a subscription's queries, gathered in slices.
 *
 *   open (one job: the offset is fixed) ─▶ gather … gather (other jobs in between) ─▶ pieces of one message
 *
 * A query that must walk a large table reads a fixed-offset view of it; any other is narrow enough to be evaluated
 * when the view is opened. Whoever owns this sees to it that nothing later reaches the client before it.
 */
import { LightconeError } from "@lightcone/base";
import type { Epoch, RowPlace } from "@lightcone/engine";
import { EpochScan, isSliced, prepare, select } from "@lightcone/query";
import { bindParams, type SelectPlan } from "@lightcone/sql";
import type { Piece } from "./arena.ts";
import type { Encoder, QueryRows, RowGatherer } from "./encoder.ts";
import type { Room } from "./room.ts";

/** From this many rows a walk is sliced. */
const slicedRowsMin = 5_000;
/** Rows between two looks at what else is to be done: well under a millisecond. */
const rowsPerSlice = 2_000;

/** A walk that is not over. */
interface Walk {
  readonly scan: EpochScan;
  readonly emit: (place: RowPlace) => void;
}

export class FirstRows {
  readonly #queries: QueryRows[] = [];
  readonly #walks: Walk[] = [];
  readonly #rowsMax: number;
  readonly #word: (queries: readonly QueryRows[]) => readonly Piece[];
  #rowCount = 0;
  #epoch: Epoch | undefined;

  /**
   * Fixes the offset. Only between transactions.
   *
   * @param word makes the message of the rows, once they are there
   * @throws {LightconeError} `LimitExceeded` over `queryRowsMax`; `gather` does too
   */
  constructor(
    room: Room,
    encoder: Encoder,
    plans: readonly SelectPlan[],
    identity: Uint8Array,
    word: (queries: readonly QueryRows[]) => readonly Piece[],
  ) {
    this.#rowsMax = room.limits.queryRowsMax;
    this.#word = word;
    try {
      for (const plan of plans) this.#open(room, encoder, plan, identity);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #open(room: Room, encoder: Encoder, plan: SelectPlan, identity: Uint8Array): void {
    const { store } = room;
    const [source] = plan.sources;
    const table = source === undefined ? undefined : store.table(source.table.id);
    if (table === undefined) throw new TypeError("a plan names a table that is gone");
    const prepared = prepare(plan);
    const values = bindParams(plan, identity);
    const rows = encoder.gather(table);
    this.#queries.push({ table, rows });
    if (table.rowCount >= slicedRowsMin && plan.limit === undefined && isSliced(store, prepared)) {
      this.#epoch ??= store.openEpoch();
      const emit = ({ bytes, at, length }: RowPlace): void => this.#add(rows, bytes, at, length);
      this.#walks.push({ scan: new EpochScan(this.#epoch, prepared, values), emit });
    } else select(store, prepared, values, (bytes, at, length) => this.#add(rows, bytes, at, length));
  }

  #add(rows: RowGatherer, bytes: Uint8Array, at: number, length: number): void {
    this.#rowCount++;
    if (this.#rowCount > this.#rowsMax) {
      throw new LightconeError("LimitExceeded", {
        limit: "queryRowsMax",
        value: this.#rowCount,
        max: this.#rowsMax,
      });
    }
    rows.add(bytes, at, length);
  }

  /** Whether all rows are there. */
  get isWhole(): boolean {
    return this.#walks.length === 0;
  }

  /** Gathers one slice. */
  gather(): void {
    const [walk] = this.#walks;
    if (walk === undefined || walk.scan.step(rowsPerSlice, walk.emit)) return;
    this.#walks.shift();
    if (this.#walks.length === 0) this.close();
  }

  /** The message, in parts. */
  pieces(): readonly Piece[] {
    return this.#word(this.#queries);
  }

  close(): void {
    this.#epoch?.close();
    this.#epoch = undefined;
    this.#walks.length = 0;
  }
}
