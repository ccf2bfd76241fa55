/**
 * What has changed of queries' rows between a place and now, out of the commits in between: at once where they are few,
 * otherwise in slices.
 *
 *   commits ─▶ each table's rows, by how often they came and went ─▶ each query's, by its test of a row
 *
 * Only of queries whose rows say by themselves that they belong: `rowTestOf`.
 */
import type { TableId } from "@lightcone/base";
import { rowsOfRecord } from "@lightcone/engine";
import type { RowTest } from "@lightcone/query";
import type { DatabaseContext } from "../core/context.ts";
import type { CommitRun } from "./recent-commits.ts";

const sliceMs = 0.5;
const commitsPerStep = 20;
const rowsPerStep = 200;
/** Bytes that one client is told, by what is kept. */
const toldPerKept = 4;

/** A query, and where its changes go. */
export interface ChangedQuery {
  readonly table: TableId;
  readonly test: RowTest;
  readonly inserts: { add(bytes: Uint8Array, at: number, length: number): void };
  readonly deletes: { add(bytes: Uint8Array, at: number, length: number): void };
}

/** A row, and how often it came more than it went. */
interface Moved {
  readonly bytes: Uint8Array;
  by: number;
}

export class ChangesSince {
  private readonly context: Pick<DatabaseContext, "clock" | "limits">;
  private readonly commits: CommitRun;
  private readonly queries = new Map<TableId, ChangedQuery[]>();
  /** By their bytes. */
  private readonly moved = new Map<TableId, Map<string, Moved>>();
  private rest: Iterator<unknown> | undefined;
  private spentMs = 0;
  private toldBytes = 0;
  isWhole = false;

  constructor(
    context: Pick<DatabaseContext, "clock" | "limits">,
    commits: CommitRun,
    queries: readonly ChangedQuery[],
  ) {
    this.context = context;
    this.commits = commits;
    for (const query of queries) {
      const known = this.queries.get(query.table);
      if (known !== undefined) known.push(query);
      else {
        this.queries.set(query.table, [query]);
        this.moved.set(query.table, new Map());
      }
    }
  }

  /** Whether its slices took longer in all than one call may. */
  get isLate(): boolean {
    return this.spentMs > this.context.limits.reducerTimeoutMs;
  }

  /** Whether there is more to tell than is kept of commits, some times over: rows are told for each query. */
  get isTooMuch(): boolean {
    return this.toldBytes > toldPerKept * this.context.limits.resumeBytesMax;
  }

  gather(): void {
    const { clock } = this.context;
    const from = clock.steadyMs();
    do {
      if (this.rest === undefined) this.read();
      else if (this.rest.next().done === true) this.isWhole = true;
    } while (!this.isWhole && !this.isTooMuch && clock.steadyMs() - from <= sliceMs);
    this.spentMs += clock.steadyMs() - from;
  }

  /** Counts the rows of the next commits. */
  private read(): void {
    for (let left = commitsPerStep; left > 0; left -= 1) {
      const record = this.commits.next();
      if (record === undefined) {
        this.rest = this.tell();
        return;
      }
      for (const { tableId, deletes, inserts } of rowsOfRecord(record)) {
        const rows = this.moved.get(tableId as TableId); // the record was made from tables
        if (rows === undefined) continue;
        for (const row of deletes) count(rows, row, -1);
        for (const row of inserts) count(rows, row, 1);
      }
    }
  }

  /** Tells each query of its rows, some in a step. */
  private *tell(): Generator<undefined, void, void> {
    let left = rowsPerStep;
    for (const [table, rows] of this.moved)
      for (const { bytes, by } of rows.values()) {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        for (const { test, inserts, deletes } of this.queries.get(table) ?? []) {
          if (by !== 0 && test(view, 0)) {
            (by > 0 ? inserts : deletes).add(bytes, 0, bytes.length);
            this.toldBytes += bytes.length;
          }
          left -= 1;
          if (left > 0 && !this.isTooMuch) continue;
          left = rowsPerStep;
          yield;
        }
      }
  }

  close(): void {
    this.moved.clear();
  }
}

function count(rows: Map<string, Moved>, bytes: Uint8Array, by: number): void {
  // Latin 1 has a character for each byte; a map's hash of it is seeded.
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const known = rows.get(key);
  if (known === undefined) rows.set(key, { bytes, by });
  else known.by += by;
}
