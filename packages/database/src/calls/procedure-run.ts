/**
 * One run of a procedure or an HTTP handler, from its call to the answer: outside of any transaction but those that it begins itself.
 *
 *   start ─▶ step ──ended──▶ answered
 *             └─ waits ─▶ (the clock, an answer) ─▶ a job: step …
 *
 * It has a call and an instance of its own, so that reducers and other procedures run while it waits. Module code runs in
 * steps alone, each in a job: interruptible, noted by what it is a part of, with `running` set.
 */
import { isLightconeError, LightconeError, type Clock, type ErrorCode } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import {
  LogLevel,
  type FunctionKind,
  type GoOn,
  type HttpAnswer,
  type HttpRequest,
  type ModuleInstance,
  type ProcedureOutcome,
  type ProcedureWaits,
} from "@lightcone/host";
import { toHex } from "@lightcone/sats";
import { Call, noBytes, type Sender } from "../core/call.ts";
import type { RunningProcedure } from "../core/running-procedures.ts";
import { ok } from "../core/commit-pipeline.ts";
import type { DatabaseContext } from "../core/context.ts";
import type { Module } from "../core/module.ts";
import { functionTitle } from "../core/function-title.ts";
import { placeIn } from "../core/time-out.ts";
import { fatalText } from "../link/reply.ts";
import type { WorkKind } from "../link/work.ts";
import { noted } from "../recovery/noted.ts";
import { abandonNoted } from "./reducer-call.ts";

/** What a run is a part of: if a step of it ends the host, that is not run again. */
export interface WorkName {
  readonly kind: WorkKind;
  readonly id: Uint8Array;
  /** Of the caller's message; what the procedure commits is noted with it. 0 for none. */
  readonly number: number;
}

/** What is run. */
export interface RunTarget {
  readonly kind: "procedure" | "handler";
  readonly name: string;
  /** How an instance runs it; undefined when its kind of module cannot. */
  entry(instance: ModuleInstance, timestampMicros: number): (() => ProcedureOutcome | undefined) | undefined;
  /** What is wrong with what it has given, if anything. */
  problemOf(value: Uint8Array, body: Uint8Array): string | undefined;
}

export type RunResult =
  | {
      readonly kind: "returned";
      readonly value: Uint8Array;
      /** Of a handler: its response's body. */
      readonly body: Uint8Array;
      readonly timestampMicros: number;
    }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly timestampMicros: number;
    };

export interface ProcedureStart {
  readonly module: Module;
  readonly target: RunTarget;
  readonly sender: Sender;
  /** Whom it counts for among those that wait; left out, its sender's identity. */
  readonly caller?: string;
  /** What it sees as now. Microseconds. */
  readonly timestampMicros: number;
  readonly work: WorkName;
  /** Whether the log has it that it has begun. */
  readonly isNoted: boolean;
  /** Called once, when it comes to wait. */
  readonly waits?: () => void;
  /** Takes the result: at once, or in a job of its own when it waited. Not called when the first step was out of time. */
  readonly ended: (result: RunResult) => void;
}

/** A timer is set for no longer than this, so that a wall clock that is set is noticed. */
const timerMsMax = 5000;

export class ProcedureRun extends Call implements ProcedureWaits, RunningProcedure {
  readonly module: Module;
  readonly caller: string;
  private readonly context: DatabaseContext;
  private readonly instance: ModuleInstance;
  private readonly target: RunTarget;
  private readonly work: WorkName;
  private readonly startMicros: number;
  private readonly ended: (result: RunResult) => void;
  private readonly comesToWait: (() => void) | undefined;
  /** Whether the log has something of it. */
  private isNoted: boolean;
  private isOver = false;
  /** What it waits for: each gives that up. */
  private readonly waits = new Set<() => void>();
  private cancelDeadline: (() => void) | undefined;

  constructor(context: DatabaseContext, start: ProcedureStart) {
    super(CommitKind.procedure, start.sender);
    this.context = context;
    this.module = start.module;
    this.caller = start.caller ?? toHex(start.sender.identity);
    this.instance = start.module.lend();
    this.target = start.target;
    this.work = start.work;
    this.isNoted = start.isNoted;
    this.ended = start.ended;
    this.comesToWait = start.waits;
    this.startMicros = start.timestampMicros;
    this.functionName = start.target.name;
    this.reducerId = 0;
    this.timestampMicros = start.timestampMicros;
    this.requestSequence = start.work.number;
  }

  override get isInSharedInstance(): boolean {
    return false;
  }

  override get functionKind(): FunctionKind {
    return this.target.kind;
  }

  override abandon(): void {
    if (!this.isOver) this.instance.close?.();
    this.leave();
  }

  /** It runs no more. */
  private leave(): void {
    this.isOver = true;
    for (const giveUp of this.waits) giveUp();
    this.waits.clear();
    this.cancelDeadline?.();
    this.context.procedures.remove(this);
  }

  /** Enters the module. What runs it notes the work. */
  start(): void {
    const enter = this.target.entry(this.instance, this.startMicros);
    if (enter === undefined) this.crash(`this kind of module does not run a ${this.target.kind} yet`);
    else this.step(enter);
  }

  get begun(): WorkName | undefined {
    return this.isNoted ? this.work : undefined;
  }

  cutShort(error: LightconeError): void {
    if (this.isOver) return;
    this.abandon();
    this.refuse(error);
  }

  // --- what it waits for

  sleepUntil(micros: number, goOn: GoOn<number>): void {
    const { clock, limits } = this.context;
    const untilMicros = Math.max(micros, clock.nowMicros());
    const leftMicros = this.startMicros + limits.procedureTimeoutMs * 1000 - untilMicros;
    if (leftMicros < 0) throw this.timedOut();
    let cancel = (): void => undefined;
    const giveUp = (): void => cancel();
    this.wait(giveUp);
    cancel = at(clock, untilMicros, () => this.wake(giveUp, () => goOn(clock.nowMicros())));
  }

  request(request: HttpRequest, goOn: GoOn<HttpAnswer>): void {
    const { procedures, limits, http, pipeline } = this.context;
    const { httpRequestsMax: max, httpRequestBytesMax: requestBytesMax } = limits;
    const byteCount = request.body.length;
    if (procedures.requestCount >= max)
      throw new LightconeError("LimitExceeded", { limit: "httpRequestsMax", value: max + 1, max });
    if (byteCount > requestBytesMax)
      throw new LightconeError("LimitExceeded", {
        limit: "httpRequestBytesMax",
        value: byteCount,
        max: requestBytesMax,
      });
    this.note();
    const rules = {
      timeoutMs: Math.min(request.timeoutMs ?? limits.httpTimeoutMs, limits.httpTimeoutMsMax),
      bytesMax: limits.httpResponseBytesMax,
    };
    let cancel = (): void => undefined;
    let isGivenUp = false;
    const giveUp = (): void => {
      if (isGivenUp) return;
      isGivenUp = true;
      procedures.requestCount -= 1;
      cancel();
    };
    procedures.requestCount += 1;
    this.wait(giveUp);
    pipeline.whenDurable().then(
      () => {
        if (isGivenUp) return;
        cancel = http.send(request, rules, (answer) => {
          giveUp();
          this.wake(giveUp, () => goOn(answer));
        });
      },
      () => undefined, // the database ends
    );
  }

  /**
   * Before anything leaves, the log has it that the procedure has begun: a host that comes after this one does not run it
   * again.
   */
  private note(): void {
    if (this.isNoted) return;
    const { context } = this;
    if (context.pipeline.refusal !== undefined) throw context.pipeline.refusal;
    const { timestampMicros } = this;
    this.timestampMicros = context.pipeline.nowMicros();
    const begun = context.pipeline.transact(this, () => ok, true);
    this.timestampMicros = timestampMicros;
    if (begun.kind === "refused") throw begun.error;
    this.isNoted = true;
  }

  private wait(giveUp: () => void): void {
    const { procedureWaitsMax: max } = this.context.limits;
    if (this.waits.size >= max) {
      giveUp();
      throw new LightconeError("LimitExceeded", { limit: "procedureWaitsMax", value: max + 1, max });
    }
    this.waits.add(giveUp);
  }

  private wake(giveUp: () => void, goOn: () => ProcedureOutcome | undefined): void {
    this.later(() => {
      this.waits.delete(giveUp);
      this.step(goOn);
    });
  }

  /** Runs something of it in a job of its own, unless it is over by then. */
  private later(part: () => void): void {
    const { context } = this;
    const { kind, id, number } = this.work;
    context.loop.push({
      run: () => {
        if (!this.isOver) noted(context, kind, id, number, part);
      },
      timedOut: () => {
        if (context.running === undefined)
          throw new LightconeError("DatabaseStopped", { reason: "the answer of a procedure took too long" });
        const { code, told } = abandonNoted(context, kind, id, number);
        this.fail(code, told);
      },
    });
  }

  // --- steps, and the end

  private step(enter: () => ProcedureOutcome | undefined): void {
    const { context } = this;
    const { pipeline } = context;
    const { offset } = pipeline;
    context.running = this;
    let outcome: ProcedureOutcome | undefined;
    try {
      outcome = enter();
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      this.abandon();
      this.refuse(this.named(error));
      return;
    } finally {
      context.running = undefined;
      this.isNoted ||= pipeline.offset !== offset;
    }
    if (outcome !== undefined) this.end(outcome);
    else this.waitsOn();
  }

  private waitsOn(): void {
    const { procedures, clock, limits } = this.context;
    procedures.add(this);
    if (this.cancelDeadline !== undefined) return;
    this.comesToWait?.();
    this.cancelDeadline = at(clock, this.startMicros + limits.procedureTimeoutMs * 1000, () =>
      this.later(() => this.cutShort(this.timedOut())),
    );
  }

  private end(outcome: ProcedureOutcome): void {
    this.leave();
    if (outcome.kind === "panic") {
      if (outcome.fatal) this.instance.close?.();
      else this.module.giveBack(this.instance);
      this.crash(outcome.message);
      return;
    }
    this.module.giveBack(this.instance);
    if (outcome.kind === "error") {
      const { kind, name } = this.target;
      this.context.log.writeRefusal(outcome.message, name, () => this.module.placeOf(kind, name));
      this.fail("ReducerFailed", outcome.message);
      return;
    }
    const { value, body = noBytes } = outcome;
    const problem = this.target.problemOf(value, body);
    if (problem !== undefined) {
      this.crash(problem);
      return;
    }
    this.ended({ kind: "returned", value, body, timestampMicros: this.startMicros });
  }

  /** A module host that counts time itself does not know what the function is called. */
  private named(error: LightconeError): LightconeError {
    if (!isLightconeError(error, "ReducerTimedOut")) return error;
    const what = functionTitle(this.target.kind, this.target.name);
    return new LightconeError("ReducerTimedOut", { ...error.detail, what }, { cause: error });
  }

  /** It has not come to its end in time. */
  private timedOut(): LightconeError<"ProcedureTimedOut"> {
    const { procedureTimeoutMs: timeoutMs } = this.context.limits;
    return new LightconeError("ProcedureTimedOut", {
      what: functionTitle(this.target.kind, this.target.name),
      timeoutMs,
    });
  }

  private crash(message: string): void {
    this.context.log.writeEnd({ level: LogLevel.panic, message, ...placeIn(message) }, this.target.name);
    this.fail("ReducerCrashed", fatalText);
  }

  /** The database has refused the procedure something: its transaction is undone, and it ends there. */
  private refuse({ code, message, hint, told }: LightconeError): void {
    const { context, target } = this;
    context.pipeline.abort();
    const place = this.module.placeOf(target.kind, target.name);
    context.log.writeEnd({ level: LogLevel.error, message: `${message}. ${hint}`, ...place }, target.name);
    this.fail(code, told);
  }

  /** Tells the caller, and nobody else: what ends it has left its line. */
  private fail(code: ErrorCode, message: string): void {
    this.ended({ kind: "failed", code, message, timestampMicros: this.startMicros });
  }
}

/** Runs `then` when the wall clock says so, at once if it does already. @returns gives that up */
function at(clock: Clock, micros: number, then: () => void): () => void {
  let cancel = (): void => undefined;
  const look = (): void => {
    const waitMs = (micros - clock.nowMicros()) / 1000;
    if (waitMs <= 0) then();
    else cancel = clock.after(Math.min(waitMs, timerMsMax), look);
  };
  look();
  return () => cancel();
}
