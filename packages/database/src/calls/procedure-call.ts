/**
 * Runs procedures: outside any transaction but those that they begin themselves, and to an end that may come later.
 *
 * Each has a call and an instance of its own for as long as it runs, so that reducers and other procedures go on while
 * one waits. One that never waits has ended when `callProcedure` returns, in the same job.
 */
import { isLightconeError, LightconeError, type ErrorCode } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import {
  Errno,
  LogLevel,
  type ModuleInstance,
  type ProcedureOutcome,
  type ProcedureTransactions,
} from "@lightcone/host";
import { jsonArgsToBsatn, validator } from "@lightcone/sats";
import type { ProcedureDef } from "@lightcone/schema";
import { Call, noBytes } from "../core/call.ts";
import type { DatabaseContext } from "../core/context.ts";
import type { Module } from "../core/module.ts";
import { placeIn } from "../core/time-out.ts";
import type { Caller } from "../link/link.ts";
import { fatalText } from "../link/reply.ts";
import { whyTooLong } from "./reducer-call.ts";

/** What a client asks to run. */
export interface ProcedureRequest {
  readonly caller: Caller;
  /** Of the caller's message: what the procedure commits is noted with it. */
  readonly number: number;
  readonly name: string;
  readonly args: Uint8Array;
  /** The arguments as JSON, where the call came as JSON; `args` is then not looked at. */
  readonly argsText: string | undefined;
}

/** How a procedure ended for its caller. */
export type ProcedureResult =
  | {
      readonly kind: "returned";
      readonly value: Uint8Array;
      readonly procedure: ProcedureDef;
      readonly timestampMicros: number;
    }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode | "NoSuchProcedure";
      readonly message: string;
      readonly timestampMicros: number;
    };

/** Runs a procedure. @param ended takes the result: at once, or in a job of its own when the procedure waited */
export function callProcedure(
  context: DatabaseContext,
  request: ProcedureRequest,
  ended: (result: ProcedureResult) => void,
): void {
  const { caller, name, args, argsText } = request;
  const refuse = (code: ErrorCode | "NoSuchProcedure", message: string): void =>
    ended({ kind: "failed", code, message, timestampMicros: 0 });
  const { module } = context;
  const procedure = module?.def.procedures.find((each) => each.name === name);
  if (module === undefined || procedure === undefined || (procedure.visibility === "private" && !caller.isOwner)) {
    refuse("NoSuchProcedure", "No such procedure");
    return;
  }
  const forbidden =
    (caller.isOwner ? undefined : context.ends.refusal(name)) ?? whyTooLong(context, argsText?.length ?? args.length);
  if (forbidden !== undefined) {
    refuse(forbidden.code, forbidden.message);
    return;
  }
  const checked = checkArgs(procedure, args, argsText);
  if (checked instanceof Uint8Array) new ProcedureRun(context, module, procedure, request, ended).start(checked);
  else refuse("BadArguments", checked.message);
}

function checkArgs(procedure: ProcedureDef, args: Uint8Array, argsText: string | undefined): Uint8Array | Error {
  const refuse = (reason: string): Error => new Error(`invalid arguments for procedure ${procedure.name}: ${reason}`);
  if (argsText === undefined) {
    const view = new DataView(args.buffer, args.byteOffset, args.byteLength);
    const end = validator(procedure.params)(args, view, 0, args.length);
    return end === args.length ? args : refuse("the bytes do not decode as the parameters");
  }
  try {
    return jsonArgsToBsatn(procedure.params, argsText, procedure.name);
  } catch (error) {
    if (!isLightconeError(error)) throw error;
    return refuse(isLightconeError(error, "Malformed") ? error.detail.reason : error.message);
  }
}

/** One run of a procedure. */
class ProcedureRun {
  private readonly context: DatabaseContext;
  private readonly module: Module;
  private readonly instance: ModuleInstance;
  private readonly procedure: ProcedureDef;
  private readonly call: Call;
  private readonly ended: (result: ProcedureResult) => void;
  private readonly timestampMicros: number;

  constructor(
    context: DatabaseContext,
    module: Module,
    procedure: ProcedureDef,
    { caller, number }: ProcedureRequest,
    ended: (result: ProcedureResult) => void,
  ) {
    this.context = context;
    this.module = module;
    this.instance = module.lend();
    this.procedure = procedure;
    this.ended = ended;
    this.timestampMicros = context.pipeline.nowMicros();
    this.call = new Call(CommitKind.procedure, caller);
    this.call.functionName = procedure.name;
    this.call.reducerId = 0;
    this.call.timestampMicros = this.timestampMicros;
    this.call.requestSequence = number;
  }

  start(args: Uint8Array): void {
    const { context, call } = this;
    context.running = call;
    let outcome: ProcedureOutcome | Promise<ProcedureOutcome> | undefined;
    try {
      outcome = this.instance.callProcedure?.({
        procedureId: this.procedure.id,
        sender: call.sender,
        connection: call.connection,
        timestampMicros: this.timestampMicros,
        args,
      });
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      this.refuse(error);
      return;
    } finally {
      context.running = undefined;
    }
    if (outcome === undefined) this.crash("this kind of module does not run procedures yet");
    else if (outcome instanceof Promise) this.wait(outcome);
    else this.end(outcome);
  }

  /** A procedure that has waited ends in a job, in its order among all others. */
  private wait(outcome: Promise<ProcedureOutcome>): void {
    const push = (run: () => void): void => this.context.loop.push({ run, timedOut: endedLate });
    outcome.then(
      (late) => push(() => this.end(late)),
      (error: unknown) => push(() => this.breakOff(error)),
    );
  }

  private end(outcome: ProcedureOutcome): void {
    if (outcome.kind === "panic") {
      if (!outcome.fatal) this.module.giveBack(this.instance);
      this.crash(outcome.message);
      return;
    }
    this.module.giveBack(this.instance);
    const { value } = outcome;
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    if (validator(this.procedure.returns)(value, view, 0, value.length) !== value.length) {
      this.crash("it returned what is not of its declared type");
      return;
    }
    this.ended({ kind: "returned", value, procedure: this.procedure, timestampMicros: this.timestampMicros });
  }

  private breakOff(error: unknown): void {
    if (!isLightconeError(error)) throw error;
    this.refuse(error);
  }

  private crash(message: string): void {
    this.context.log.writeEnd({ level: LogLevel.panic, message, ...placeIn(message) }, this.procedure.name);
    this.fail("ReducerCrashed", fatalText);
  }

  /** The database has refused the procedure something: its transaction is undone, and it ends there. */
  private refuse({ code, message, hint, told }: LightconeError): void {
    const { context, procedure } = this;
    context.pipeline.abort();
    const place = this.module.placeOf("procedure", procedure.name);
    context.log.writeEnd({ level: LogLevel.error, message: `${message}. ${hint}`, ...place }, procedure.name);
    this.fail(code, told);
  }

  private fail(code: ErrorCode, message: string): void {
    this.ended({ kind: "failed", code, message, timestampMicros: this.timestampMicros });
  }
}

/** No module code runs in the job that ends a procedure: it has no reason to take long. */
function endedLate(): never {
  throw new LightconeError("DatabaseStopped", { reason: "the answer of a procedure took too long" });
}

/** The transactions that a procedure begins: each is a commit of its own, for whoever called the procedure. */
export class CallTransactions implements ProcedureTransactions {
  private readonly context: DatabaseContext;

  constructor(context: DatabaseContext) {
    this.context = context;
  }

  begin(): number {
    const { store, pipeline, running, refusal } = this.context;
    if (store.isOpen || running === undefined) return -Errno.wouldBlockTransaction;
    if (refusal !== undefined) throw refusal;
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
