/** A request over HTTP that acts as a client of its own: it connects, does one thing, and disconnects. */
import { errorFacts, type ErrorCode, type LightconeError } from "@lightcone/base";
import { abandonConnect, connectClient, disconnectJob, type Refusal } from "../calls/lifecycle.ts";
import { abandonNoted } from "../calls/reducer-call.ts";
import type { DatabaseContext } from "../core/context.ts";
import type { Job } from "../core/job-loop.ts";
import { noteTimeOut } from "../core/time-out.ts";
import { bytesOfClient } from "../link/client.ts";
import type { Caller, Reply } from "../link/link.ts";
import { failure, refusal, type LongReply } from "../link/reply.ts";
import { WorkKind } from "../link/work.ts";
import { noted } from "../recovery/noted.ts";
import type { Settled } from "../recovery/replay.ts";
import { endedBy, interrupted } from "../recovery/resume.ts";

/** Takes a reply, and the offset that it tells of if that is not the present one. */
export type Answer = (reply: Reply, offset?: number) => void;

/** The one request of such a connection. */
export interface RequestRun {
  /** Whether its caller connects for it, as a client does. */
  readonly connects: boolean;
  /**
   * @param later takes the reply of what has not ended yet
   * @returns the reply, or how it is made in slices; undefined when it comes later
   */
  run(later: (reply: Reply) => void): Reply | LongReply | undefined;
  /** Whether it only reads; false without. */
  readsOnly?(): boolean;
  /** Whether what it has committed when it is ended is only a part of it, as a procedure's. */
  readonly isPiecemeal: boolean;
  /** The reply to what a host before has carried out, or begun to. */
  settled(settled: Settled): Reply;
}

/**
 * Connects as `caller`, runs the request, answers with its reply, disconnects. The owner's request is run even if the module
 * refuses, breaks or does not come to an end when it connects: whoever mends the module must get in.
 */
export class EphemeralConnectionJob implements Job {
  private readonly context: DatabaseContext;
  private readonly caller: Caller;
  private readonly request: RequestRun;
  private readonly answer: Answer;
  private readonly id: Uint8Array;
  private isConnecting: boolean;
  private isConnected = false;
  /** The last offset before the request ran. */
  private offset = -1;
  private long: LongReply | undefined;

  /** @param connects whether it connects at all */
  constructor(context: DatabaseContext, caller: Caller, request: RequestRun, answer: Answer, connects: boolean) {
    this.context = context;
    this.caller = caller;
    this.request = request;
    this.answer = answer;
    this.id = bytesOfClient(caller);
    this.isConnecting = connects;
  }

  get owner(): object {
    return this;
  }

  /**
   * While what writes waits, it reads without connecting, as on a full disk, unless the module has a say in who connects. What
   * has begun to send its rows goes on.
   */
  readsOnly(): boolean {
    if (this.long !== undefined) return true;
    const { context, caller, request } = this;
    const mayRead = !this.isConnecting || caller.isOwner || context.module?.lifecycle("connect") === undefined;
    return mayRead && request.readsOnly?.() === true;
  }

  run(): void {
    if (this.isConnecting && !this.connect()) return;
    this.isConnecting = false;
    const { long } = this;
    if (long === undefined) {
      this.context.critical.letGo(); // connecting has committed; the request may be ended again
      this.offset = this.context.pipeline.offset;
      const made = this.noted(() => this.request.run(this.later));
      if (made === undefined) return; // what waits says so itself
      if ("status" in made) this.finish(made, undefined);
      else {
        this.long = made;
        this.context.loop.push(this);
      }
    } else this.nextSlice(long);
  }

  timedOut(): void {
    const { context } = this;
    if (this.isConnecting) {
      const error = abandonConnect(context, this.caller);
      if (this.caller.isOwner) {
        this.isConnecting = false;
        context.loop.push(this);
      } else this.refuse(error);
      return;
    }
    const error = abandonNoted(context, WorkKind.message, this.id, 1, "the statement");
    // What has committed has not come to nothing, and the log says what it has come to: the next host answers from it.
    if (context.pipeline.offset !== this.offset && !this.request.isPiecemeal)
      throw endedBy(interrupted(), WorkKind.message, this.id, 1, "interrupted");
    this.tooLate(error);
  }

  private readonly later = (reply: Reply): void => this.finish(reply, undefined);

  /** False when the client is refused; it has its answer then. */
  private connect(): boolean {
    // On a full disk no client connects or disconnects: reads need neither, and writes are refused by themselves.
    if (this.context.pipeline.refusal !== undefined || this.context.loop.holdsWrites) return true;
    const refused = connectClient(this.context, this.caller);
    this.isConnected = refused === undefined;
    if (refused === undefined || this.caller.isOwner) return true;
    this.refuse(refused);
    return false;
  }

  /** Who comes is not let in, whether the module refuses, breaks or takes too long, with its host or without. */
  private refuse({ code, message }: Refusal): void {
    const statuses: { readonly [Code in ErrorCode]?: number } = { ReducerCrashed: 403, ReducerTimedOut: 503 };
    this.answer(refusal(statuses[code] ?? errorFacts(code).http, code, message));
  }

  private nextSlice(long: LongReply): void {
    const reply = this.noted(() => long.slice());
    if (reply !== undefined) this.finish(reply, long.offset);
    else if (long.isLate) this.tooLate(noteTimeOut(this.context, "the statement"));
    else this.context.loop.push(this);
  }

  private noted<T>(work: () => T): T {
    return noted(this.context, WorkKind.message, this.id, 1, work);
  }

  private finish(reply: Reply, offset: number | undefined): void {
    this.long = undefined;
    if (this.isConnected) this.context.loop.push(disconnectJob(this.context, this.caller));
    this.answer(reply, offset);
  }

  private tooLate(error: LightconeError): void {
    this.long?.close();
    this.finish(failure(error), undefined);
  }
}
