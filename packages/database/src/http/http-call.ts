/** A request over HTTP that acts as a client of its own: it connects, does one thing, and disconnects. */
import { errorFacts, LightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { bsatnToJson, ByteReader } from "@lightcone/sats";
import { bytesOfClient } from "../link/client.ts";
import type { Job } from "../core/job-loop.ts";
import { abandonConnect, connectClient, DisconnectJob } from "../calls/lifecycle.ts";
import type { Caller, Reply } from "../link/link.ts";
import { mustBeWhole, noted } from "../recovery/noted.ts";
import { abandonCall, callReducer, whyNotCallable } from "../calls/reducer-call.ts";
import { callProcedure } from "../calls/procedure-call.ts";
import type { Settled } from "../recovery/replay.ts";
import { failure, json, refusal, text, type LongReply } from "../link/reply.ts";
import { endedBy, interrupted } from "../recovery/resume.ts";
import type { DatabaseContext } from "../core/context.ts";
import { noteTimeOut } from "../core/running.ts";
import { settledStatement } from "./sql-request.ts";
import { WorkKind } from "../link/work.ts";
import { noBytes } from "../core/commit-pipeline.ts";

/** Takes a reply, and the offset that it tells of if that is not the present one. */
export type Answer = (reply: Reply, offset?: number) => void;

/** What a visitor comes for. */
export type Errand = () => Reply | LongReply;

/**
 * Connects as `caller`, answers with what `errand` gives, disconnects. The owner's errand is run even if the module
 * refuses, breaks or does not come to an end when it connects: whoever mends the module must get in.
 */
export class EphemeralConnectionJob implements Job {
  private readonly context: DatabaseContext;
  private readonly caller: Caller;
  private readonly errand: Errand;
  private readonly answer: Answer;
  private readonly id: Uint8Array;
  private isComing: boolean;
  private isConnected = false;
  /** The last offset before the errand. */
  private offset = -1;
  private long: LongReply | undefined;

  /** @param connects whether it connects at all */
  constructor(context: DatabaseContext, caller: Caller, errand: Errand, answer: Answer, connects: boolean) {
    this.context = context;
    this.caller = caller;
    this.errand = errand;
    this.answer = answer;
    this.id = bytesOfClient(caller);
    this.isComing = connects;
  }

  run(): void {
    if (this.isComing && !this.arrive()) return;
    this.isComing = false;
    const long = this.long;
    if (long === undefined) {
      this.offset = this.context.pipeline.offset;
      const made = this.noted(this.errand);
      if ("status" in made) this.leave(made, undefined);
      else {
        this.long = made;
        this.context.loop.push(this);
      }
    } else this.resumePending(long);
  }

  timedOut(): void {
    const context = this.context;
    context.activity.end();
    if (this.isComing) {
      const error = abandonConnect(context, this.caller);
      mustBeWhole(context, WorkKind.connect, this.id, 0);
      if (this.caller.isOwner) {
        this.isComing = false;
        context.loop.push(this);
      } else this.answer(refusal(503, error.code, error.message));
      return;
    }
    const error = abandonCall(context, "the statement");
    mustBeWhole(context, WorkKind.message, this.id, 1);
    // What has committed has not come to nothing, and the log says what it has come to: the next host answers from it.
    const hasCommitted = context.pipeline.offset !== this.offset && context.meta.kind !== CommitKind.procedure;
    if (hasCommitted) throw endedBy(interrupted(), WorkKind.message, this.id, 1);
    this.tooLate(error);
  }

  /** False when the client is refused, and told so. */
  private arrive(): boolean {
    // Without room to write, nobody comes or goes; reading needs neither, and writing says so itself.
    if (this.context.refusal !== undefined) return true;
    const refused = connectClient(this.context, this.caller);
    this.isConnected = refused === undefined;
    if (refused === undefined || this.caller.isOwner) return true;
    // Whether it refuses or breaks: who comes is not let in.
    const status = refused.code === "ReducerCrashed" ? 403 : errorFacts(refused.code).http;
    this.answer(refusal(status, refused.code, refused.message));
    return false;
  }

  private resumePending(long: LongReply): void {
    const reply = this.noted(() => long.slice());
    if (reply !== undefined) this.leave(reply, long.offset);
    else if (long.isLate) this.tooLate(noteTimeOut(this.context, "the statement"));
    else this.context.loop.push(this);
  }

  private noted<T>(work: () => T): T {
    return noted(this.context, WorkKind.message, this.id, 1, work);
  }

  private leave(reply: Reply, offset: number | undefined): void {
    this.long = undefined;
    if (this.isConnected) this.context.loop.push(new DisconnectJob(this.context, this.caller));
    this.answer(reply, offset);
  }

  private tooLate(error: LightconeError): void {
    this.long?.close();
    this.leave(failure(error), undefined);
  }
}

/** Answers a request that a host before had carried out, or begun to. */
export function settledReply(context: DatabaseContext, settled: Settled): Reply {
  switch (settled.kind) {
    case CommitKind.reducer:
      return text(200, "");
    case CommitKind.sql:
      return settledStatement(context, settled);
    default:
      return failure(new LightconeError("CallUnknown", {}));
  }
}

/** Calls a function with arguments in JSON. */
export function callOverHttp(context: DatabaseContext, caller: Caller, functionName: string, args: string): Reply {
  const reducer = context.module?.reducers.find((each) => each.def.name === functionName);
  const call = whyNotCallable(context, reducer, caller.isOwner, noBytes, args);
  if (call.kind === "refused") {
    switch (call.code) {
      case "NoSuchReducer":
        return procedureOverHttp(context, caller, functionName, args);
      case "Lifecycle":
        return refusal(400, "BadRequest", call.message);
      case "BadArguments":
        return refusal(400, "BadArguments", call.message);
      case "LimitExceeded":
      case "FunctionQuarantined":
        return refusal(errorFacts(call.code).http, call.code, call.message);
    }
  }
  const { meta } = context;
  meta.kind = CommitKind.reducer;
  meta.timestampMicros = context.pipeline.nowMicros();
  meta.functionName = functionName;
  meta.reducerId = call.reducer.def.id;
  meta.args = call.args;
  meta.sender = caller.identity;
  meta.connection = caller.connectionId;
  meta.requestId = 0;
  meta.requestSequence = 1;
  const from = context.clock.steadyMs();
  context.subscriptions.argsText = args;
  const result = callReducer(context, call.reducer);
  context.subscriptions.argsText = undefined;
  const headers = {
    "spacetime-energy-used": "0",
    "spacetime-execution-duration-micros": String(Math.round((context.clock.steadyMs() - from) * 1000)),
  };
  if (result.kind === "committed") return text(200, "", headers);
  return refusal(errorFacts(result.code).http, result.code, result.message, headers);
}

/** Procedures are looked up last, so theirs is the text for a name that nothing has. */
function procedureOverHttp(context: DatabaseContext, caller: Caller, functionName: string, args: string): Reply {
  const from = context.clock.steadyMs();
  const result = callProcedure(context, caller, 1, functionName, noBytes, args);
  const headers = {
    "spacetime-execution-duration-micros": String(Math.round((context.clock.steadyMs() - from) * 1000)),
  };
  if (result.kind === "returned") {
    return json(200, bsatnToJson(result.procedure.returns, "positional", new ByteReader(result.value)), headers);
  }
  switch (result.code) {
    case "NoSuchProcedure":
      return refusal(404, "NoSuchReducer", result.message);
    case "BadArguments":
      return refusal(400, "BadArguments", result.message);
    case "ReducerCrashed":
      return refusal(
        500,
        "ReducerCrashed",
        `The module instance encountered a fatal error: ${result.message}`,
        headers,
      );
    default:
      return refusal(errorFacts(result.code).http, result.code, result.message);
  }
}
