/**
 * The reducer calls of one client: one call object, filled in for each, and how a `CallReducer` is answered.
 *
 *   committed  a `TransactionUpdate` with the commit's changes; or, if the client does not want to hear of success, those alone
 *   unchanged  a `TransactionUpdate` without changes, or nothing
 *   failed     a `TransactionUpdate` that says so, or nothing
 */
import { empty } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { noReducer, readCallFrame, type CallFrame, type CallReducer } from "@lightcone/protocol";
import { callReducer, whyNotCallable, type Refusal } from "../../calls/reducer-call.ts";
import { Call, noBytes, type CommitHead, type Responder } from "../../core/call.ts";
import type { DatabaseContext } from "../../core/context.ts";
import type { BoundReducer } from "../../core/module.ts";
import type { Caller } from "../../link/link.ts";
import type { Subscriber } from "../../subscriptions/subscriber.ts";
import type { ClientRequest } from "../wire.ts";
import { viewOf } from "../../link/shared-view.ts";
import { argsOf } from "../call-bytes.ts";
import type { Encoder } from "./encoder.ts";
import type { Updates } from "./updates.ts";

/** Who makes the calls: the client, and what commits change for it. */
export interface CallingClient extends Pick<Subscriber, "changes"> {
  readonly caller: Caller;
  /** Whether updates leave out who made the call. */
  readonly isLight: boolean;
}

/**
 * Refusals of calls that no function could have run as: the answer has neither their arguments nor the id of the
 * request, as v1 has it. Any other refusal is of a call that might have run, and says which.
 */
const answeredBare: ReadonlySet<Refusal> = new Set<Refusal>(["NoSuchReducer", "Lifecycle", "BadArguments"]);

export class ReducerCalls implements Responder {
  private readonly context: DatabaseContext;
  private readonly encoder: Encoder;
  private readonly updates: Updates;
  private readonly client: CallingClient;
  private readonly call: Call;
  /** The message that makes the present call. */
  private request: ClientRequest | undefined;
  /** Whether its client wants to hear how the call ended; of changes to its subscriptions it hears in any case. */
  private notify = true;

  constructor(context: DatabaseContext, encoder: Encoder, updates: Updates, client: CallingClient) {
    this.context = context;
    this.encoder = encoder;
    this.updates = updates;
    this.client = client;
    this.call = new Call(CommitKind.reducer, client.caller, this);
  }

  /** Runs a call in BSATN: straight from the frame's bytes, without decoding what need not be. */
  runFrame(request: ClientRequest): void {
    const { bytes, at } = request;
    const view = viewOf(bytes);
    readCallFrame(view, at, at + request.length, frame);
    const reducer = this.context.module?.names.find(bytes, frame.nameAt, frame.nameLength);
    const argsEnd = frame.argsAt + frame.argsLength;
    const args = argsOf(bytes, frame.argsAt, frame.argsLength);
    if (
      reducer?.isForAll === true &&
      frame.argsLength <= this.context.limits.callArgumentsBytesMax &&
      reducer.validate(bytes, view, frame.argsAt, argsEnd) === argsEnd
    ) {
      this.begin(request, reducer.def.name, reducer.def.id, frame.notify);
      this.call.requestId = frame.requestId;
      this.call.args = args;
      callReducer(this.context, this.call, reducer);
      return;
    }
    const name = reducer?.def.name ?? utf8.decode(bytes.subarray(frame.nameAt, frame.nameAt + frame.nameLength));
    this.check(request, name, reducer, args, undefined, frame.requestId, frame.notify);
  }

  /** Runs a call that is decoded. */
  run(request: ClientRequest, { reducer: name, args, argsText, requestId, notify }: CallReducer): void {
    this.check(request, name, this.context.module?.reducer(name), args, argsText, requestId, notify);
  }

  /** Answers a call that had no time left, or is not run. */
  fail(request: ClientRequest, message: CallReducer, text: string, micros: number): void {
    const { reducer: name, args, argsText, requestId, notify } = message;
    this.begin(request, name, this.context.module?.reducer(name)?.def.id ?? noReducer, notify);
    this.call.requestId = requestId;
    this.call.args = args;
    this.call.argsText = argsText;
    this.failed(text, micros);
  }

  /** The call that is in the log already: its commit answers it. */
  replayed(request: ClientRequest, message: CallReducer | undefined): Call {
    this.request = request;
    this.notify = message?.notify === true;
    this.call.argsText = message?.argsText;
    return this.call;
  }

  private check(
    request: ClientRequest,
    name: string,
    reducer: BoundReducer | undefined,
    args: Uint8Array,
    argsText: string | undefined,
    requestId: number,
    notify: boolean,
  ): void {
    const { context, call } = this;
    this.begin(request, name, reducer?.def.id ?? noReducer, notify);
    const callable = whyNotCallable(context, reducer, this.client.caller.isOwner, args, argsText);
    if (callable.kind === "callable" || !answeredBare.has(callable.code)) {
      call.requestId = requestId;
      call.args = callable.kind === "callable" ? callable.args : args;
      call.argsText = argsText;
    }
    if (callable.kind === "callable") callReducer(context, call, callable.reducer);
    // A call that did not begin is answered even if the client does not want to hear of success.
    else request.send(this.encoder.failure(callable.message, call));
  }

  private begin(request: ClientRequest, name: string, reducerId: number, notify: boolean): void {
    this.request = request;
    this.notify = notify;
    const { call } = this;
    call.timestampMicros = this.context.pipeline.nowMicros();
    call.functionName = name;
    call.reducerId = reducerId;
    call.args = noBytes;
    call.argsText = undefined;
    call.requestId = 0;
    call.requestSequence = request.number;
    call.durationMicros = 0;
  }

  // --- how a call is answered

  committed(commit: CommitHead): void {
    const { changes } = this.client;
    if (this.notify) this.request?.send(this.updates.message(changes, commit, false));
    else if (changes.length > 0) this.request?.send(this.updates.message(changes, commit, this.client.isLight));
    else this.request?.send(undefined);
    empty(changes);
  }

  unchanged(): void {
    if (this.notify)
      this.request?.send(this.encoder.update([], this.lasting(this.context.time.durationMicros()), false));
    else this.request?.send(undefined);
  }

  failed(text: string, micros: number): void {
    if (this.notify) this.request?.send(this.encoder.failure(text, this.lasting(micros)));
    else this.request?.send(undefined);
  }

  private lasting(micros: number): Call {
    this.call.durationMicros = micros;
    return this.call;
  }
}

const utf8 = new TextDecoder();
const frame: CallFrame = { nameAt: 0, nameLength: 0, argsAt: 0, argsLength: 0, requestId: 0, notify: true };
