/** The port of a database: what its module may ask. Data goes straight to the open transaction. */
import type { TableId } from "@lightcone/base";
import type { LogLine, ProcedureTransactions, ProcedureWaits } from "@lightcone/host";
import type { DatabaseContext } from "../core/context.ts";
import { keyOfClient } from "../link/client.ts";
import { deferredCall } from "./deferred-call.ts";
import { CallTransactions, CallWaits } from "./procedure-port.ts";
import { TransactionPort } from "./transaction-port.ts";

/** Who knows how far ahead rows may be scheduled. */
export interface ScheduleCheck {
  /** Whether a row of a scheduled table asks for a time too far away. */
  isTooLate(table: TableId, bytes: Uint8Array, at: number, length: number, nowMicros: number): boolean;
}

export class DatabasePort extends TransactionPort {
  readonly procedureTransactions: ProcedureTransactions;
  readonly procedureWaits: ProcedureWaits;
  private readonly context: DatabaseContext;
  private readonly schedule: ScheduleCheck;
  /** Tables whose rows are scheduled. Mostly empty: a call then pays one look. */
  private scheduled: ReadonlySet<TableId> = new Set();

  constructor(context: DatabaseContext, schedule: ScheduleCheck) {
    super(context.store.tx, context.identity);
    this.context = context;
    this.schedule = schedule;
    this.procedureTransactions = new CallTransactions(context);
    this.procedureWaits = new CallWaits(context);
  }

  /** Says which tables are scheduled, after every change of the schema. */
  watchScheduled(tables: ReadonlySet<TableId>): void {
    this.scheduled = tables;
  }

  jwt(connectionId: Uint8Array): Uint8Array | undefined {
    const { running, claims } = this.context;
    return running === undefined ? undefined : claims.get(keyOfClient({ identity: running.sender, connectionId }));
  }
  log(line: LogLine): void {
    this.context.log.write(line, this.context.running?.loggedName);
  }
  scheduleNow(functionName: string, args: Uint8Array): void {
    this.context.loop.push(deferredCall(this.context, functionName, args.slice()));
  }
  nowMicros(): number {
    return this.context.clock.nowMicros();
  }

  protected isTooLate(table: TableId, bytes: Uint8Array, at: number, length: number): boolean {
    if (this.scheduled.size === 0 || !this.scheduled.has(table)) return false;
    const nowMicros = this.context.running?.timestampMicros ?? this.context.pipeline.nowMicros();
    return this.schedule.isTooLate(table, bytes, at, length, nowMicros);
  }
}
