/** Calls of functions over HTTP: arguments and results are JSON. */
import { errorFacts, LightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { bsatnToJson, ByteReader } from "@lightcone/sats";
import { callProcedure, type ProcedureResult } from "../calls/procedure-call.ts";
import { callReducer, whyNotCallable } from "../calls/reducer-call.ts";
import { Call, noBytes } from "../core/call.ts";
import type { DatabaseContext } from "../core/context.ts";
import type { BoundReducer } from "../core/module.ts";
import type { Caller, Reply } from "../link/link.ts";
import { failure, json, refusal, resultLostText, text } from "../link/reply.ts";
import type { Settled } from "../recovery/replay.ts";
import type { RequestRun } from "./ephemeral-connection.ts";

export class FunctionCall implements RequestRun {
  readonly connects = true;
  isPiecemeal = false;
  private readonly context: DatabaseContext;
  private readonly caller: Caller;
  private readonly functionName: string;
  private readonly argsText: string;

  constructor(context: DatabaseContext, caller: Caller, functionName: string, argsText: string) {
    this.context = context;
    this.caller = caller;
    this.functionName = functionName;
    this.argsText = argsText;
  }

  run(later: (reply: Reply) => void): Reply | undefined {
    const { context, caller, argsText } = this;
    const reducer = context.module?.reducer(this.functionName);
    const callable = whyNotCallable(context, reducer, caller.isOwner, noBytes, argsText);
    if (callable.kind === "callable") return this.callReducer(callable.reducer, callable.args);
    switch (callable.code) {
      case "NoSuchReducer":
        return this.callProcedure(later);
      case "Lifecycle":
        return refusal(400, "BadRequest", callable.message);
      case "BadArguments":
        return refusal(400, "BadArguments", callable.message);
      case "LimitExceeded":
      case "FunctionQuarantined":
        return refusal(errorFacts(callable.code).http, callable.code, callable.message);
    }
  }

  settled({ kind }: Settled): Reply {
    if (kind !== CommitKind.reducer) return failure(new LightconeError("CallUnknown", {}));
    return this.context.module?.reducer(this.functionName)?.def.returns === undefined
      ? text(200, "")
      : refusal(503, "CallUnknown", resultLostText);
  }

  private callReducer(reducer: BoundReducer, args: Uint8Array): Reply {
    const { context } = this;
    const call = new Call(CommitKind.reducer, this.caller).of(reducer, context.pipeline.nowMicros(), args);
    call.requestSequence = 1;
    call.argsText = this.argsText;
    const fromMs = context.clock.steadyMs();
    const result = callReducer(context, call, reducer);
    const headers = { "spacetime-energy-used": "0", ...durationSince(context, fromMs) };
    if (result.kind === "committed") {
      const { returns } = reducer.def;
      if (returns === undefined || call.returned === undefined) return text(200, "", headers);
      return json(200, bsatnToJson(returns, "positional", new ByteReader(call.returned)), headers);
    }
    return refusal(errorFacts(result.code).http, result.code, result.message, headers);
  }

  /** Procedures are looked up last, so theirs is the text for a name that nothing has. */
  private callProcedure(later: (reply: Reply) => void): Reply | undefined {
    const { context, caller, functionName: name, argsText } = this;
    this.isPiecemeal = true;
    const fromMs = context.clock.steadyMs();
    let reply: Reply | undefined;
    let answer = (made: Reply): void => void (reply = made);
    const waits = (): void => undefined; // there is nothing behind it
    callProcedure(context, { caller, number: 1, name, args: noBytes, argsText, waits }, (result) =>
      answer(procedureReply(result, durationSince(context, fromMs))),
    );
    answer = later;
    return reply;
  }
}

function durationSince({ clock }: DatabaseContext, fromMs: number): Readonly<Record<string, string>> {
  return { "spacetime-execution-duration-micros": String(Math.round((clock.steadyMs() - fromMs) * 1000)) };
}

function procedureReply(result: ProcedureResult, headers: Readonly<Record<string, string>>): Reply {
  if (result.kind === "returned")
    return json(200, bsatnToJson(result.procedure.returns, "positional", new ByteReader(result.value)), headers);
  const { code, message } = result;
  switch (code) {
    case "NoSuchProcedure":
      return refusal(404, "NoSuchReducer", message);
    case "BadArguments":
      return refusal(400, "BadArguments", message);
    case "ReducerCrashed":
      return refusal(500, "ReducerCrashed", `The module instance encountered a fatal error: ${message}`, headers);
    default:
      return refusal(errorFacts(code).http, code, message);
  }
}
