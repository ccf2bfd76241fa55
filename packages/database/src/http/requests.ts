/**
 * Requests that come over HTTP: each kind becomes a job, and its reply leaves when what it reflects is durable.
 *
 * What a host before had begun of a request that comes again is answered from its log; what it had ended at is not run.
 */
import { isLightconeError, LightconeError } from "@lightcone/base";
import type { CommitLog } from "@lightcone/commitlog";
import { programHash, toHex } from "@lightcone/sats";
import { serveSchema } from "@lightcone/schema";
import type { DatabaseContext } from "../core/context.ts";
import { functionTitle } from "../core/function-title.ts";
import type { Program } from "../core/module.ts";
import { LogLevel } from "@lightcone/host";
import { abandonNoted } from "../calls/reducer-call.ts";
import { keyOfClient } from "../link/client.ts";
import type { Caller, DatabaseRequest, Reply } from "../link/link.ts";
import { failure, json, noteHeader, refusal, text } from "../link/reply.ts";
import { noWorkId, ProgramPhase, WorkKind } from "../link/work.ts";
import { notesOf, planJob, publishJob, type PublishSite } from "../publish/publish.ts";
import { isInFunction, lineOf, type CondemnedWork } from "../recovery/condemned.ts";
import { noted } from "../recovery/noted.ts";
import type { Settled } from "../recovery/replay.ts";
import type { Condemned, Visitor } from "../recovery/resume.ts";
import type { Snapshots } from "../recovery/snapshots.ts";
import { EphemeralConnectionJob, type Answer, type RequestRun } from "./ephemeral-connection.ts";
import { FunctionCall } from "./function-call.ts";
import { RouteRun } from "./route-request.ts";
import { StatementRun } from "./sql-request.ts";

/** How far a host before had got with a request. */
interface Begun {
  readonly settled: Settled | undefined;
  /** What of it the host ended at. */
  readonly condemned: Condemned | undefined;
}

export class HttpRequests {
  private readonly log: CommitLog;
  private readonly snapshots: Snapshots;
  private readonly site: PublishSite;
  private readonly condemned: CondemnedWork;
  /** What a host before had begun of requests that come again, by `keyOfClient`. */
  private readonly begun = new Map<string, Begun>();
  /** Requests that are about to come again. */
  private awaitedCount = 0;

  constructor(site: PublishSite, log: CommitLog, snapshots: Snapshots, condemned: CondemnedWork) {
    this.log = log;
    this.snapshots = snapshots;
    this.site = site;
    this.condemned = condemned;
  }

  private get context(): DatabaseContext {
    return this.site.context;
  }

  /** A request is about to come again. @param settled what of it is in the log */
  resume(visitor: Visitor, settled: Settled | undefined): void {
    const key = keyOfClient(visitor);
    const kinds = [WorkKind.message, WorkKind.disconnect];
    const [condemned] = kinds.flatMap((kind) => this.condemned.find(kind, key) ?? []);
    this.begun.set(key, { settled, condemned });
  }

  /** When so many requests have come again, and what they ask has run, nothing is announced before it begins any more. */
  awaitAgain(count: number): void {
    this.awaitedCount = count;
    const end = (): void => {
      this.condemned.through();
      this.context.activity.closely(false);
    };
    if (count === 0) this.context.loop.push({ run: end, timedOut: end });
  }

  answer(request: DatabaseRequest, left?: AbortSignal): Promise<Reply> {
    const reply = this.replyTo(request, left);
    const isAwaited = "caller" in request || "program" in request;
    if (this.awaitedCount > 0 && isAwaited) this.awaitAgain(this.awaitedCount - 1);
    return reply;
  }

  private replyTo(request: DatabaseRequest, left: AbortSignal | undefined): Promise<Reply> {
    const { context } = this;
    const { module } = context;
    switch (request.kind) {
      case "call": {
        const { caller, functionName, args } = request;
        return this.runAlone(caller, true, new FunctionCall(context, caller, functionName, args));
      }
      case "route":
        return this.runAlone(request.caller, true, new RouteRun(context, request, left));
      case "sql":
        return this.runAlone(
          request.caller,
          request.confirmed,
          new StatementRun(context, request.caller, request.text),
        );
      case "schema":
        return Promise.resolve(
          module === undefined
            ? noDatabase()
            : json(200, serveSchema(module.def, request.form), noteHeader(notesOf(context))),
        );
      case "program":
        return Promise.resolve(
          module === undefined
            ? noDatabase()
            : { status: 200, headers: { "content-type": "application/octet-stream" }, body: module.bytes },
        );
      case "publish":
      case "plan":
        return this.takeProgram(request);
      case "snapshot":
        return this.snapshots.take().then((offset) => json(200, JSON.stringify({ offset })));
    }
  }

  /** Takes a program in, or looks at it. One that a host has ended at is not started again. */
  private takeProgram(request: DatabaseRequest & { readonly kind: "publish" | "plan" }): Promise<Reply> {
    const { id = noWorkId } = request;
    const { loop, module } = this.context;
    const condemned = this.condemned.find(WorkKind.program, toHex(id));
    if (condemned === undefined) {
      if (request.kind === "plan") return new Promise((answer) => loop.push(planJob(this.site, request, id, answer)));
      return this.whenDurable((answer) => loop.push(publishJob(this.site, request, id, answer)));
    }
    const isTakenIn = request.kind === "publish" && module?.hash === toHex(programHash(request.program));
    if (isTakenIn) return Promise.resolve(text(200, ""));
    if (isInFunction(condemned)) return this.failedIn(condemned, request, id);
    return Promise.resolve(this.failedAtStart(condemned));
  }

  private failedAtStart(condemned: Condemned): Reply {
    const why = this.condemned.failureOf(condemned, "the start of the module");
    if (why.code === "ReducerTimedOut") return refusal(400, why.code, why.message);
    const reason = "its process ended while it was started";
    return failure(new LightconeError("ModuleInvalid", { reason }));
  }

  /** A host ended in the function of a program, which had started by then: it is started once more to learn the name. */
  private failedIn(condemned: Condemned, program: Program, id: Uint8Array): Promise<Reply> {
    const { context } = this;
    const reply = (): Reply => {
      const next = this.site.installation.load(program);
      const reducer = context.module === undefined ? next.lifecycle("init") : next.reducer(next.def.migrate ?? "");
      next.discard();
      if (reducer === undefined) return this.failedAtStart(condemned);
      const { name } = reducer.def;
      const message = lineOf(condemned);
      context.log.writeEnd({ level: LogLevel.error, message: `Database update failed: ${message}` }, name);
      return failure(
        new LightconeError("ModuleInvalid", { reason: `${functionTitle("reducer", name)} failed: ${message}` }),
      );
    };
    return new Promise((answer) =>
      context.loop.push({
        run: () => {
          try {
            answer(noted(context, WorkKind.program, id, ProgramPhase.starts, reply));
          } catch (error) {
            if (!isLightconeError(error)) throw error;
            answer(this.failedAtStart(condemned));
          }
        },
        timedOut: () => {
          abandonNoted(context, WorkKind.program, id, ProgramPhase.starts, "the start of the module");
          answer(this.failedAtStart(condemned));
        },
      }),
    );
  }

  /** Runs a request in a connection of its own. */
  private runAlone(caller: Caller, confirmed: boolean, request: RequestRun): Promise<Reply> {
    const { context } = this;
    const key = keyOfClient(caller);
    const begun = this.begun.get(key);
    this.begun.delete(key);
    const begin = (answer: Answer): void => {
      const condemned = begun?.condemned;
      // The client has gone by now, and its answer is owed.
      if (begun?.settled !== undefined) answer(request.settled(begun.settled));
      // What ended a host is not run again.
      else if (condemned?.kind === WorkKind.message) answer(failure(this.condemned.failureOf(condemned)));
      else {
        const connects = request.connects && condemned?.kind !== WorkKind.disconnect;
        context.loop.push(new EphemeralConnectionJob(context, caller, request, answer, connects));
      }
    };
    return confirmed ? this.whenDurable(begin) : new Promise(begin);
  }

  /** The reply of `start`'s job, once what it reflects is durable. */
  private whenDurable(start: (answer: Answer) => void): Promise<Reply> {
    return new Promise((resolve) => {
      start((reply, offset = this.context.pipeline.offset) => {
        this.log.whenDurable(offset).then(
          () => resolve(reply),
          (cause: unknown) => resolve(failure(new LightconeError("CallUnknown", {}, { cause }))),
        );
      });
    });
  }
}

function noDatabase(): Reply {
  return text(404, "No such database.");
}
