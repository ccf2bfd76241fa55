/**
 * A database: one state machine over one log, with everything that surrounds it.
 *
 *   message ─▶ session ─▶ wire ─▶ job loop ─▶ module ⇄ store ─▶ commit ─▶ log ─▶ (durable) ─▶ durability queue ─▶ client
 *                                                                 └─▶ subscriptions, scheduler
 *
 * This file makes the parts and joins them. `recover.ts` is what happens when a database is opened.
 */
import { LogLevel, type HttpClient } from "@lightcone/host";
import { realRandom, type Random } from "@lightcone/base";
import { TimeoutWatchdog, type Watchdog } from "@lightcone/base/node";
import type { CommitLog, LoadedSnapshot, SnapshotEntry, SnapshotStore } from "@lightcone/commitlog";
import { CommitKind, openStore, restoreStore, type Store } from "@lightcone/engine";
import { loadJsModule, type LoadJs, type SandboxKind } from "@lightcone/host-js";
import { ByteWriter } from "@lightcone/sats";
import { Access } from "./access/catalog.ts";
import { DatabasePort } from "./calls/module-port.ts";
import { ownCall } from "./core/call.ts";
import { CommitPipeline, ok } from "./core/commit-pipeline.ts";
import { isWhole, type DatabaseContext } from "./core/context.ts";
import { FunctionEnds, type FunctionEnd } from "./core/function-ends.ts";
import { JobClock } from "./core/job-clock.ts";
import { JobLoop } from "./core/job-loop.ts";
import { endProcedures, RunningProcedures } from "./core/running-procedures.ts";
import { HttpRequests } from "./http/requests.ts";
import { defaultDatabaseLimits, type DatabaseLimits } from "./link/limits.ts";
import type {
  ConnectionHandle,
  ConnectionInfo,
  ConnectionSink,
  DatabaseLink,
  DatabaseRequest,
  Reply,
  WireProtocol,
  TellOperator,
} from "./link/link.ts";
import type { Rest } from "./link/rest.ts";
import type { Activity } from "./link/work.ts";
import { ModuleLog } from "./module-log/module-log.ts";
import { Installation } from "./publish/installation.ts";
import { checkWhose } from "./publish/module-row.ts";
import { recover } from "./recover.ts";
import { CondemnedWork, type WorkNames } from "./recovery/condemned.ts";
import { moduleLogIn, openFiles, type DatabaseDirectory } from "./recovery/open-files.ts";
import { HostEnded, interrupted, releasedOffsetOf, type Resume } from "./recovery/resume.ts";
import { Snapshots } from "./recovery/snapshots.ts";
import { Scheduler } from "./schedule/scheduler.ts";
import { DurabilityQueue } from "./session/durability-queue.ts";
import { GatheredAnswers } from "./session/gathered-answers.ts";
import { Sessions } from "./session/sessions.ts";
import { Subscriptions } from "./subscriptions/fan-out.ts";
import { RecentCommits } from "./subscriptions/recent-commits.ts";
import { strikeOff } from "./subscriptions/strike-off.ts";
import { Relations } from "./views/relations.ts";
import { Views } from "./views/views.ts";
import { MessageBuffer } from "./wire/message-buffer.ts";
import { BsatnEncoder } from "./wire/v1/bsatn-encoder.ts";
import { JsonEncoder } from "./wire/v1/json-encoder.ts";
import { WireV1 } from "./wire/v1/messages.ts";
import { EncoderV2 } from "./wire/v2/encoder.ts";
import { WireV2 } from "./wire/v2/messages.ts";
import type { Wire } from "./wire/wire.ts";

export interface DatabaseOptions extends DatabaseDirectory {
  /** Where a host ended whose clients are still there; clients of whom it does not speak are disconnected. */
  readonly resume?: Resume;
  /** Hears which work begins and ends. */
  readonly activity?: Activity;
  /** Ends calls that take too long; a `vm` time-out by default. */
  readonly watchdog?: Watchdog;
  /** Seeds what clients could otherwise foresee: where keys hash to. Never observable in results. */
  readonly random?: Random;
  /** Where TypeScript modules run: `ses` locks down the whole process, so tests in a process of others use `vm`. */
  readonly sandbox?: SandboxKind;
  /** Makes programs of TypeScript modules, if they run in none of those. */
  readonly loadJs?: LoadJs;
  /** Is told what the operator of the server has to see to. The database's own log is on the disk that may be full. */
  readonly tellOperator?: TellOperator;
  /** Sends what procedures request; none are sent otherwise. */
  readonly http?: HttpClient;
}

const noHttp: HttpClient = {
  send(_request, _rules, answered) {
    answered({ kind: "failed", reason: "this server sends no requests for procedures" });
    return () => undefined;
  },
};
function loaderOf({ loadJs, sandbox }: Pick<DatabaseOptions, "loadJs" | "sandbox">): LoadJs {
  return loadJs ?? ((bundle, limits) => loadJsModule(bundle, limits, { sandbox }));
}
const roomAgain = "the disk has room again: writes go on";
const nobody: Activity = {
  begin: () => undefined,
  end: () => undefined,
  beginPart: () => undefined,
  endParts: () => undefined,
  closely: () => undefined,
};

/**
 * Opens the database in `directory`; a directory of which nothing says that there was one becomes a database without a
 * module.
 *
 * @throws {LightconeError} `Corrupt`, `NewerFormat` and what the file system says
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { resume = [], watchdog = new TimeoutWatchdog() } = options;
  const limits = { ...defaultDatabaseLimits, ...options.limits };
  watchdog.critical.reset();
  const { log, snapshots } = await openFiles(resume.length === 0 ? options : { ...options, mustExist: true });
  try {
    const seed = drawSeed(options.random ?? realRandom);
    const storeOptions = { bytesMax: limits.databaseBytesMax, seed, critical: watchdog.critical };
    const { loaded, skipped } = await snapshots.loadNewest(
      releasedOffsetOf(resume) ?? log.durableOffset,
      async (snapshot) => ({
        store: await restoreStore(snapshot.chunks(), storeOptions),
        meta: snapshot.meta.slice(),
      }),
    );
    const store = loaded?.value.store ?? openStore(storeOptions);
    const [unreadable] = skipped;
    if (unreadable !== undefined && log.firstOffset > store.offset) throw unreadable.error;
    const { fileSystem, directory, clock } = options;
    if (loaded !== undefined) checkWhose({ store, identity: options.identity.database }, `${directory}/snapshots`);
    const moduleLog = await ModuleLog.open({ fileSystem, directory: moduleLogIn(directory), clock, limits });
    const database = new Database(options, limits, { store, log, snapshots, newest: loaded, moduleLog, watchdog });
    await database.recover(loaded?.value.meta, resume, skipped);
    return database;
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** A number that nobody can foresee. */
export function drawSeed(random: Random): number {
  return new DataView(random.fill(new Uint8Array(4)).buffer).getUint32(0);
}

/** What a database stands on. */
interface Ground {
  readonly store: Store;
  readonly log: CommitLog;
  readonly snapshots: SnapshotStore;
  /** The snapshot that the store was made from. */
  readonly newest: SnapshotEntry | undefined;
  readonly moduleLog: ModuleLog;
  readonly watchdog: Watchdog;
}

export class Database implements DatabaseLink {
  readonly failed: Promise<Error>;
  /** Handles of the connections that were resumed, in their order. */
  resumed: readonly ConnectionHandle[] = [];
  /** For whoever looks into a database in their own process. */
  readonly context: DatabaseContext;
  private readonly log: CommitLog;
  private readonly snapshots: Snapshots;
  private readonly scheduler: Scheduler;
  private readonly durability = new DurabilityQueue();
  private readonly gathered = new GatheredAnswers();
  private readonly wires: Readonly<Record<WireProtocol, Wire>>;
  private readonly sessions: Sessions;
  private readonly subscriptions: Subscriptions;
  private readonly installation: Installation;
  private readonly condemned: CondemnedWork;
  private readonly requests: HttpRequests;
  private ended = false;
  private fail: (error: Error) => void = () => undefined;

  constructor(options: Omit<DatabaseOptions, "directory" | "fileSystem">, limits: DatabaseLimits, ground: Ground) {
    const { store, log, moduleLog, watchdog } = ground;
    const { clock, identity, random = realRandom, resume = [] } = options;
    this.failed = new Promise((resolve) => (this.fail = resolve));
    this.log = log;
    const time = new JobClock(clock);
    const relations = new Relations(store, limits.liveStateBytesMax, drawSeed(random));
    const activity = options.activity ?? nobody;
    const ends = resume.flatMap((each) => each.ends);
    const functionEnds = new FunctionEnds(clock, limits.functionEndsMax, ends);
    this.condemned = new CondemnedWork(resume);
    const views = new Views({
      store,
      relations,
      watchdog,
      clock,
      limits,
      log: moduleLog,
      activity,
      ends: functionEnds,
      condemned: this.condemned,
      databaseIdentity: identity.database,
      seed: drawSeed(random),
    });
    const subscriptions = new Subscriptions(relations, views, time, identity.database, drawSeed(random), limits);
    this.scheduler = new Scheduler(store);
    const loop = new JobLoop({
      watchdog,
      timeoutMs: limits.reducerTimeoutMs,
      time,
      mustWait: () => log.isBehind || log.pendingBytes >= limits.pendingCommitBytesMax,
      turnEnded: () => this.turnEnded(),
      broken: (error) => this.broken(error),
    });
    this.subscriptions = subscriptions;
    subscriptions.onFailing = () => loop.push(strikeOff(subscriptions));
    const recent = new RecentCommits(log, limits.resumeBytesMax, (error) => {
      moduleLog.note(
        LogLevel.warn,
        `clients that come back get all of their rows again, since the log could not be read: ${String(error)}`,
      );
    });
    const context: DatabaseContext = {
      store,
      relations,
      views,
      access: new Access(store, relations),
      pipeline: new CommitPipeline(store, log, watchdog.critical, time, [subscriptions, this.scheduler, recent]),
      critical: watchdog.critical,
      loop,
      time,
      clock,
      limits,
      activity,
      log: moduleLog,
      procedures: new RunningProcedures(limits),
      http: options.http ?? noHttp,
      ends: functionEnds,
      claims: new Map(),
      condemnedClients: new Map(),
      identity: identity.database,
      owner: identity.owner,
      seed: drawSeed(random),
      module: undefined,
      running: undefined,
    };
    this.context = context;
    const buffer = new MessageBuffer();
    const paramsOf = (name: string) => context.module?.reducer(name)?.def.params;
    const wireV2 = new WireV2(context, subscriptions, new EncoderV2(relations, buffer));
    this.wires = {
      "v1.bsatn": new WireV1(context, subscriptions, new BsatnEncoder(relations, buffer)),
      "v1.json": new WireV1(context, subscriptions, new JsonEncoder(relations, buffer, paramsOf)),
      "v2.bsatn": wireV2,
      "v3.bsatn": wireV2,
      "v1.bsatn.lightcone": new WireV2(
        context,
        subscriptions,
        new EncoderV2(relations, buffer, () => ({
          offset: context.pipeline.offset,
          timestampMicros: store.timestampMicros,
        })),
        recent,
      ),
    };
    this.sessions = new Sessions(context, this.durability, this.gathered, this.wires);
    const port = new DatabasePort(context, this.scheduler);
    this.installation = new Installation(context, port, this.scheduler, watchdog, loaderOf(options));
    this.snapshots = new Snapshots(context, log, ground.snapshots, ground.newest, () => {
      const meta = new ByteWriter();
      meta.raw(this.scheduler.save());
      context.procedures.save(meta);
      return meta.toBytes();
    });
    const site = { context, installation: this.installation, sessions: this.sessions };
    this.requests = new HttpRequests(site, log, this.snapshots, this.condemned);
    log.onFull((full) => {
      if (full === undefined) {
        moduleLog.note(LogLevel.info, roomAgain);
        options.tellOperator?.("info", roomAgain);
      } else {
        moduleLog.note(LogLevel.warn, `${full.told}. ${full.hint}`);
        options.tellOperator?.("warn", `${full.message}. ${full.hint}`);
      }
      loop.kick();
    });
    log.onDurable((offset) => {
      this.release(offset);
      loop.kick();
    });
    log.onFailed((error) => this.broken(error));
  }

  /** Brings memory to the log's end, starts the module, settles who is connected. */
  async recover(
    meta: Uint8Array | undefined,
    resume: Resume,
    skipped: LoadedSnapshot<unknown>["skipped"],
  ): Promise<void> {
    const { context, log, scheduler, sessions, subscriptions, installation, requests, condemned, wires } = this;
    const names: WorkNames = {
      scheduledFunction: (id) => scheduler.scheduledFunction(id),
      isRepeated: (id) => scheduler.isRepeated(id),
      calledFunction: ({ info }, { bytes, isText }) =>
        wires[info.protocol].functionCalledBy({ bytes, at: 0, length: bytes.length, isText }),
    };
    this.durability.releasedOffset = releasedOffsetOf(resume) ?? -1;
    const parts = { context, log, scheduler, sessions, subscriptions, installation, requests, condemned, names };
    this.resumed = await recover(parts, meta, resume, skipped);
    this.release(log.durableOffset);
  }

  // --- what the front asks

  connect(info: ConnectionInfo, sink: ConnectionSink): ConnectionHandle {
    return this.sessions.add(info, sink);
  }

  request(request: DatabaseRequest, left?: AbortSignal): Promise<Reply> {
    return this.requests.answer(request, left);
  }

  /** What hosts have ended in. */
  get ends(): readonly FunctionEnd[] {
    return this.context.ends.all;
  }

  /** Takes a snapshot of the present state while the database goes on. @returns its offset, -1 before any commit */
  snapshot(): Promise<number> {
    return this.snapshots.take();
  }

  flushLog(): Promise<void> {
    return this.context.log.flush();
  }

  /** The last offset up to which every client has been sent everything. */
  get releasedOffset(): number {
    return this.durability.releasedOffset;
  }

  /**
   * Sends what waits for an offset up to `durableOffset`. Only then does that offset count as released: a host
   * that takes over must not leave out what is durable and was never sent. A commit that was cut short while it was
   * delivered is delivered by the next host, to all.
   */
  private release(durableOffset: number): void {
    this.durability.release(Math.min(durableOffset, this.context.pipeline.toldOffset));
  }

  // --- between jobs

  private turnEnded(): void {
    const { context, log } = this;
    if (!isWhole(context)) {
      const error = interrupted();
      this.broken(new HostEnded(error.message, undefined, true, { cause: error }));
      return;
    }
    this.gathered.end();
    log.flush();
    if (log.durableOffset >= context.pipeline.offset) this.release(context.pipeline.offset);
    this.snapshots.takeIfDue();
  }

  // --- the end

  /** Ends if nothing is to be done, and tells nobody: the clients go on with the next host. */
  async park(): Promise<Rest | undefined> {
    const { loop, clock, limits } = this.context;
    const { nextDueMicros = Infinity } = this.scheduler;
    if (!this.isIdle || nextDueMicros - clock.nowMicros() < limits.parkDueMsMin * 1000) return undefined;
    this.scheduler.stop();
    loop.stop();
    await this.close(true);
    return this.rest;
  }

  /** Whether nobody waits for anything, and all that was said is durable. */
  private get isIdle(): boolean {
    const { loop, pipeline, procedures } = this.context;
    if (procedures.count > 0) return false;
    if (this.ended || this.snapshots.isTaking || pipeline.refusal !== undefined) return false;
    if (loop.count > 0 || this.durability.count > 0 || this.sessions.isStreaming) return false;
    return this.log.durableOffset >= pipeline.offset && this.releasedOffset >= pipeline.offset;
  }

  private get rest(): Rest {
    return { offset: this.context.pipeline.offset, nextDueMicros: this.scheduler.nextDueMicros };
  }

  async stop(withinMs: number): Promise<Rest | undefined> {
    const { loop, clock } = this.context;
    const until = clock.steadyMs() + withinMs;
    this.scheduler.stop();
    loop.push(endProcedures(this.context.procedures, "the server is stopping"));
    this.sessions.end(1001, "module exited: the server is stopping");
    while (loop.count > 0 && clock.steadyMs() < until) await new Promise((resolve) => setImmediate(resolve));
    const isDone = loop.count === 0 && !this.ended;
    loop.stop();
    await this.close(false);
    return isDone ? this.rest : undefined;
  }

  /** Ends at once, and writes nothing more: whoever it was made for has seen what they wanted. */
  leave(): void {
    this.ended = true;
    this.scheduler.stop();
    this.context.loop.stop();
  }

  /** @param isSparing whether there is a snapshot only if something has changed since the last */
  private async close(isSparing: boolean): Promise<void> {
    this.giveBackSequences();
    if (!this.ended && !(isSparing && this.snapshots.isCurrent)) await this.snapshots.tryTake();
    this.ended = true;
    await this.log.close();
    await this.context.log.close();
  }

  /** So that the next start skips no values. A log that takes nothing more is left alone: then it skips some. */
  private giveBackSequences(): void {
    const { store, pipeline, identity } = this.context;
    if (this.ended || pipeline.refusal !== undefined || store.poisoned || store.isOpen) return;
    pipeline.transact(ownCall(identity, CommitKind.internal).of(undefined, pipeline.nowMicros()), () => {
      store.catalog.returnReservations();
      return ok;
    });
  }

  /** The end: memory is worth nothing any more. What is in the log is, and what was answered from it may go out. */
  private broken(error: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.context.loop.stop();
    this.scheduler.stop();
    const reason = error instanceof Error ? error : new Error(String(error));
    this.settleLog().then(
      () => this.fail(reason),
      () => this.fail(reason),
    );
  }

  private async settleLog(): Promise<void> {
    try {
      await this.log.close();
      this.release(this.log.durableOffset);
    } finally {
      await this.context.log.close();
    }
  }
}
