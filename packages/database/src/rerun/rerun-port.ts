/** What a module may ask while a recorded call is run again: rows, and what the log has kept of the call. */
import type { TableId } from "@lightcone/base";
import type { CommitMeta, Store } from "@lightcone/engine";
import { TransactionPort } from "../calls/transaction-port.ts";
import type { Scheduler } from "../schedule/scheduler.ts";

export class RerunPort extends TransactionPort {
  private readonly schedule: Scheduler;
  private call: CommitMeta | undefined;
  /** Whether the call has asked for what its caller's token claims, which the log does not keep. */
  hasAskedForToken = false;

  constructor(store: Store, schedule: Scheduler, databaseIdentity: Uint8Array) {
    super(store.tx, databaseIdentity);
    this.schedule = schedule;
  }

  begin(call: CommitMeta): void {
    this.call = call;
    this.hasAskedForToken = false;
  }

  jwt(): undefined {
    this.hasAskedForToken = true;
  }
  log(): void {
    // It was written when the call ran.
  }
  scheduleNow(): void {
    // What it has run then is a call of its own in the log.
  }
  nowMicros(): number {
    return this.call?.timestampMicros ?? 0;
  }

  protected isTooLate(table: TableId, bytes: Uint8Array, at: number, length: number): boolean {
    return this.schedule.isTooLate(table, bytes, at, length, this.nowMicros());
  }
}
