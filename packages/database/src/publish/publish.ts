/** A program comes in: the database is created with it, or goes on with it. */
import { assert, isLightconeError, LightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { LogLevel, type CallOutcome } from "@lightcone/host";
import { hashToJson, migrationToken, toHexReversed } from "@lightcone/sats";
import { disconnects, formatMigration, planMigration, unservedRoutes, type AutoMigration } from "@lightcone/schema";
import type { Job } from "../core/job-loop.ts";
import type { Reply } from "../link/link.ts";
import type { Module, Program } from "../core/module.ts";
import { abandonNoted, callReducer, settle } from "../calls/reducer-call.ts";
import { failure, json, noteHeader, refusal, text } from "../link/reply.ts";
import { noted } from "../recovery/noted.ts";
import type { DatabaseContext } from "../core/context.ts";
import { noteTimeOut } from "../core/time-out.ts";
import { ProgramPhase, WorkKind } from "../link/work.ts";
import { Call, noConnection } from "../core/call.ts";
import { ok } from "../core/commit-pipeline.ts";
import type { Installation } from "./installation.ts";
import { changeTables, costOf, createTables, finishCarrying, openRemakes, rowCounts, rowsAtOnce } from "./carry-out.ts";
import { storeProgram } from "./module-row.ts";
import { storeRules } from "./rule-rows.ts";

/** A program with what its publisher allows. */
export interface Publication extends Program {
  /** Whether clients may be disconnected for it. */
  readonly breakClients: boolean;
  /** What the publisher was given with the plan. */
  readonly migrationToken?: string;
  /** Whether data may go that tables and columns held which are gone. */
  readonly dropsData?: boolean;
}

/** What publishing may change of a database. */
export interface PublishSite {
  readonly context: DatabaseContext;
  readonly installation: Pick<Installation, "load" | "install" | "installAgain" | "clearEnds">;
  readonly sessions: {
    /** Ends every client's connection, once all its answers have left; or looks again at who may read what. */
    programChanged(disconnects: boolean): void;
  };
}

/**
 * Takes a program in, or says why not; the running module is untouched then.
 *
 * @param id names it among work of its kind
 */
export function publishJob(
  site: PublishSite,
  program: Publication,
  id: Uint8Array,
  answer: (reply: Reply) => void,
): Job {
  const { context } = site;
  let before = context.module;
  let update: Update | undefined;
  const end = (reply: Reply): void => {
    if (reply.status === 200) site.installation.clearEnds();
    answer(reply);
  };
  const job: Job = {
    run(): void {
      before = context.module;
      const done = noted(context, WorkKind.program, id, 0, () => {
        if (update !== undefined) return update.goOn();
        const begun = begin(site, program, id);
        if (!(begun instanceof Update)) return begun;
        update = begun;
        return update.goOn();
      });
      if (done === undefined) context.loop.beside(job);
      else end(done);
    },
    timedOut(): void {
      const error = abandonNoted(context, WorkKind.program, id, 0, "the start of the module");
      context.store.catalog.abandonRemakes();
      site.installation.installAgain(before);
      before?.discard();
      answer(refusal(400, error.code, error.message));
    },
  };
  return job;
}

/** Begins to take a program in: an update that is then carried out, or what became of it already. */
function begin(site: PublishSite, program: Publication, id: Uint8Array): Reply | Update {
  const { context } = site;
  const before = context.module;
  if (context.pipeline.refusal !== undefined) return failure(context.pipeline.refusal);
  let next: Module;
  try {
    next = site.installation.load(program);
  } catch (error) {
    return failure(unreadable(context, error));
  }
  if (before?.hash === next.hash && before.hostType === next.hostType) return text(200, "");
  return before === undefined ? create(site, next, id) : planUpdate(site, before, next, program, id);
}

/** Why a program is not taken. A fault of ours that one brings about must not cost the database that runs. */
function unreadable(context: DatabaseContext, error: unknown): LightconeError {
  if (isLightconeError(error)) return error;
  context.log.note(LogLevel.error, `a program could not be read: ${String(error)}`);
  const reason = "this release fails to read it, which is a fault of its own; the database's log has the error";
  return new LightconeError("ModuleInvalid", { reason }, { cause: error });
}

type Planned = Program & {
  readonly style?: "ansi" | "plain";
  readonly dropsData?: boolean;
  readonly isDetailed?: boolean;
};

/** Says what publishing a program would do, and does nothing. A job, since the program starts to run for it. */
export function planJob(site: PublishSite, program: Planned, id: Uint8Array, answer: (reply: Reply) => void): Job {
  const { context } = site;
  return {
    run: () => answer(noted(context, WorkKind.program, id, 0, () => planPublish(site, program))),
    timedOut: () => {
      context.activity.end();
      const error = noteTimeOut(context, "the start of the module");
      answer(refusal(400, error.code, error.message));
    },
  };
}

function planPublish(site: PublishSite, program: Planned): Reply {
  const { store, module: before } = site.context;
  if (before === undefined) return text(404, "No such database.");
  try {
    const next = site.installation.load(program);
    const plan = planMigration(before.def, next.def, { ...rowCounts(store), dropsData: program.dropsData ?? false });
    const major_version_upgrade = before.def.version === 9 && next.def.version === 10;
    if (plan.kind === "refused") {
      const { reason, isLossAlone: is_loss_alone } = plan;
      const details = program.isDetailed === true ? { is_loss_alone } : {};
      return json(200, JSON.stringify({ ManualMigrate: { reason, major_version_upgrade, ...details } }));
    }
    const { breaks, losses } = plan;
    const migrate_plan = formatMigration(plan.steps, breaks, program.style ?? "ansi", program.isDetailed);
    const details = {
      breaks: breaks.map(({ subject, change }) => `${subject}: ${change}`),
      disconnects: disconnects(breaks),
      losses,
      migrate: plan.migrate,
      cost: costOf(store, plan),
    };
    return json(
      200,
      JSON.stringify({
        AutoMigrate: {
          migrate_plan,
          break_clients: breaks.length > 0,
          token: tokenOf(site, before, next),
          major_version_upgrade,
          ...(program.isDetailed === true ? details : {}),
        },
      }),
    );
  } catch (error) {
    return failure(unreadable(site.context, error));
  }
}

function create(site: PublishSite, next: Module, id: Uint8Array): Reply {
  const { context } = site;
  site.installation.install(next, false);
  const init = next.lifecycle("init");
  const call = ownersCall(context).of(init, context.pipeline.nowMicros());
  const build = (): void => {
    createTables(context.store, next.def);
    enter(site, next); // the tables now exist: bind the module to their ids
  };
  const result =
    init === undefined
      ? settle(
          context,
          "init",
          context.pipeline.transact(call, () => doing(build)),
        )
      : noted(context, WorkKind.program, id, ProgramPhase.runsFunction, () =>
          callReducer(context, call, init, undefined, build),
        );
  if (result.kind === "committed") return text(200, "", noteHeader(notesOf(context)));
  site.installation.install(undefined);
  return refusal(
    result.code === "ReducerCrashed" || result.code === "ReducerFailed" ? 500 : 400,
    result.code,
    result.message,
  );
}

/** Makes a program the one that the database runs, in the open transaction. */
function enter({ context, installation }: PublishSite, next: Module): void {
  context.store.catalog.setViews(next.def.views);
  storeProgram(context, next);
  installation.install(next);
  storeRules(context);
  for (const line of notesOf(context)) context.log.note(LogLevel.warn, line);
}

/** What is there of the module that runs and serves nobody. */
export function notesOf({ access, module }: Pick<DatabaseContext, "access" | "module">): readonly string[] {
  return [...access.faults, ...(module === undefined ? [] : unservedRoutes(module.def))];
}

/** Acknowledges a plan that disconnects clients. */
function tokenOf(site: PublishSite, before: Module, next: Module): string {
  return hashToJson(migrationToken(toHexReversed(site.context.identity), before.hash, next.hash));
}

function planUpdate(
  site: PublishSite,
  before: Module,
  next: Module,
  publication: Publication,
  id: Uint8Array,
): Reply | Update {
  const { context } = site;
  const facts = { ...rowCounts(context.store), dropsData: publication.dropsData ?? false };
  const plan = planMigration(before.def, next.def, facts);
  if (plan.kind === "refused") return updateFailed(context, new LightconeError("MigrationRefused", plan));
  if (publication.breakClients && publication.migrationToken !== tokenOf(site, before, next)) {
    return text(400, `${failed}: Token provided is invalid or does not match expected hash`);
  }
  if (plan.breaks.length > 0 && !publication.breakClients) {
    const changes = plan.breaks.map(({ subject, change }) => `${subject}: ${change}`);
    return failure(new LightconeError("ClientsWouldBreak", { changes }));
  }
  return new Update(site, before, next, plan, id);
}

const failed = "Failed to create or update the database";

function updateFailed(context: DatabaseContext, error: LightconeError): Reply {
  context.log.note(LogLevel.warn, `Database update failed: ${error.message}`);
  return failure(error);
}

/** A module that takes the place of another: rows made anew in slices, then the switch, which is one transaction. */
class Update {
  private readonly site: PublishSite;
  private readonly before: Module;
  private readonly next: Module;
  private readonly plan: AutoMigration;
  private readonly id: Uint8Array;
  /** Whether rows are made anew; undefined before it has begun. */
  private isRemaking: boolean | undefined;

  constructor(site: PublishSite, before: Module, next: Module, plan: AutoMigration, id: Uint8Array) {
    this.site = site;
    this.before = before;
    this.next = next;
    this.plan = plan;
    this.id = id;
  }

  /** What became of it; undefined while there is more to do. */
  goOn(): Reply | undefined {
    const { store } = this.site.context;
    try {
      this.isRemaking ??= openRemakes(store, this.plan);
      assert(
        store.catalog.isRemaking === this.isRemaking,
        "nothing commits and nothing is given up while rows are made anew",
      );
      if (this.isRemaking && !this.remake()) return undefined;
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      return updateFailed(this.site.context, error);
    }
    return this.change();
  }

  /** Makes some rows anew. Whether that were the last. */
  private remake(): boolean {
    const { critical, store } = this.site.context;
    critical.enter();
    try {
      return store.catalog.stepRemakes(rowsAtOnce);
    } finally {
      critical.leave();
    }
  }

  private change(): Reply {
    const { site, before, next, plan } = this;
    const { context } = site;
    const call = ownersCall(context).of(undefined, context.pipeline.nowMicros());
    const { store } = context;
    const change = (): void => {
      changeTables(store, plan);
      enter(site, next);
    };
    const reducer = plan.migrate === undefined ? undefined : next.reducer(plan.migrate);
    const result =
      reducer === undefined
        ? settle(
            context,
            "",
            context.pipeline.transact(call, () => doing(change)),
          )
        : noted(context, WorkKind.program, this.id, ProgramPhase.runsFunction, () =>
            callReducer(
              context,
              call.of(reducer, call.timestampMicros),
              reducer,
              () => finishCarrying(store, plan, next.def),
              change,
            ),
          );
    if (result.kind === "failed") {
      site.installation.installAgain(before);
      context.log.note(LogLevel.warn, `Database update failed: ${result.message}`);
      return refusal(400, result.code, `${failed}: ${result.message}`);
    }
    site.sessions.programChanged(disconnects(plan.breaks));
    context.log.note(LogLevel.info, `Updated program to ${next.hash}`);
    context.log.note(LogLevel.info, "Database updated");
    return text(200, "", noteHeader(notesOf(context)));
  }
}

function doing(work: () => void): CallOutcome {
  work();
  return ok;
}

function ownersCall({ owner }: DatabaseContext): Call {
  return new Call(CommitKind.publish, { identity: owner, connectionId: noConnection });
}
