/** The procedures that wait: how many there are and of whom, so that they are bounded, and can be ended. */
import { LightconeError } from "@lightcone/base";
import type { FunctionKind } from "@lightcone/host";
import { toHex, type ByteReader, type ByteWriter } from "@lightcone/sats";
import type { DatabaseLimits } from "../link/limits.ts";
import { WorkKind } from "../link/work.ts";
import { functionTitle } from "./function-title.ts";
import type { Job } from "./job-loop.ts";

/** A procedure that waits, as seen by what ends it. */
export interface RunningProcedure {
  /** Whom it counts for. */
  readonly caller: string;
  /** Ends it where it waits, and has its caller told of `error`. To be called in a job. */
  cutShort(error: LightconeError): void;
  readonly functionName: string;
  readonly functionKind: FunctionKind;
  /** What it is a part of, if the log has something of it. */
  readonly begun: { readonly kind: WorkKind; readonly id: Uint8Array; readonly number: number } | undefined;
}

/** A client's message whose procedure waited when a snapshot was taken, with something in the log before it. */
export interface BegunMessage {
  /** As by `keyOfClient`. */
  readonly client: string;
  readonly number: number;
}

export class RunningProcedures {
  private readonly limits: DatabaseLimits;
  private readonly runs = new Set<RunningProcedure>();
  private readonly countByCaller = new Map<string, number>();
  /** The HTTP requests that are under way. */
  requestCount = 0;

  constructor(limits: DatabaseLimits) {
    this.limits = limits;
  }

  get count(): number {
    return this.runs.size;
  }

  /** Why no other procedure may begin, if so: any may come to wait. @param caller undefined for the database itself */
  refusal(caller: string | undefined): LightconeError<"LimitExceeded"> | undefined {
    const { proceduresWaitingMax: max, proceduresWaitingPerCallerMax: ownMax } = this.limits;
    const { count } = this;
    if (count >= max) return new LightconeError("LimitExceeded", { limit: "proceduresWaitingMax", value: count, max });
    const ownCount = caller === undefined || count < ownMax ? 0 : (this.countByCaller.get(caller) ?? 0);
    if (ownCount < ownMax) return undefined;
    return new LightconeError("LimitExceeded", {
      limit: "proceduresWaitingPerCallerMax",
      value: ownCount,
      max: ownMax,
    });
  }

  add(run: RunningProcedure): void {
    if (this.runs.has(run)) return;
    this.runs.add(run);
    this.countByCaller.set(run.caller, (this.countByCaller.get(run.caller) ?? 0) + 1);
  }

  remove(run: RunningProcedure): void {
    if (!this.runs.delete(run)) return;
    const count = (this.countByCaller.get(run.caller) ?? 1) - 1;
    if (count > 0) this.countByCaller.set(run.caller, count);
    else this.countByCaller.delete(run.caller);
  }

  /** Writes what is kept of them beside a snapshot: behind it nobody reads in the log that they have begun. */
  save(out: ByteWriter): void {
    const begun = [...this.runs].flatMap((run) => (run.begun?.kind === WorkKind.message ? [run.begun] : []));
    out.u32(begun.length);
    for (const { id, number } of begun) {
      out.byteArray(id);
      out.u32(number);
    }
  }

  /** Ends all that wait. To be called in a job. */
  endAll(why: string): void {
    for (const run of [...this.runs])
      run.cutShort(
        new LightconeError("ProcedureEnded", { what: functionTitle(run.functionKind, run.functionName), why }),
      );
  }
}

/** Reads what `save` wrote; nothing where there is nothing, as in snapshots of before. */
export function readBegun(input: ByteReader): readonly BegunMessage[] {
  if (input.remaining === 0) return [];
  return Array.from({ length: input.u32() }, () => ({ client: toHex(input.byteArrayView()), number: input.u32() }));
}

/** Ends all that wait, as a job. */
export function endProcedures(procedures: RunningProcedures, why: string): Job {
  const run = (): void => procedures.endAll(why);
  return { run, timedOut: run };
}
