/** A request over HTTP that acts as a client of its own: it connects, does one thing, and disconnects. */
import { CommitKind } from "@lightcone/engine";
import { bsatnToJson, ByteReader } from "@lightcone/sats";
import type { Job } from "./job-loop.ts";
import { connectClient, disconnectClient } from "./lifecycle.ts";
import type { Caller, Reply } from "./link.ts";
import { callReducer, whyNotCallable } from "./reducer-call.ts";
import { callProcedure } from "./procedure-call.ts";
import { json, refusal, text } from "./reply.ts";
import { endedBy, interrupted } from "./resume.ts";
import type { Room } from "./room.ts";
import { noBytes } from "./writer.ts";

/** Connects as `caller`, answers with what `work` gives, disconnects. */
export class VisitJob implements Job {
  readonly #room: Room;
  readonly #caller: Caller;
  readonly #work: () => Reply;
  readonly #answer: (reply: Reply) => void;
  #connected = false;

  constructor(room: Room, caller: Caller, work: () => Reply, answer: (reply: Reply) => void) {
    this.#room = room;
    this.#caller = caller;
    this.#work = work;
    this.#answer = answer;
  }

  run(): void {
    // Without room to write, nobody comes or goes; reading needs neither, and writing says so itself.
    if (this.#room.refusal !== undefined) {
      this.#answer(this.#work());
      return;
    }
    const refused = connectClient(this.#room, this.#caller);
    if (refused !== undefined) {
      this.#answer(refusal(403, "Refused", refused));
      return;
    }
    this.#connected = true;
    this.#room.activity.begin(this.#caller.connectionId, 1);
    let reply: Reply;
    try {
      reply = this.#work();
    } catch (error) {
      throw endedBy(error, this.#caller, 1);
    }
    this.#room.activity.end();
    this.#mustBeWhole();
    disconnectClient(this.#room, this.#caller);
    this.#answer(reply);
  }

  /** @throws {HostEnded} when the work left a change half-way */
  #mustBeWhole(): void {
    if (this.#room.store.poisoned) throw endedBy(interrupted(), this.#caller, 1);
  }

  timedOut(): void {
    if (this.#connected) this.#room.activity.end();
    this.#room.writer.abort();
    this.#room.module?.discard();
    this.#mustBeWhole();
    if (this.#connected) disconnectClient(this.#room, this.#caller);
    this.#answer(refusal(402, "ReducerTimedOut", "Module energy budget exhausted."));
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
