/** What procedures ask of the port: each asks for the run whose step this is. */
import { LightconeError } from "@lightcone/base";
import {
  Errno,
  type GoOn,
  type HttpAnswer,
  type HttpRequest,
  type ProcedureTransactions,
  type ProcedureWaits,
} from "@lightcone/host";
import type { ModuleDef } from "@lightcone/schema";
import { noBytes } from "../core/call.ts";
import type { DatabaseContext } from "../core/context.ts";
import { functionTitle } from "../core/function-title.ts";
import { ProcedureRun } from "./procedure-run.ts";

/** The transactions that a procedure begins: each is a commit of its own, for whoever called the procedure. */
export class CallTransactions implements ProcedureTransactions {
  private readonly context: DatabaseContext;

  constructor(context: DatabaseContext) {
    this.context = context;
  }

  /** @throws {LightconeError} when nothing can be written, or the procedure's program no longer knows the tables */
  begin(): number {
    const { store, pipeline, running, module } = this.context;
    if (store.isOpen || running === undefined) return -Errno.wouldBlockTransaction;
    if (pipeline.refusal !== undefined) throw pipeline.refusal;
    if (running instanceof ProcedureRun && running.module !== module && !knowsTables(running.module.def, module?.def))
      throw new LightconeError("ProcedureEnded", {
        what: functionTitle(running.functionKind, running.functionName),
        why: "another program was published that has other tables",
      });
    running.timestampMicros = pipeline.nowMicros();
    running.args = noBytes;
    store.begin();
    return running.timestampMicros;
  }

  commit(): number {
    const { store, pipeline, running } = this.context;
    if (!store.isOpen || running === undefined) return -Errno.transactionNotAnonymous;
    pipeline.finish(running);
    return 0;
  }

  abort(): number {
    const { store, pipeline } = this.context;
    if (!store.isOpen) return -Errno.transactionNotAnonymous;
    pipeline.abort();
    return 0;
  }
}

/** What the running procedure waits for. */
export class CallWaits implements ProcedureWaits {
  private readonly context: DatabaseContext;

  constructor(context: DatabaseContext) {
    this.context = context;
  }

  sleepUntil(micros: number, goOn: GoOn<number>): void {
    this.run().sleepUntil(micros, goOn);
  }

  request(request: HttpRequest, goOn: GoOn<HttpAnswer>): void {
    this.run().request(request, goOn);
  }

  private run(): ProcedureRun {
    const { running } = this.context;
    if (running instanceof ProcedureRun) return running;
    throw new TypeError("only a procedure waits");
  }
}

/** Whether a program of before, which waited through a publish, finds its tables' rows as it knows them. */
function knowsTables(before: ModuleDef, now: ModuleDef | undefined): boolean {
  const rowsOf = new Map(now?.tables.map(({ name, rowType }) => [name, JSON.stringify(rowType)] as const));
  return before.tables.every(({ name, rowType }) => rowsOf.get(name) === JSON.stringify(rowType));
}
