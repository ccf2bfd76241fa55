/**
 * One client's connection: its messages become work, and what the work brings about becomes answers.
 *
 * Messages run in the order they came. Every answer leaves through `send-queue.ts`, the one place that decides
 * whether it waits.
 */
import { cutText, errorFacts, isLightconeError, type ErrorCode, type LightconeError } from "@lightcone/base";
import {
  clientTag,
  decodeClientMessage,
  decodeClientMessageJson,
  noReducer,
  readCallFrame,
  type CallFrame,
  type ClientMessage,
  type TransactionHead,
} from "@lightcone/protocol";
import type { StreamedAnswer } from "./answer-stream.ts";
import type { Piece } from "../wire/message-buffer.ts";
import { argsOf, viewOf } from "../wire/v1/call-bytes.ts";
import { bytesOfClient, keyOfClient } from "../link/client.ts";
import type { Encoder } from "../wire/wire-format.ts";
import { abandonConnect, connectClient, DisconnectJob } from "../calls/lifecycle.ts";
import type { ConnectionHandle, ConnectionInfo, ConnectionSink, ResumeNote } from "../link/link.ts";
import type { BoundReducer } from "../calls/module-runtime.ts";
import type { Delivery } from "./durability-queue.ts";
import { SendQueue } from "./send-queue.ts";
import { callProcedure } from "../calls/procedure-call.ts";
import { abandonCall, callReducer, whyNotCallable } from "../calls/reducer-call.ts";
import { fatalText, halfDoneText } from "../link/reply.ts";
import { failureOf } from "../wire/v1/message-failure.ts";
import { mustBeWhole } from "../recovery/noted.ts";
import type { Settled } from "../recovery/replay.ts";
import { endedBy, type NumberedMessage, type ResumedConnection } from "../recovery/resume.ts";
import type { DatabaseContext } from "../core/context.ts";
import { QuerySets } from "../wire/v1/query-sets.ts";
import { ConnectJob, FailJob, MessageJob, SettledJob } from "./session-jobs.ts";
import type { Origin, SessionChange } from "../subscriptions/fan-out.ts";
import { CommitKind } from "@lightcone/engine";
import { WorkKind } from "../link/work.ts";
import { noBytes } from "../core/commit-pipeline.ts";

/** Messages that may wait before the front is asked to stop reading. */
const waitingMax = 1024;

export class Session implements ConnectionHandle {
  readonly info: ConnectionInfo;
  readonly sink: ConnectionSink;
  readonly encoder: Encoder;
  /** What the present commit changes for this session; empty between commits. */
  readonly changes: SessionChange[] = [];
  private readonly context: DatabaseContext;
  private readonly sets: QuerySets;
  private readonly out: SendQueue;
  /** What its work is named by. */
  private readonly id: Uint8Array;
  private readonly inFull: Origin;
  private readonly inShort: Origin;
  private state: "opening" | "open" | "closed" = "opening";
  /** Messages received, and so the number of the latest. */
  private received = 0;
  private waiting = 0;
  /** The message that runs now. */
  private running = 0;
  /** Whether it has no answer yet. */
  private owesAnswer = false;
  private readyHeld = false;
  /** While subscriptions are taken back: nothing is sent. */
  private silent = false;
  /** Whether a subscription could not be taken back: its client would wait for rows that never come. */
  private isUnlikeBefore = false;
  onReady: (() => void) | undefined;
  /** Called once, when the connection is over. */
  onClosed: (() => void) | undefined;

  /** @param resumed where the connection stood with a host that ended; it is new without */
  constructor(context: DatabaseContext, info: ConnectionInfo, sink: ConnectionSink, resumed?: ResumedConnection) {
    this.context = context;
    this.info = info;
    this.sink = sink;
    this.encoder = context.encoder(info.protocol);
    this.sets = new QuerySets(context, this);
    this.out = new SendQueue(context, sink, info.confirmed, () => this.end(undefined, ""));
    this.id = bytesOfClient(info.caller);
    this.inFull = { session: this, notify: true };
    this.inShort = { session: this, notify: false };
    if (resumed === undefined) context.loop.push(new ConnectJob(this));
    else this.resume(resumed);
  }

  /** Takes the subscriptions back without a word: the client has their rows. */
  private resume(resumed: ResumedConnection): void {
    this.context.claims.set(keyOfClient(this.info.caller), new TextEncoder().encode(this.info.caller.claims));
    this.received = resumed.received;
    this.state = "open";
    this.silent = true;
    for (const { number, bytes, isText } of resumed.subscribed) {
      this.waiting++;
      this.handle(bytes, 0, bytes.length, isText, number);
    }
    this.silent = false;
    if (this.isUnlikeBefore) this.end(1011, "the database started again");
  }

  /** Has a replayed commit told as the answer to one of this session's pending calls. */
  answerWithCommit({ bytes, isText }: NumberedMessage): void {
    const { subscriptions } = this.context;
    const message = decode(bytes, 0, bytes.length, isText);
    const isCall = message.kind === "CallReducer";
    // That it is answered is said by `resumePending`: what came before it may not be yet.
    this.running = 0;
    subscriptions.origin = isCall && message.notify ? this.inFull : this.inShort;
    subscriptions.argsText = isCall ? message.argsText : undefined;
  }

  /**
   * Goes on with what had no answer.
   *
   * @param inLog what of it is in the log: a call's commit has told the client; a procedure that has commits is not
   *   begun again
   * @param condemned numbers of the messages that are failed, not run
   */
  resumePending(resumed: ResumedConnection, inLog: ReadonlyMap<number, Settled>, condemned: ReadonlySet<number>): void {
    const { loop } = this.context;
    let isFirst = true;
    for (const { number, bytes, isText } of resumed.pending) {
      this.waiting++;
      const kind = inLog.get(number)?.kind;
      const isSettled = kind === CommitKind.reducer;
      // As long as nothing before it waits, what is settled is said to be at once, with the answer itself.
      if (isSettled && isFirst) this.settled(number);
      else if (isSettled) loop.push(new SettledJob(this, number));
      else if (kind !== undefined) loop.push(new FailJob(this, bytes, isText, number, halfDoneText));
      else if (condemned.has(number)) loop.push(new FailJob(this, bytes, isText, number, fatalText));
      else loop.push(new MessageJob(this, bytes, 0, bytes.length, isText, number));
      isFirst &&= isSettled;
    }
  }

  /** A pending call turned out to be in the log: nothing is left to say. */
  settled(number: number): void {
    this.finishWaiting();
    this.running = number;
    this.told(undefined, true);
  }

  /** Fails a message that a host before has ended at, or left half done. */
  fail(bytes: Uint8Array, isText: boolean, number: number, text: string): void {
    this.finishWaiting();
    if (this.state === "open") this.answerFailed(bytes, 0, bytes.length, isText, number, text, 0);
  }

  get ready(): boolean {
    return !this.readyHeld;
  }

  receive(bytes: Uint8Array, at: number, length: number, isText: boolean): void {
    if (this.state === "closed") return;
    const number = ++this.received;
    if (++this.waiting > this.context.limits.connectionQueueMax) {
      this.end(1013, "too many requests");
      return;
    }
    if (this.waiting >= waitingMax) this.readyHeld = true;
    this.context.loop.push(new MessageJob(this, bytes, at, length, isText, number));
  }

  closed(): void {
    if (this.state === "closed") return;
    const wasOpen = this.state === "open";
    this.state = "closed";
    this.out.close();
    this.sets.clear();
    this.onClosed?.();
    if (wasOpen) this.context.loop.push(new DisconnectJob(this.context, this.info.caller));
  }

  /** Ends the connection from this side. */
  end(code: number | undefined, reason: string): void {
    if (this.state === "closed") return;
    this.sink.close(code, reason);
    this.closed();
  }

  /** The same when all that the client was answered is told. What it sends from now on is not looked at. */
  finish(code: number, reason: string): void {
    if (this.state !== "open") return; // who is still to be let in knows the version that does it
    this.out.finish(code, reason);
    this.closed();
  }

  /** Whether others' calls are told without who made them: asked for, or since the module's version has it so. */
  get light(): boolean {
    return this.info.light || this.context.module?.def.version === 10;
  }

  /** Runs the module's connect reducer and greets the client; without it nothing else is answered. */
  connect(): void {
    if (this.state !== "opening") return;
    const { caller, token } = this.info;
    const refused = connectClient(this.context, caller);
    if (refused !== undefined) {
      this.state = "closed";
      this.out.close();
      this.onClosed?.();
      this.sink.close(closeCode(refused.code), closeReason(refused.message));
      return;
    }
    this.state = "open";
    this.answer(this.encoder.identityToken(caller.identity, token, caller.connectionId));
  }

  /** The module took too long to let the client in. */
  abandonConnect(): void {
    const { caller } = this.info;
    this.context.activity.end();
    const { message } = abandonConnect(this.context, caller);
    this.end(1011, closeReason(message));
    mustBeWhole(this.context, WorkKind.connect, this.id, 0);
  }

  /** Runs one message. */
  handle(bytes: Uint8Array, at: number, length: number, isText: boolean, number: number): void {
    this.finishWaiting();
    if (this.state !== "open") return;
    this.running = number;
    this.owesAnswer = true;
    this.context.activity.begin(WorkKind.message, this.id, number);
    try {
      if (!isText && bytes[at] === clientTag.CallReducer) this.callFrame(bytes, at, length);
      else this.message(decode(bytes, at, length, isText));
    } catch (error) {
      if (!isUnreadable(error)) throw endedBy(error, WorkKind.message, this.id, number);
      this.end(1011, closeReason(error.message));
    }
    this.context.activity.end();
    mustBeWhole(this.context, WorkKind.message, this.id, number);
  }

  /** The message that was running took too long and was ended. */
  timedOut(bytes: Uint8Array, at: number, length: number, isText: boolean, number: number): void {
    const context = this.context;
    context.activity.end();
    const { message } = abandonCall(context);
    // What was cut short in the middle of a change is answered by the next host: it sees what is in the log.
    mustBeWhole(context, WorkKind.message, this.id, number);
    if (this.running !== number || this.owesAnswer)
      this.answerFailed(bytes, at, length, isText, number, message, context.limits.reducerTimeoutMs * 1000);
  }

  /** Answers a message that has no outcome of its own: with its kind of failure, out of its own bytes. */
  private answerFailed(
    bytes: Uint8Array,
    at: number,
    length: number,
    isText: boolean,
    number: number,
    text: string,
    micros: number,
  ): void {
    this.running = number;
    let message: ClientMessage;
    try {
      message = decode(bytes, at, length, isText);
    } catch (error) {
      if (!isUnreadable(error)) throw endedBy(error, WorkKind.message, this.id, number);
      this.end(1011, closeReason(error.message));
      return;
    }
    this.told(failureOf(this.context, this.encoder, this.info.caller, message, text, micros), true);
  }

  /** Takes the message about a commit; undefined when the caller asked not to hear of success. */
  told(message: Piece | undefined, isAnswer: boolean): void {
    const answered = isAnswer ? this.running : 0;
    if (isAnswer) this.owesAnswer = false;
    if (message === undefined) this.push(undefined, 0, 0, true, answered);
    else this.push(message.bytes, message.at, message.length, true, answered);
  }

  /** Answers the running message with a whole message. */
  answer(message: Piece): void {
    this.told(message, true);
  }

  /** Answers the running message with a message in parts. */
  answerParts(parts: readonly Piece[]): void {
    const { subscriptions } = this.context;
    const { isChanging } = subscriptions;
    subscriptions.isChanging = true; // half a message is half a change
    this.owesAnswer = false;
    parts.forEach((part, index) => {
      const last = index === parts.length - 1;
      this.push(part.bytes, part.at, part.length, last, last ? this.running : 0);
    });
    subscriptions.isChanging = isChanging;
  }

  /** Answers the running message with rows that are not all there yet; what is said meanwhile follows. */
  answerInSlices(answer: Omit<StreamedAnswer, "answered">): void {
    this.owesAnswer = false;
    this.out.pushInSlices({ ...answer, answered: this.running });
  }

  /** Notes something for whoever holds the connection, in its order among the answers. */
  note(note: ResumeNote): void {
    this.push(note, 0, 0, true, 0);
  }

  /** Whether something waits behind an answer that leaves in slices. */
  get holdsBack(): boolean {
    return this.out.holdsBack;
  }

  /** A publish may have taken from the client what it was subscribed to. */
  accessChanged(): void {
    if (this.state !== "open") return;
    this.running = 0; // nothing is answered by this
    this.sets.endUnreadable();
  }

  /** Whether an answer is on its way in slices. */
  get isTelling(): boolean {
    return this.out.isStreaming;
  }

  get isSilent(): boolean {
    return this.silent;
  }

  /** The message that runs now, counted from 1. */
  get messageNumber(): number {
    return this.running;
  }

  private message(message: ClientMessage): void {
    switch (message.kind) {
      case "CallReducer":
        this.call(
          message.reducer,
          this.findByName(message.reducer),
          message.args,
          message.argsText,
          message.requestId,
          message.notify,
        );
        break;
      case "CallProcedure":
        this.procedure(message.procedure, message.args, message.argsText, message.requestId);
        break;
      case "Subscribe":
      case "SubscribeSingle":
      case "SubscribeMulti":
      case "Unsubscribe":
      case "UnsubscribeMulti":
      case "OneOffQuery":
        this.sets.handle(message);
        break;
    }
  }

  private procedure(name: string, args: Uint8Array, argsText: string | undefined, requestId: number): void {
    const result = callProcedure(this.context, this.info.caller, this.running, name, args, argsText);
    const micros =
      result.kind === "failed" && result.code === "NoSuchProcedure" ? 0 : this.context.subscriptions.durationMicros();
    this.answer(
      result.kind === "returned"
        ? this.encoder.procedureResult(
            result.value,
            result.procedure.returns,
            result.timestampMicros,
            micros,
            requestId,
          )
        : this.encoder.procedureFailure(result.message, result.timestampMicros, micros, requestId),
    );
  }

  private callFrame(bytes: Uint8Array, at: number, length: number): void {
    const view = viewOf(bytes);
    readCallFrame(view, at, at + length, frame);
    const reducer = this.context.module?.names.find(bytes, frame.nameAt, frame.nameLength);
    const argsEnd = frame.argsAt + frame.argsLength;
    const args = argsOf(bytes, frame.argsAt, frame.argsLength);
    if (
      reducer?.isForAll === true &&
      frame.argsLength <= this.context.limits.callArgumentsBytesMax &&
      reducer.validate(bytes, view, frame.argsAt, argsEnd) === argsEnd
    ) {
      this.fillMeta(reducer.def.name, reducer.def.id, frame.requestId, args);
      this.run(reducer, undefined, frame.notify);
      return;
    }
    const name = reducer?.def.name ?? utf8.decode(bytes.subarray(frame.nameAt, frame.nameAt + frame.nameLength));
    this.call(name, reducer, args, undefined, frame.requestId, frame.notify);
  }

  private findByName(name: string): BoundReducer | undefined {
    return this.context.module?.reducers.find((reducer) => reducer.def.name === name);
  }

  private call(
    name: string,
    reducer: BoundReducer | undefined,
    args: Uint8Array,
    argsText: string | undefined,
    requestId: number,
    notify: boolean,
  ): void {
    this.fillMeta(name, reducer?.def.id ?? noReducer, 0, noBytes);
    const call = whyNotCallable(this.context, reducer, this.info.caller.isOwner, args, argsText);
    const { meta } = this.context;
    if (call.kind === "refused") {
      this.answer(this.encoder.failure(call.message, headOf(meta)));
      return;
    }
    meta.requestId = requestId;
    meta.args = call.args;
    this.run(call.reducer, argsText, notify);
  }

  private fillMeta(name: string, reducerId: number, requestId: number, args: Uint8Array): void {
    const { meta, pipeline } = this.context;
    const { caller } = this.info;
    meta.kind = CommitKind.reducer;
    meta.timestampMicros = pipeline.nowMicros();
    meta.functionName = name;
    meta.reducerId = reducerId;
    meta.sender = caller.identity;
    meta.connection = caller.connectionId;
    meta.requestId = requestId;
    meta.requestSequence = this.running;
    meta.args = args;
  }

  /** Runs a reducer as the room's `meta` says, and sees to its answer. */
  private run(reducer: BoundReducer, argsText: string | undefined, notify: boolean): void {
    const context = this.context;
    const { meta } = context;
    context.subscriptions.argsText = argsText;
    context.subscriptions.origin = notify ? this.inFull : this.inShort;
    const result = callReducer(context, reducer);
    context.subscriptions.origin = undefined;
    context.subscriptions.argsText = undefined;
    switch (result.kind) {
      case "committed":
        // With a change, the commit itself has told the caller.
        if (!result.changed) {
          if (notify)
            this.answer(
              this.encoder.update(
                [],
                { ...headOf(meta), argsText, durationMicros: context.subscriptions.durationMicros() },
                false,
              ),
            );
          else this.told(undefined, true);
        }
        break;
      case "failed":
        if (notify)
          this.answer(
            this.encoder.failure(result.message, {
              ...headOf(meta),
              argsText,
              durationMicros: context.subscriptions.durationMicros(),
            }),
          );
        else this.told(undefined, true);
        break;
    }
  }

  private finishWaiting(): void {
    this.waiting--;
    if (!this.readyHeld || this.waiting > waitingMax / 2) return;
    this.readyHeld = false;
    this.onReady?.();
  }

  private push(told: Delivery, at: number, length: number, last: boolean, answered: number): void {
    if (!this.silent) this.out.push(told, at, length, last, answered);
    // What is taken back says nothing, so this says why not.
    else this.isUnlikeBefore = true;
  }
}

const utf8 = new TextDecoder();
const frame: CallFrame = { nameAt: 0, nameLength: 0, argsAt: 0, argsLength: 0, requestId: 0, notify: true };

function headOf(meta: Omit<TransactionHead, "durationMicros" | "argsText">): TransactionHead {
  const { timestampMicros, sender, connection, functionName, reducerId, args, requestId } = meta;
  return { timestampMicros, sender, connection, functionName, reducerId, args, requestId, durationMicros: 0 };
}

function decode(bytes: Uint8Array, at: number, length: number, isText: boolean): ClientMessage {
  return isText ? decodeClientMessageJson(bytes, at, length) : decodeClientMessage(bytes, at, length);
}

/** Whether an error says that a message is none. */
function isUnreadable(error: unknown): error is LightconeError {
  return isLightconeError(error, "Malformed") || isLightconeError(error, "TooDeep");
}

/** A close code for what ends a connection: its own, if the catalogue has one. */
function closeCode(code: ErrorCode): number {
  return errorFacts(code).close ?? 1011;
}

/** A close reason has room for 123 bytes. */
function closeReason(text: string): string {
  return cutText(text, 120);
}
