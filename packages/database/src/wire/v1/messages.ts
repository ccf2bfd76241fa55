/**
 * Version 1 of the wire, in its two forms: which message is run by what, and how each kind is answered when it fails.
 * docs/wire/websocket-v1.md has its messages; `encoder.ts` those to a client.
 */
import {
  clientTag,
  decodeClientMessage,
  decodeClientMessageJson,
  type CallProcedure,
  type ClientMessage,
  type OneOffQuery,
} from "@lightcone/protocol";
import type { DeltaPart } from "@lightcone/query";
import type { Call, CommitHead } from "../../core/call.ts";
import type { DatabaseContext } from "../../core/context.ts";
import type { Caller, KeptPart } from "../../link/link.ts";
import type { Subscriptions } from "../../subscriptions/fan-out.ts";
import type { Subscriber, Subscription } from "../../subscriptions/subscriber.ts";
import { FirstRows } from "../first-rows.ts";
import { answerOneOff } from "../one-off.ts";
import { answerProcedure } from "../procedures.ts";
import type { Channel, ClientRequest, Conversation, Frame, Wire } from "../wire.ts";
import type { Encoder } from "./encoder.ts";
import { QuerySets } from "./query-sets.ts";
import { ReducerCalls, type CallingClient } from "./reducer-calls.ts";
import { Updates } from "./updates.ts";

/** One of the forms of version 1. */
export class WireV1 implements Wire {
  private readonly context: DatabaseContext;
  private readonly subscriptions: Subscriptions;
  private readonly encoder: Encoder;
  private readonly updates: Updates;

  constructor(context: DatabaseContext, subscriptions: Subscriptions, encoder: Encoder) {
    this.context = context;
    this.subscriptions = subscriptions;
    this.encoder = encoder;
    this.updates = new Updates(encoder);
  }

  open(channel: Channel): Conversation {
    return new ConversationV1(this.context, this.subscriptions, this.encoder, this.updates, channel);
  }

  functionCalledBy(message: Frame): string | undefined {
    try {
      const decoded = decode(message);
      if (decoded.kind === "CallReducer") return decoded.reducer;
      return decoded.kind === "CallProcedure" ? decoded.procedure : undefined;
    } catch {
      return undefined; // a message that cannot be read calls nothing
    }
  }
}

class ConversationV1 implements Conversation, Subscriber, CallingClient {
  readonly changes: DeltaPart[] = [];
  readonly caller: Caller;
  private readonly context: DatabaseContext;
  private readonly encoder: Encoder;
  private readonly updates: Updates;
  private readonly channel: Channel;
  private readonly calls: ReducerCalls;
  private readonly rows: FirstRows;
  private readonly sets: QuerySets;

  constructor(
    context: DatabaseContext,
    subscriptions: Subscriptions,
    encoder: Encoder,
    updates: Updates,
    channel: Channel,
  ) {
    this.context = context;
    this.encoder = encoder;
    this.updates = updates;
    this.channel = channel;
    this.caller = channel.info.caller;
    this.calls = new ReducerCalls(context, encoder, updates, this);
    this.rows = new FirstRows(context, channel, (table) => encoder.gather(table));
    this.sets = new QuerySets(context, subscriptions, encoder, channel, this.rows, this);
  }

  /** Whether updates leave out who made the call: asked for, or since the module's version has it so. */
  get isLight(): boolean {
    return this.channel.info.light || this.context.module?.def.version === 10;
  }

  deliver(commit: CommitHead): void {
    this.channel.send(this.updates.message(this.changes, commit, this.isLight));
  }

  struckOff(subscription: Subscription, text: string): void {
    this.sets.strikeOff(subscription, text);
  }

  missed(subscription: Subscription, text: string): void {
    this.sets.giveUp(subscription, text);
  }

  sendIdentity(): void {
    const { identity, connectionId } = this.caller;
    this.channel.send(this.encoder.identityToken(identity, this.channel.info.token, connectionId));
  }

  run(request: ClientRequest): void {
    if (!request.isText && request.bytes[request.at] === clientTag.CallReducer) this.calls.runFrame(request);
    else this.runMessage(request, decode(request));
  }

  readsOnly(request: Frame): boolean {
    const { kind } = decode(request);
    return kind !== "CallReducer" && kind !== "CallProcedure";
  }

  private runMessage(request: ClientRequest, message: ClientMessage): void {
    switch (message.kind) {
      case "CallReducer":
        this.calls.run(request, message);
        break;
      case "CallProcedure":
        this.runProcedure(request, message);
        break;
      case "OneOffQuery":
        this.answerOneOff(request, message);
        break;
      default:
        this.sets.run(request, message);
    }
  }

  fail(request: ClientRequest, text: string, micros: number): void {
    const message = decode(request);
    const { encoder, context } = this;
    switch (message.kind) {
      case "CallReducer":
        this.calls.fail(request, message, text, micros);
        break;
      case "CallProcedure":
        request.send(encoder.procedureFailure(text, context.pipeline.nowMicros(), micros, message.requestId));
        break;
      case "OneOffQuery":
        request.send(encoder.oneOffError(message.messageId, micros, text));
        break;
      case "Subscribe":
        request.send(encoder.subscriptionError(micros, message.requestId, undefined, text));
        break;
      default:
        request.send(encoder.subscriptionError(micros, message.requestId, message.queryId, text));
    }
  }

  restore(parts: readonly KeptPart[]): boolean {
    return this.sets.restore(parts);
  }

  callOf(request: ClientRequest): Call {
    const message = decode(request);
    return this.calls.replayed(request, message.kind === "CallReducer" ? message : undefined);
  }

  accessChanged(): void {
    this.sets.endUnreadable();
  }

  close(): void {
    this.sets.clear();
  }

  private answerOneOff(request: ClientRequest, { messageId, query }: OneOffQuery): void {
    const { context, encoder } = this;
    answerOneOff(context, this.rows, this.caller, request, query, {
      rows: (rows) => encoder.oneOff(messageId, context.time.durationMicros(), rows),
      error: (text) => encoder.oneOffError(messageId, context.time.durationMicros(), text),
    });
  }

  private runProcedure(request: ClientRequest, message: CallProcedure): void {
    const { encoder, context } = this;
    const { requestId } = message;
    answerProcedure(context, this.caller, request, message, {
      returned: (value, type, atMicros, micros) => encoder.procedureResult(value, type, atMicros, micros, requestId),
      failed: (text, atMicros, micros) => encoder.procedureFailure(text, atMicros, micros, requestId),
    });
  }
}

function decode({ bytes, at, length, isText }: Frame): ClientMessage {
  return isText ? decodeClientMessageJson(bytes, at, length) : decodeClientMessage(bytes, at, length);
}
