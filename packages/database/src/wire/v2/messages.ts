/**
 * Version 2 of the wire: which message is run by what, and how each kind is answered when it fails.
 * docs/wire/websocket-v2.md has its messages; `encoder.ts` those to a client. `v1.bsatn.lightcone` is the same with one more,
 * `Resume`, and tells clients of places: docs/protocol.md.
 */
import { empty, LightconeError } from "@lightcone/base";
import { lightcone, v2 } from "@lightcone/protocol";
import type { DeltaPart } from "@lightcone/query";
import type { Call, CommitHead } from "../../core/call.ts";
import type { DatabaseContext } from "../../core/context.ts";
import type { Caller, KeptPart } from "../../link/link.ts";
import type { Subscriptions } from "../../subscriptions/fan-out.ts";
import type { RecentCommits } from "../../subscriptions/recent-commits.ts";
import type { Subscriber, Subscription } from "../../subscriptions/subscriber.ts";
import { FirstRows } from "../first-rows.ts";
import { answerOneOff } from "../one-off.ts";
import { answerProcedure } from "../procedures.ts";
import type { Channel, ClientRequest, Conversation, Frame, Wire } from "../wire.ts";
import type { EncoderV2, StandOfDatabase } from "./encoder.ts";
import { QuerySets } from "./query-sets.ts";
import { ReducerCalls } from "./reducer-calls.ts";
import { lineageOf, resumeSets } from "./resume-sets.ts";

export class WireV2 implements Wire {
  private readonly context: DatabaseContext;
  private readonly subscriptions: Subscriptions;
  private readonly encoder: EncoderV2;
  private readonly recent: RecentCommits | undefined;

  /** @param recent what clients may go on from; undefined in versions without */
  constructor(context: DatabaseContext, subscriptions: Subscriptions, encoder: EncoderV2, recent?: RecentCommits) {
    this.context = context;
    this.subscriptions = subscriptions;
    this.encoder = encoder;
    this.recent = recent;
  }

  open(channel: Channel): Conversation {
    return new ConversationV2(this.context, this.subscriptions, this.encoder, this.recent, channel);
  }

  functionCalledBy(message: Frame): string | undefined {
    try {
      const decoded = decode(message, this.recent !== undefined);
      if (decoded.kind === "CallReducer") return decoded.reducer;
      return decoded.kind === "CallProcedure" ? decoded.procedure : undefined;
    } catch {
      return undefined; // a message that cannot be read calls nothing
    }
  }
}

class ConversationV2 implements Conversation, Subscriber {
  readonly changes: DeltaPart[] = [];
  /** For each of `changes` the id of its query set. */
  readonly marks: number[] = [];
  private readonly caller: Caller;
  private readonly context: DatabaseContext;
  private readonly encoder: EncoderV2;
  private readonly channel: Channel;
  private readonly calls: ReducerCalls;
  private readonly rows: FirstRows;
  private readonly sets: QuerySets;
  private readonly recent: RecentCommits | undefined;

  constructor(
    context: DatabaseContext,
    subscriptions: Subscriptions,
    encoder: EncoderV2,
    recent: RecentCommits | undefined,
    channel: Channel,
  ) {
    this.context = context;
    this.encoder = encoder;
    this.channel = channel;
    this.caller = channel.info.caller;
    this.calls = new ReducerCalls(context, encoder, channel.info, this);
    this.rows = new FirstRows(context, channel, (table) => encoder.gather(table));
    this.sets = new QuerySets(context, subscriptions, encoder, channel, this.rows, this);
    this.recent = recent;
    recent?.begin(standOf(context));
  }

  deliver(commit: CommitHead): void {
    this.channel.send(this.encoder.update(this, commit));
    empty(this.marks);
  }

  struckOff(subscription: Subscription, text: string): void {
    this.sets.strikeOff(subscription, text);
  }

  missed(subscription: Subscription, text: string): void {
    this.sets.giveUp(subscription, text);
  }

  sendIdentity(): void {
    const { identity, connectionId } = this.caller;
    const lineage = this.recent === undefined ? undefined : lineageOf(this.context.identity, this.caller);
    this.channel.send(this.encoder.initialConnection(identity, connectionId, this.channel.info.token, lineage));
  }

  run(request: ClientRequest): void {
    if (!request.isText && request.bytes[request.at] === v2.clientTag.CallReducer) this.calls.run(request);
    else this.runMessage(request, this.decode(request));
  }

  readsOnly(request: Frame): boolean {
    const { kind } = this.decode(request);
    return kind !== "CallReducer" && kind !== "CallProcedure";
  }

  private decode(request: Frame): lightcone.ClientMessage {
    return decode(request, this.recent !== undefined);
  }

  private runMessage(request: ClientRequest, message: lightcone.ClientMessage): void {
    switch (message.kind) {
      case "CallReducer":
        this.calls.run(request);
        break;
      case "CallProcedure":
        this.runProcedure(request, message);
        break;
      case "OneOffQuery":
        answerOneOff(this.context, this.rows, this.caller, request, message.query, {
          rows: (rows) => this.encoder.oneOff(message.requestId, rows),
          error: (text) => this.encoder.oneOffError(message.requestId, text),
        });
        break;
      case "Subscribe":
        this.sets.subscribe(request, message);
        break;
      case "Unsubscribe":
        this.sets.unsubscribe(request, message);
        break;
      case "Resume":
        this.resume(request, message);
    }
  }

  private resume(request: ClientRequest, message: lightcone.Resume): void {
    const { context, encoder, channel, sets, recent } = this;
    if (recent !== undefined) resumeSets({ context, encoder, channel, sets, recent }, request, message);
  }

  fail(request: ClientRequest, text: string, micros: number): void {
    const message = this.decode(request);
    const { encoder, context } = this;
    switch (message.kind) {
      case "CallReducer":
        this.calls.fail(request, message, text);
        break;
      case "CallProcedure":
        request.send(encoder.procedureFailure(text, context.pipeline.nowMicros(), micros, message.requestId));
        break;
      case "OneOffQuery":
        request.send(encoder.oneOffError(message.requestId, text));
        break;
      case "Resume":
        request.sendParts(encoder.resumed(message.requestId, [], [], undefined));
        break;
      default:
        request.send(encoder.subscriptionError(message.requestId, message.querySetId, text));
    }
  }

  restore(parts: readonly KeptPart[]): boolean {
    return this.sets.restore(parts);
  }

  callOf(request: ClientRequest): Call {
    return this.calls.replayed(request);
  }

  accessChanged(): void {
    this.sets.endUnreadable();
  }

  close(): void {
    this.sets.clear();
  }

  private runProcedure(request: ClientRequest, message: v2.CallProcedure): void {
    const { encoder, context } = this;
    const { requestId } = message;
    answerProcedure(context, this.caller, request, message, {
      returned: (value, _, atMicros, micros) => encoder.procedureResult(value, atMicros, micros, requestId),
      failed: (text, atMicros, micros) => encoder.procedureFailure(text, atMicros, micros, requestId),
    });
  }
}

function standOf({ pipeline, store }: DatabaseContext): StandOfDatabase {
  return { offset: pipeline.offset, timestampMicros: store.timestampMicros };
}

/** @param isOwn whether it may be one of `v1.bsatn.lightcone` */
function decode({ bytes, at, length, isText }: Frame, isOwn: boolean): lightcone.ClientMessage {
  if (isText) throw new LightconeError("Malformed", { what: "client message", reason: "this version takes no texts" });
  return (isOwn ? lightcone : v2).decodeClientMessage(bytes, at, length);
}
