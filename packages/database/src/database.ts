/**
 * A database: one state machine over one log, with everything that surrounds it.
 *
 *   message ─▶ job loop ─▶ module ⇄ store ─▶ commit ─▶ log ─▶ (durable) ─▶ outbox ─▶ client
 *                                               └────▶ subscriptions, scheduler
 *
 * This is the only file that names the whole way. Opening is recovery: the newest snapshot, the log after
 * it, then, unless clients are resumed, the disconnects of those who were left in `st_client`.
 */
import { LightconeError, realRandom, type Random } from "@lightcone/base";
import {
  applyRetention,
  snapshotDue,
  unreadable,
  type CommitLog,
  type LoadedSnapshot,
  type SnapshotEntry,
  type SnapshotStore,
} from "@lightcone/commitlog";
import { LogLevel } from "@lightcone/host";
import type { SandboxKind } from "@lightcone/host-js";
import { CommitKind, openStore, restoreStore, type Store } from "@lightcone/engine";
import { programHash, toHex } from "@lightcone/sats";
import { clientBreaks, disconnects, serveSchema, type TableSchema } from "@lightcone/schema";
import { compileSubscription, type Catalog } from "@lightcone/sql";
import { MessageBuffer } from "./wire/message-buffer.ts";
import { BsatnEncoder } from "./wire/v1/bsatn-encoder.ts";
import { keyOfClient } from "./link/client.ts";
import { CarefulEndJob, CondemnedWork } from "./recovery/condemned.ts";
import type { Encoder } from "./wire/wire-format.ts";
import { FunctionEnds, type FunctionEnd } from "./core/function-ends.ts";
import { callOverHttp, settledReply, EphemeralConnectionJob, type Answer, type Errand } from "./http/http-call.ts";
import { JobClock } from "./core/job-clock.ts";
import { JobLoop } from "./core/job-loop.ts";
import { JsonEncoder } from "./wire/v1/json-encoder.ts";
import { DisconnectJob, knownClients } from "./calls/lifecycle.ts";
import { defaultDatabaseLimits, type DatabaseLimits } from "./link/limits.ts";
import type {
  Caller,
  ConnectionHandle,
  ConnectionInfo,
  ConnectionSink,
  DatabaseLink,
  DatabaseRequest,
  Reply,
  WireProtocol,
} from "./link/link.ts";
import { ModuleLog } from "./module-log/module-log.ts";
import { isCallableByAll, ModuleRuntime } from "./calls/module-runtime.ts";
import { isWhole } from "./recovery/noted.ts";
import { moduleLogIn, openFiles, type DatabaseDirectory } from "./recovery/open-files.ts";
import { DurabilityQueue } from "./session/durability-queue.ts";
import { DatabasePort } from "./calls/module-port.ts";
import { CallTransactions } from "./calls/procedure-call.ts";
import { PlanJob, PublishJob, storedProgram } from "./publish/publish.ts";
import { Replay, type Settled } from "./recovery/replay.ts";
import { failure, fatalText, json, refusal, text } from "./link/reply.ts";
import type { Rest } from "./link/rest.ts";
import type { DatabaseContext } from "./core/context.ts";
import { noteTimeOut, Running } from "./core/running.ts";
import { Scheduler, DeferredCallJob } from "./schedule/scheduler.ts";
import { Session } from "./session/session.ts";
import { runStatement } from "./http/sql-request.ts";
import { HostEnded, interrupted, type Resume, type ResumedConnection } from "./recovery/resume.ts";
import { Subscriptions } from "./subscriptions/fan-out.ts";
import { outsideMicrotasks, timeoutGuard, type Guard } from "@lightcone/base/node";
import { WorkKind, workIdBytes, type Activity } from "./link/work.ts";
import { ok, TransactionMeta, CommitPipeline } from "./core/commit-pipeline.ts";

export interface DatabaseOptions extends DatabaseDirectory {
  /** Where a host ended whose clients are still there; without it, clients that were left are disconnected. */
  readonly resume?: Resume | undefined;
  /** Is told which message runs. */
  readonly activity?: Activity;
  /** Ends calls that take too long; a `vm` time-out by default. */
  readonly guard?: Guard;
  /** Seeds what clients could otherwise foresee: where keys hash to. Never observable in results. */
  readonly random?: Random;
  /** Where TypeScript modules run: `ses` locks down the whole process, so tests in a process of others use `vm`. */
  readonly sandbox?: SandboxKind;
}

/** Of what is not asked for by anybody. */
const noWorkId = new Uint8Array(workIdBytes);

const nobody: Activity = { begin: () => undefined, end: () => undefined, closely: () => undefined };

/** Why clients of a version before are disconnected; they find what differs in the schema when they come again. */
const otherVersion = "module exited: a version that breaks clients of the one before was published";

/** How far a host before had got with a request. */
interface Begun {
  readonly settled: Settled | undefined;
  /** What of it the host ended at. */
  readonly endedHostAt: WorkKind | undefined;
}

/** System tables that only the owner reads, beside those that are private anyway. */
const ownersTables: ReadonlySet<string> = new Set(["st_module", "st_client"]);

/**
 * Opens the database in `directory`; a directory of which nothing says that there was one becomes a database without a
 * module.
 *
 * @throws {LightconeError} `Corrupt`, `NewerFormat` and what the file system says
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { resume } = options;
  const limits = { ...defaultDatabaseLimits, ...options.limits };
  const { log, snapshots } = await openFiles(resume === undefined ? options : { ...options, mustExist: true });
  try {
    const seed = drawSeed(options.random ?? realRandom);
    const storeOptions = { bytesMax: limits.databaseBytesMax, seed };
    const { loaded, skipped } = await snapshots.loadNewest(
      resume?.releasedOffset ?? log.durableOffset,
      async (snapshot) => ({
        store: await restoreStore(snapshot.chunks(), storeOptions),
        schedule: snapshot.meta.slice(),
      }),
    );
    const store = loaded?.value.store ?? openStore(storeOptions);
    const [unreadable] = skipped;
    if (unreadable !== undefined && log.firstOffset > store.offset) throw unreadable.error;
    const { fileSystem, directory, clock } = options;
    const moduleLog = await ModuleLog.open({ fileSystem, directory: moduleLogIn(directory), clock, limits });
    const database = new Database(options, limits, store, log, snapshots, loaded, moduleLog);
    await database.recover(loaded?.value.schedule, resume, skipped);
    return database;
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** What replays a record of a log file, whose batch begins at byte `at`. @throws {LightconeError} `Corrupt` */
function replayed<T>(file: string, at: number, replay: () => T): T {
  try {
    return replay();
  } catch (error) {
    throw unreadable(error, file, at);
  }
}

/** A number that nobody can foresee. */
function drawSeed(random: Random): number {
  return new DataView(random.fill(new Uint8Array(4)).buffer).getUint32(0);
}

export class Database implements DatabaseLink {
  readonly failed: Promise<Error>;
  /** Handles of the connections that were resumed, in their order. */
  readonly resumed: ConnectionHandle[] = [];
  private readonly context: DatabaseContext;
  private readonly log: CommitLog;
  private readonly snapshots: SnapshotStore;
  private readonly scheduler: Scheduler;
  private readonly port: DatabasePort;
  private readonly sessions = new Set<Session>();
  private readonly encoders: Readonly<Record<WireProtocol, Encoder>>;
  private module: ModuleRuntime | undefined;
  private snapshotBytes: number;
  private snapshotOffset = -1;
  /** Where the last one was tried. One that failed is tried again when as much log has come as asks for one. */
  private snapshotTriedOffset = -1;
  private snapshotting: Promise<number> | undefined;
  /** What must not be named by others than the owner: tables under a row-level rule, which are not applied yet. */
  private ruledTables: ReadonlySet<number> = new Set();
  /** What a host before had begun of requests over HTTP that come again, by `keyOfClient`. */
  private readonly begun = new Map<string, Begun>();
  private readonly condemned: CondemnedWork;
  /** Requests that are about to come again. */
  private awaitedAgain = 0;
  private readonly guard: Guard;
  private released = -1;
  private ended = false;
  private fail: (error: Error) => void = () => undefined;

  constructor(
    options: DatabaseOptions,
    limits: DatabaseLimits,
    store: Store,
    log: CommitLog,
    snapshots: SnapshotStore,
    loaded: SnapshotEntry | undefined,
    moduleLog: ModuleLog,
  ) {
    const { clock } = options;
    this.failed = new Promise((resolve) => (this.fail = resolve));
    this.log = log;
    this.snapshots = snapshots;
    this.snapshotBytes = loaded?.byteCount ?? 0;
    this.snapshotOffset = loaded?.offset ?? -1;
    this.scheduler = new Scheduler(store);
    this.condemned = new CondemnedWork(options.resume);
    this.guard = options.guard ?? timeoutGuard;
    const buffer = new MessageBuffer();
    const durability = new DurabilityQueue();
    const time = new JobClock(clock);
    const { database } = options.identity;
    const subscriptions = new Subscriptions(store, time, database, drawSeed(options.random ?? realRandom));
    const pipeline = new CommitPipeline(store, log, time, [subscriptions, this.scheduler]);
    const loop = new JobLoop({
      guard: this.guard,
      timeoutMs: limits.reducerTimeoutMs,
      time,
      mustWait: () => log.pendingBytes >= limits.pendingCommitBytesMax,
      turnEnded: () => this.turnEnded(),
      broken: (error) => this.broken(error),
    });
    this.encoders = {
      "v1.bsatn": new BsatnEncoder(store, buffer),
      "v1.json": new JsonEncoder(
        store,
        buffer,
        (name) => this.module?.def.reducers.find((each) => each.name === name)?.params,
      ),
    };
    const running = (): ModuleRuntime | undefined => this.module;
    const context: DatabaseContext = {
      store,
      pipeline,
      loop,
      durability,
      buffer,
      subscriptions,
      limits,
      clock,
      activity: options.activity ?? nobody,
      log: moduleLog,
      ends: new FunctionEnds(clock, limits.functionEndsMax, options.resume?.ends ?? []),
      running: new Running(),
      meta: new TransactionMeta(),
      claims: new Map(),
      identity: options.identity.database,
      owner: options.identity.owner,
      seed: drawSeed(options.random ?? realRandom),
      get module() {
        return running();
      },
      get refusal() {
        return log.refusal;
      },
      load: ({ hostType, program }) =>
        new ModuleRuntime(hostType, program, this.port, limits, options.sandbox ?? "ses"),
      encoder: (protocol) => this.encoders[protocol],
      catalog: (caller, expandsAll) => this.catalog(caller, expandsAll),
    };
    this.context = context;
    this.port = new DatabasePort(store, {
      procedureTransactions: new CallTransactions(() => context),
      databaseIdentity: options.identity.database,
      claims: (connectionId) => context.claims.get(keyOfClient({ identity: context.meta.sender, connectionId })),
      log: (line) => moduleLog.write(line, context.meta.functionName === "" ? undefined : context.meta.functionName),
      scheduleNow: (functionName, args) => loop.push(new DeferredCallJob(context, functionName, args.slice())),
      nowMicros: () => clock.nowMicros(),
      isTooLate: (table, bytes, at, length) =>
        this.scheduler.isTooLate(table, bytes, at, length, context.meta.timestampMicros),
    });
    log.onDurable((offset) => {
      this.release(offset);
      loop.kick();
    });
    log.onFailed((error) => this.broken(error));
  }

  /** Brings memory to the log's end, starts the module, settles who is connected. */
  async recover(
    schedule: Uint8Array | undefined,
    resume: Resume | undefined,
    skipped: LoadedSnapshot<unknown>["skipped"],
  ): Promise<void> {
    const context = this.context;
    for (const { error } of skipped)
      context.log.note(LogLevel.warn, `a snapshot was passed over for an older one and the log: ${error.message}`);
    if (schedule !== undefined) this.scheduler.restore(schedule);
    this.bindTables();
    const replay = new Replay(context.subscriptions, resume);
    const releasedOffset = resume?.releasedOffset ?? Infinity;
    this.released = resume?.releasedOffset ?? -1;
    let sessions: ReadonlyMap<string, Session> | undefined;
    for await (const { firstOffset, records, file, at } of this.log.read(context.store.offset)) {
      for (const [index, record] of records.entries()) {
        const offset = firstOffset + index;
        if (offset > releasedOffset) sessions ??= await this.restoreSessions(resume, replay);
        const kind = replayed(file, at, () => context.pipeline.replay(record, offset, replay.note));
        if (kind !== CommitKind.publish || sessions === undefined) continue;
        // What hosts ended in before was of the program before.
        context.ends.clear();
        await this.goOnWithStored(sessions.values());
      }
    }
    sessions ??= await this.restoreSessions(resume, replay);
    replay.end();
    const condemned = this.condemned;
    if (resume !== undefined) condemned.note(context, this.scheduler, resume);
    this.watchEnds();
    // From here to the last job that was left by the host before, what runs may end this one as well.
    if (resume?.isCareful === true) context.activity.closely(true);
    const endedByGoing = condemned.ids(WorkKind.disconnect);
    for (const client of knownClients(context)) {
      const key = keyOfClient(client);
      if (!sessions.has(key)) context.loop.push(new DisconnectJob(context, client, !endedByGoing.has(key)));
    }
    for (const connection of resume?.connections ?? []) {
      const key = keyOfClient(connection.info.caller);
      sessions.get(key)?.resumePending(connection, replay.settledOf(key), condemned.messagesOf(key));
    }
    for (const visitor of resume?.visits ?? []) {
      const key = keyOfClient(visitor);
      this.begun.set(key, { settled: replay.settledOf(key).get(1), endedHostAt: this.endedHostAt(key) });
    }
    this.scheduler.start(context, condemned.ids(WorkKind.schedule));
    if (resume?.isCareful === true) {
      this.awaitedAgain = resume.requestCount;
      if (this.awaitedAgain === 0) context.loop.push(new CarefulEndJob(context));
    }
    this.release(this.log.durableOffset);
  }

  /** Opens the sessions of the clients that are still there, as of the present offset and with its module. */
  private async restoreSessions(resume: Resume | undefined, replay: Replay): Promise<ReadonlyMap<string, Session>> {
    await this.installStored();
    const sessions = new Map<string, Session>();
    for (const connection of resume?.connections ?? []) {
      const session = this.open(connection.info, connection.sink, connection);
      sessions.set(keyOfClient(connection.info.caller), session);
      replay.tell(connection, session);
      this.resumed.push(session);
    }
    return sessions;
  }

  /** The same where another was published; clients whom the host before had to disconnect for it are. */
  private async goOnWithStored(sessions: Iterable<Session>): Promise<void> {
    const before = this.module?.def;
    await this.installStored();
    const now = this.module?.def;
    this.accessChanged();
    if (before === undefined || now === undefined || !disconnects(clientBreaks(before, now))) return;
    for (const session of sessions) session.finish(1001, otherVersion);
  }

  /** What of a visit hosts ended at. */
  private endedHostAt(key: string): WorkKind | undefined {
    const kinds = [WorkKind.message, WorkKind.connect, WorkKind.disconnect];
    return kinds.find((kind) => this.condemned.find(kind, key) !== undefined);
  }

  /**
   * Starts the module that the tables hold.
   *
   * @throws {LightconeError} `ReducerTimedOut` when it does not come to an end
   */
  private async installStored(): Promise<void> {
    const context = this.context;
    const program = storedProgram(context);
    if (program === undefined) return;
    const start = (): void => {
      context.activity.begin(WorkKind.program, noWorkId, 0);
      this.install(context.load(program));
      context.activity.end();
    };
    const isStarted = await outsideMicrotasks(() => this.guard.run(start, context.limits.reducerTimeoutMs));
    if (!isStarted) throw noteTimeOut(context, "the start of the module");
  }

  connect(info: ConnectionInfo, sink: ConnectionSink): ConnectionHandle {
    return this.open(info, sink, undefined);
  }

  private open(info: ConnectionInfo, sink: ConnectionSink, resumed: ResumedConnection | undefined): Session {
    const session = new Session(this.context, info, sink, resumed);
    this.sessions.add(session);
    session.onClosed = () => this.sessions.delete(session);
    return session;
  }

  /** The last offset of which every client has been told. */
  get releasedOffset(): number {
    return this.released;
  }

  /**
   * Tells what waits for an offset up to `durableOffset`. Only then does that offset count as released: a host
   * that takes over must not leave out what is durable and was never told. A commit that was cut short while it was
   * told is told by the next host, to all.
   */
  private release(durableOffset: number): void {
    const { durability, pipeline } = this.context;
    const offset = Math.min(durableOffset, pipeline.toldOffset);
    durability.release(offset);
    this.released = Math.max(this.released, offset);
  }

  request(request: DatabaseRequest): Promise<Reply> {
    const reply = this.answer(request);
    const isNoted = "caller" in request || "program" in request;
    if (this.awaitedAgain > 0 && isNoted && --this.awaitedAgain === 0)
      this.context.loop.push(new CarefulEndJob(this.context));
    return reply;
  }

  private answer(request: DatabaseRequest): Promise<Reply> {
    const context = this.context;
    switch (request.kind) {
      case "call":
        return this.visit(request.caller, true, () =>
          callOverHttp(context, request.caller, request.functionName, request.args),
        );
      case "sql":
        return this.visit(request.caller, request.confirmed, () => runStatement(context, request.caller, request.text));
      case "schema":
        return Promise.resolve(
          this.module === undefined
            ? text(404, "No such database.")
            : json(200, serveSchema(this.module.def, request.form)),
        );
      case "publish":
      case "plan":
        return this.take(request);
      case "snapshot":
        return this.snapshot().then((offset) => json(200, JSON.stringify({ offset })));
      case "program":
        return Promise.resolve(
          this.module === undefined
            ? text(404, "No such database.")
            : { status: 200, headers: { "content-type": "application/octet-stream" }, body: this.module.bytes },
        );
    }
  }

  /** Takes a program in, or looks at it. One that a host has ended at is not started again. */
  private take(request: DatabaseRequest & { readonly kind: "publish" | "plan" }): Promise<Reply> {
    const { id = noWorkId } = request;
    if (this.condemned.find(WorkKind.program, toHex(id)) === undefined) {
      if (request.kind === "plan")
        return new Promise((answer) => this.context.loop.push(new PlanJob(this.site, request, id, answer)));
      return this.confirmed((answer) => this.context.loop.push(new PublishJob(this.site, request, id, answer)));
    }
    const isTakenIn = request.kind === "publish" && this.module?.hash === toHex(programHash(request.program));
    const reason = "its process ended while it was started";
    return Promise.resolve(isTakenIn ? text(200, "") : failure(new LightconeError("ModuleInvalid", { reason })));
  }

  /** What hosts have ended in. */
  get ends(): readonly FunctionEnd[] {
    return this.context.ends.all;
  }

  flushLog(): Promise<void> {
    return this.context.log.flush();
  }

  /** Ends if nothing is to be done, and tells nobody: the clients go on with the next host. */
  async park(): Promise<Rest | undefined> {
    const { loop, clock } = this.context;
    const { nextDueMicros = Infinity } = this.scheduler;
    if (!this.isIdle || nextDueMicros - clock.nowMicros() < this.context.limits.parkDueMsMin * 1000) return undefined;
    this.scheduler.stop();
    loop.stop();
    await this.close(true);
    return this.rest;
  }

  /** Whether nobody waits for anything, and all that was said is durable. */
  private get isIdle(): boolean {
    const { loop, pipeline, durability, refusal } = this.context;
    if (this.ended || this.snapshotting !== undefined || refusal !== undefined) return false;
    if (loop.count > 0 || durability.count > 0) return false;
    for (const session of this.sessions) if (session.isTelling) return false;
    return this.log.durableOffset >= pipeline.offset && this.released >= pipeline.offset;
  }

  private get rest(): Rest {
    return { offset: this.context.pipeline.offset, nextDueMicros: this.scheduler.nextDueMicros };
  }

  async stop(withinMs: number): Promise<Rest | undefined> {
    const context = this.context;
    const until = context.clock.steadyMs() + withinMs;
    this.scheduler.stop();
    for (const session of this.sessions) session.end(1001, "module exited");
    while (context.loop.count > 0 && context.clock.steadyMs() < until)
      await new Promise((resolve) => setImmediate(resolve));
    const isDone = context.loop.count === 0 && !this.ended;
    context.loop.stop();
    await this.close(false);
    return isDone ? this.rest : undefined;
  }

  /** @param isSparing whether there is a snapshot only if something has changed since the last */
  private async close(isSparing: boolean): Promise<void> {
    this.giveBackSequences();
    const isDue = !this.ended && (!isSparing || this.snapshotOffset !== this.context.pipeline.offset);
    // Without one the next start reads more of the log, and that is all.
    if (isDue) await this.snapshot().catch((error: unknown) => this.noteNoSnapshot(error));
    this.ended = true;
    await this.log.close();
    await this.context.log.close();
  }

  /** So that the next start skips no values. A log that takes nothing more is left alone: then it skips some. */
  private giveBackSequences(): void {
    const { store, pipeline, refusal, identity } = this.context;
    if (this.ended || refusal !== undefined || store.poisoned || store.isOpen) return;
    const meta = Object.assign(new TransactionMeta(), {
      kind: CommitKind.internal,
      timestampMicros: pipeline.nowMicros(),
      sender: identity,
    });
    pipeline.transact(meta, () => {
      store.catalog.returnReservations();
      return ok;
    });
  }

  /** Takes a snapshot of the present state while the database goes on. @returns its offset, -1 before any commit */
  snapshot(): Promise<number> {
    this.snapshotting ??= this.takeSnapshot().finally(() => (this.snapshotting = undefined));
    return this.snapshotting;
  }

  private async takeSnapshot(): Promise<number> {
    const { store, pipeline } = this.context;
    const { offset } = pipeline;
    if (offset < 0) return offset;
    this.snapshotTriedOffset = offset;
    const schedule = this.scheduler.save();
    const readView = store.openReadView();
    try {
      this.snapshotBytes = await this.snapshots.write({
        offset,
        meta: schedule,
        chunks: store.snapshotChunks(readView),
        durable: this.log.whenDurable(offset),
      });
      this.snapshotOffset = offset;
    } finally {
      readView.close();
    }
    await applyRetention(this.log, this.snapshots);
    return offset;
  }

  private get site() {
    return {
      context: this.context,
      port: this.port,
      install: (module: ModuleRuntime | undefined, withTables?: boolean) => this.install(module, withTables),
      accessChanged: () => this.accessChanged(),
      cleared: () => this.clearEnds(),
      disconnectClients: () => {
        for (const session of this.sessions) session.finish(1001, otherVersion);
      },
    };
  }

  private accessChanged(): void {
    const { subscriptions } = this.context;
    subscriptions.isChanging = true;
    for (const session of this.sessions) session.accessChanged();
    subscriptions.isChanging = false;
  }

  /** @param withTables whether the module's tables exist already */
  private install(module: ModuleRuntime | undefined, withTables = true): void {
    this.module = module;
    this.watchEnds();
    this.bindTables();
    module?.instance.bind?.();
    this.ruledTables = withTables ? this.tablesUnderRules() : new Set();
  }

  /** Calls of functions that hosts have ended in are looked at one by one. */
  private watchEnds(): void {
    const { ends } = this.context;
    for (const reducer of this.module?.reducers ?? [])
      reducer.isForAll = isCallableByAll(reducer.def) && !ends.isWatched(reducer.def.name);
  }

  private clearEnds(): void {
    this.context.ends.clear();
    this.watchEnds();
    this.scheduler.letGo();
  }

  private bindTables(): void {
    this.port.watchScheduled(this.scheduler.bind(this.context.store.tables()));
  }

  /** The tables that the module's row-level rules restrict. */
  private tablesUnderRules(): ReadonlySet<number> {
    const tables = new Set<number>();
    for (const rule of this.module?.def.rowLevelRules ?? []) {
      const [plan] = compileSubscription(rule, this.catalog({ isOwner: true }, false));
      const source = plan?.sources[0];
      if (source !== undefined) tables.add(source.table.id);
    }
    return tables;
  }

  private visit(caller: Caller, confirmed: boolean, errand: Errand): Promise<Reply> {
    const context = this.context;
    const key = keyOfClient(caller);
    const begun = this.begun.get(key);
    this.begun.delete(key);
    const visit = (answer: Answer): void => {
      const endedHostAt = begun?.endedHostAt;
      const isAlone = endedHostAt === WorkKind.connect || endedHostAt === WorkKind.disconnect;
      // The client has gone by now, and its answer is owed.
      if (begun?.settled !== undefined) answer(settledReply(context, begun.settled));
      // What ended a host is not run again; without its connect reducer only the owner is let in.
      else if (endedHostAt === WorkKind.message || (endedHostAt === WorkKind.connect && !caller.isOwner))
        answer(refusal(530, "ReducerCrashed", fatalText));
      else context.loop.push(new EphemeralConnectionJob(context, caller, errand, answer, !isAlone));
    };
    return confirmed ? this.confirmed(visit) : new Promise(visit);
  }

  /** The reply of `start`'s job, once what it saw is durable. */
  private confirmed(start: (answer: Answer) => void): Promise<Reply> {
    return new Promise((resolve) => {
      start((reply, offset = this.context.pipeline.offset) => {
        this.log.whenDurable(offset).then(
          () => resolve(reply),
          (cause: unknown) => resolve(failure(new LightconeError("CallUnknown", {}, { cause }))),
        );
      });
    });
  }

  private catalog(caller: Pick<Caller, "isOwner">, expandsAll: boolean): Catalog {
    const { store } = this.context;
    const mayRead = (schema: TableSchema): boolean =>
      caller.isOwner ||
      (schema.def.access === "public" && !ownersTables.has(schema.def.name) && !this.ruledTables.has(schema.id));
    const table = (name: string): TableSchema | undefined => {
      const schema = store.tableByName(name)?.schema;
      return schema !== undefined && mayRead(schema) ? schema : undefined;
    };
    if (!expandsAll) return { table };
    return {
      table,
      readable: () =>
        store
          .tables()
          .map((each) => each.schema)
          .filter((schema) => schema.def.kind === "user" && !schema.def.isEvent && mayRead(schema)),
    };
  }

  private turnEnded(): void {
    if (!isWhole(this.context)) {
      const error = interrupted();
      this.broken(new HostEnded(error.message, undefined, true, { cause: error }));
      return;
    }
    this.log.flush();
    if (this.log.durableOffset >= this.context.pipeline.offset) this.release(this.context.pipeline.offset);
    if (
      this.snapshotting === undefined &&
      snapshotDue(this.log.bytesAfter(Math.max(this.snapshotOffset, this.snapshotTriedOffset)), this.snapshotBytes)
    ) {
      this.snapshot().catch((error: unknown) => this.noteNoSnapshot(error));
    }
  }

  private noteNoSnapshot(error: unknown): void {
    this.context.log.note(LogLevel.warn, `no snapshot could be taken: ${String(error)}`);
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
