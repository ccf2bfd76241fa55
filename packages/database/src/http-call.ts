/** A request over HTTP that acts as a client of its own: it connects, does one thing, and disconnects. */
import type { LightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { bsatnToJson, ByteReader } from "@lightcone/sats";
import type { Job } from "./job-loop.ts";
import { abandonConnect, connectClient, DisconnectJob } from "./lifecycle.ts";
import type { Caller, Reply } from "./link.ts";
import { abandonCall, callReducer, whyNotCallable } from "./reducer-call.ts";
import { callProcedure } from "./procedure-call.ts";
import { failure, json, refusal, text } from "./reply.ts";
import { endedBy, interrupted } from "./resume.ts";
import type { Room } from "./room.ts";
import { noteTimeOut } from "./running.ts";
import { WorkKind } from "./work.ts";
import { noBytes } from "./writer.ts";

/** Takes a reply, and the offset that it tells of if that is not the present one. */
export type Answer = (reply: Reply, offset?: number) => void;

/** A reply that is made in slices, with other jobs in between. */
export interface LongReply {
  /** The offset that it tells of. */
  readonly offset: number;
  /** Whether it has taken longer in all than a call may. */
  readonly isLate: boolean;
  /** Makes the next slice. The reply, once it is whole. */
  slice(): Reply | undefined;
  /** Lets go of a reply that nobody will get. */
  close(): void;
}

/** Connects as `caller`, answers with what `work` gives, disconnects. */
export class VisitJob implements Job {
  readonly #room: Room;
  readonly #caller: Caller;
  readonly #work: () => Reply | LongReply;
  readonly #answer: Answer;
  #connected = false;
  #long: LongReply | undefined;

  constructor(room: Room, caller: Caller, work: () => Reply | LongReply, answer: Answer) {
    this.#room = room;
    this.#caller = caller;
    this.#work = work;
    this.#answer = answer;
  }

  run(): void {
    if (this.#long !== undefined) this.#goOn(this.#long);
    else if (this.#arrive()) {
      const made = this.#noted(this.#work);
      if ("status" in made) this.#leave(made, undefined);
      else {
        this.#long = made;
        this.#room.loop.push(this);
      }
    }
  }

  /** False when the client is refused, and told so. */
  #arrive(): boolean {
    // Without room to write, nobody comes or goes; reading needs neither, and writing says so itself.
    if (this.#room.refusal !== undefined) return true;
    const refused = connectClient(this.#room, this.#caller);
    this.#connected = refused === undefined;
    if (refused !== undefined) this.#answer(refusal(403, refused.code, refused.message));
    return this.#connected;
  }

  #goOn(long: LongReply): void {
    const reply = this.#noted(() => long.slice());
    if (reply !== undefined) this.#leave(reply, long.offset);
    else if (long.isLate) this.#tooLate(noteTimeOut(this.#room));
    else this.#room.loop.push(this);
  }

  /** Runs a part of the work; what ends the host in it can be named. */
  #noted<T>(work: () => T): T {
    if (!this.#connected) return work();
    this.#room.activity.begin(WorkKind.message, this.#caller.connectionId, 1);
    let result: T;
    try {
      result = work();
    } catch (error) {
      throw endedBy(error, this.#caller, 1);
    }
    this.#room.activity.end();
    this.#mustBeWhole();
    return result;
  }

  #leave(reply: Reply, offset: number | undefined): void {
    this.#long = undefined;
    if (this.#connected) this.#room.loop.push(new DisconnectJob(this.#room, this.#caller));
    this.#answer(reply, offset);
  }

  /** @throws {HostEnded} when the work left a change half-way */
  #mustBeWhole(): void {
    if (this.#room.store.poisoned) throw endedBy(interrupted(), this.#caller, 1);
  }

  timedOut(): void {
    let error: LightconeError;
    if (this.#connected) {
      this.#room.activity.end();
      error = abandonCall(this.#room);
    } else error = abandonConnect(this.#room, this.#caller);
    this.#mustBeWhole();
    this.#tooLate(error);
  }

  #tooLate(error: LightconeError): void {
    this.#long?.close();
    this.#leave(failure(error), undefined);
  }
}

/** Calls a reducer with arguments in JSON; what the job of a call does once it is connected. */
export function callOverHttp(room: Room, caller: Caller, functionName: string, args: string): Reply {
  const reducer = room.module?.reducers.find((each) => each.def.name === functionName);
  const call = whyNotCallable(reducer, caller.isOwner, noBytes, args);
  if (call.kind === "refused") {
    switch (call.code) {
      case "NoSuchReducer":
        return procedureOverHttp(room, caller, functionName, args);
      case "Lifecycle":
        return refusal(400, "BadRequest", call.message);
      case "BadArguments":
        return refusal(400, "BadArguments", call.message);
    }
  }
  const { meta } = room;
  meta.kind = CommitKind.reducer;
  meta.timestampMicros = room.writer.nowMicros();
  meta.functionName = functionName;
  meta.reducerId = call.reducer.def.id;
  meta.args = call.args;
  meta.sender = caller.identity;
  meta.connection = caller.connectionId;
  meta.requestId = 0;
  meta.requestSequence = 1;
  const from = room.clock.steadyMs();
  room.subscriptions.argsText = args;
  const result = callReducer(room, call.reducer);
  room.subscriptions.argsText = undefined;
  const headers = {
    "spacetime-energy-used": "0",
    "spacetime-execution-duration-micros": String(Math.round((room.clock.steadyMs() - from) * 1000)),
  };
  if (result.kind === "committed") return text(200, "", headers);
  // A full disk is not the module's: the call has not run.
  return refusal(result.code === "DiskFull" ? 507 : 530, result.code, result.message, headers);
}

/** Procedures are looked up last, so theirs is the text for a name that nothing has. */
function procedureOverHttp(room: Room, caller: Caller, functionName: string, args: string): Reply {
  const from = room.clock.steadyMs();
  const result = callProcedure(room, caller, functionName, noBytes, args);
  const headers = { "spacetime-execution-duration-micros": String(Math.round((room.clock.steadyMs() - from) * 1000)) };
  if (result.kind === "returned") {
    return json(200, bsatnToJson(result.procedure.returns, "positional", new ByteReader(result.value)), headers);
  }
  switch (result.code) {
    case "NoSuchProcedure":
      return refusal(404, "NoSuchReducer", result.message);
    case "BadArguments":
      return refusal(400, "BadArguments", result.message);
    case "Crashed":
      return refusal(
        500,
        "ReducerCrashed",
        `The module instance encountered a fatal error: ${result.message}`,
        headers,
      );
  }
}
