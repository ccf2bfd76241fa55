/**
 * The reducer calls of one client: one call object, filled in for each, and how a `CallReducer` is answered.
 *
 *   committed  a `ReducerResult` with what the commit changed of the caller's query sets
 *   unchanged  a `ReducerResult` without changes
 *   failed     a `ReducerResult` with the reducer's own error, or with what kept it from ending
 */
import { empty } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { noReducer, v2 } from "@lightcone/protocol";
import { callReducer, whyNotCallable } from "../../calls/reducer-call.ts";
import { Call, noBytes, type CommitHead, type Responder } from "../../core/call.ts";
import type { DatabaseContext } from "../../core/context.ts";
import type { BoundReducer } from "../../core/module.ts";
import type { Caller, ConnectionInfo } from "../../link/link.ts";
import { resultLostText } from "../../link/reply.ts";
import { viewOf } from "../../link/shared-view.ts";
import { argsOf } from "../call-bytes.ts";
import type { ClientRequest } from "../wire.ts";
import type { EncoderV2, MarkedChanges } from "./encoder.ts";

export class ReducerCalls implements Responder {
  private readonly context: DatabaseContext;
  private readonly encoder: EncoderV2;
  private readonly caller: Caller;
  /** What a commit changes for the client. */
  private readonly changes: MarkedChanges;
  private readonly call: Call;
  /** The message that makes the present call. */
  private request: ClientRequest | undefined;
  /** Whether the client takes what reducers give. */
  private readonly takesResults: boolean;

  constructor(
    context: DatabaseContext,
    encoder: EncoderV2,
    { caller, results = false }: ConnectionInfo,
    changes: MarkedChanges,
  ) {
    this.context = context;
    this.takesResults = results;
    this.encoder = encoder;
    this.caller = caller;
    this.changes = changes;
    this.call = new Call(CommitKind.reducer, caller, this);
  }

  /** Runs a call straight from the frame's bytes, without decoding what need not be. */
  run(request: ClientRequest): void {
    const { context, call } = this;
    const { bytes, at } = request;
    const view = viewOf(bytes);
    v2.readCallFrame(view, at, at + request.length, frame);
    const reducer = context.module?.names.find(bytes, frame.nameAt, frame.nameLength);
    const argsEnd = frame.argsAt + frame.argsLength;
    const args = argsOf(bytes, frame.argsAt, frame.argsLength);
    if (
      reducer?.isForAll === true &&
      frame.argsLength <= context.limits.callArgumentsBytesMax &&
      reducer.validate(bytes, view, frame.argsAt, argsEnd) === argsEnd
    ) {
      this.begin(request, reducer.def.name, reducer, args, frame.requestId);
      callReducer(context, call, reducer);
      return;
    }
    const name = reducer?.def.name ?? utf8.decode(bytes.subarray(frame.nameAt, frame.nameAt + frame.nameLength));
    this.begin(request, name, reducer, args, frame.requestId);
    const callable = whyNotCallable(context, reducer, this.caller.isOwner, args, undefined);
    if (callable.kind === "callable") callReducer(context, call, callable.reducer);
    else this.failed(callable.message, 0, false);
  }

  /** Answers a call that had no time left, or is not run. */
  fail(request: ClientRequest, { reducer, args, requestId }: v2.CallReducer, text: string): void {
    this.begin(request, reducer, this.context.module?.reducer(reducer), args, requestId);
    this.failed(text, 0, false);
  }

  /** The call that is in the log already: its commit answers it. */
  replayed(request: ClientRequest): Call {
    this.request = request;
    this.call.argsText = undefined;
    this.call.returned = undefined;
    return this.call;
  }

  private begin(
    request: ClientRequest,
    name: string,
    reducer: BoundReducer | undefined,
    args: Uint8Array,
    requestId: number,
  ): void {
    this.request = request;
    const { call } = this;
    call.timestampMicros = this.context.pipeline.nowMicros();
    call.functionName = name;
    call.reducerId = reducer?.def.id ?? noReducer;
    call.args = reducer === undefined ? noBytes : args;
    call.requestId = requestId;
    call.requestSequence = request.number;
    call.durationMicros = 0;
  }

  // --- how a call is answered

  committed({ requestId, timestampMicros, reducerId }: CommitHead): void {
    const { changes, encoder } = this;
    const value = this.takesResults ? this.call.returned : undefined;
    if (this.takesResults && value === undefined && this.givesResult(reducerId)) {
      // The rows that it has changed are told as anybody's change.
      this.request?.send(encoder.reducerFailure(requestId, timestampMicros, resultLostText, false));
      return;
    }
    this.request?.send(encoder.reducerOk(requestId, timestampMicros, changes, value));
    empty(changes.changes);
    empty(changes.marks);
  }

  private givesResult(reducerId: number): boolean {
    return this.context.module?.reducers[reducerId]?.def.returns !== undefined;
  }

  unchanged(): void {
    const { requestId, timestampMicros } = this.call;
    const value = this.takesResults ? this.call.returned : undefined;
    this.request?.send(this.encoder.reducerOk(requestId, timestampMicros, nothing, value));
  }

  failed(text: string, _micros: number, isModules: boolean): void {
    const { requestId, timestampMicros } = this.call;
    this.request?.send(this.encoder.reducerFailure(requestId, timestampMicros, text, isModules));
  }
}

const utf8 = new TextDecoder();
const frame: v2.CallFrame = { nameAt: 0, nameLength: 0, argsAt: 0, argsLength: 0, requestId: 0 };
const nothing: MarkedChanges = { changes: [], marks: [] };
