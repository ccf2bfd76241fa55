/**
 * Opening is recovery: memory is brought to the log's end, the module is started, and who is connected is settled.
 *
 *   newest snapshot ─▶ log, up to what every client was sent ─▶ restore the sessions without sending
 *     ─▶ the rest of the log, with delivery on ─▶ disconnect who is gone ─▶ run what had no answer ─▶ start schedules
 *
 * Where no front goes on, there is nobody to restore: everyone who was left in `st_client` is gone.
 */
import { asTxOffset, defined } from "@lightcone/base";
import { unreadable, type CommitLog, type LoadedSnapshot } from "@lightcone/commitlog";
import { CommitKind } from "@lightcone/engine";
import { LogLevel } from "@lightcone/host";
import { ByteReader } from "@lightcone/sats";
import { clientBreaks, disconnects } from "@lightcone/schema";
import { disconnectJob, knownClients } from "./calls/lifecycle.ts";
import type { DatabaseContext } from "./core/context.ts";
import { readBegun } from "./core/running-procedures.ts";
import type { HttpRequests } from "./http/requests.ts";
import { keyOfClient } from "./link/client.ts";
import type { ConnectionHandle } from "./link/link.ts";
import { WorkKind } from "./link/work.ts";
import type { Installation } from "./publish/installation.ts";
import { checkWhose } from "./publish/module-row.ts";
import type { CondemnedWork, WorkNames } from "./recovery/condemned.ts";
import { Replay } from "./recovery/replay.ts";
import type { FrontResume, Resume } from "./recovery/resume.ts";
import type { Scheduler } from "./schedule/scheduler.ts";
import type { Session } from "./session/session.ts";
import type { Sessions } from "./session/sessions.ts";
import type { Subscriptions } from "./subscriptions/fan-out.ts";

/** The parts of a database that is opened. */
export interface Parts {
  readonly context: DatabaseContext;
  readonly log: CommitLog;
  readonly scheduler: Scheduler;
  readonly sessions: Sessions;
  readonly subscriptions: Subscriptions;
  readonly installation: Installation;
  readonly requests: HttpRequests;
  readonly condemned: CondemnedWork;
  readonly names: WorkNames;
}

/**
 * @param meta what was kept beside the snapshot, if there is one: what is scheduled, and which procedures had begun
 * @returns handles of the connections that were resumed, in their order
 */
export async function recover(
  parts: Parts,
  meta: Uint8Array | undefined,
  resume: Resume,
  skipped: LoadedSnapshot<unknown>["skipped"],
): Promise<readonly ConnectionHandle[]> {
  const { context, scheduler, installation, condemned } = parts;
  for (const { error } of skipped)
    context.log.note(LogLevel.warn, `a snapshot was passed over for an older one and the log: ${error.message}`);
  const kept = meta && new ByteReader(meta);
  if (kept !== undefined) scheduler.restore(kept);
  installation.bindTables();
  const replay = new Replay(resume, kept === undefined ? [] : readBegun(kept));
  const restored = new RestoredFronts(parts, replay, resume);
  await replayLog(parts, replay, restored);
  condemned.note(context, parts.names, resume);
  installation.watchEnds();
  context.views.endRefused();
  const isCareful = resume.some((front) => front.isCareful);
  // From here to the last job that was left by the host before, what runs may end this one as well.
  if (isCareful) context.activity.closely(true);
  disconnectOthers(parts, restored.sessions);
  for (const front of resume) resumeWork(parts, replay, front, restored.sessions);
  scheduler.start(context, condemned.ids(WorkKind.schedule));
  if (isCareful) parts.requests.awaitAgain(resume.reduce((sum, { requestCount }) => sum + requestCount, 0));
  return restored.handles;
}

/** By `keyOfClient`. */
type OpenSessions = ReadonlyMap<string, Session>;

/**
 * Replays the log; each front's clients are sent what comes after the offset up to which all of them had been sent it.
 *
 * @throws {LightconeError} `Corrupt`
 */
async function replayLog(
  { context, log, installation, sessions, subscriptions }: Parts,
  replay: Replay,
  restored: RestoredFronts,
): Promise<void> {
  for await (const { firstOffset, records, file, at } of log.read(context.store.offset)) {
    for (const [index, record] of records.entries()) {
      const offset = firstOffset + index;
      if (restored.isDue(offset)) await restored.restore(offset);
      let kind: CommitKind;
      try {
        kind = context.pipeline.replay(record, offset, replay.callOf);
      } catch (error) {
        throw unreadable(error, file, at);
      }
      if (kind !== CommitKind.publish) continue;
      checkWhose(context, file);
      if (!restored.hasBegun) continue;
      // What hosts ended in before was of the program before.
      context.ends.clear();
      const before = context.module?.def;
      await installation.installStored();
      subscriptions.viewsChanged(asTxOffset(offset));
      const now = context.module?.def;
      // The host before had to disconnect its clients for this.
      const isOther = before !== undefined && now !== undefined && disconnects(clientBreaks(before, now));
      sessions.programChanged(isOther);
    }
  }
  await restored.restore(Infinity);
}

/** The sessions of clients that are still there, opened front by front as of where their front stood. */
class RestoredFronts {
  readonly sessions = new Map<string, Session>();
  hasBegun = false;
  private readonly parts: Parts;
  private readonly replay: Replay;
  private readonly resume: Resume;
  /** Those to come, the first last. */
  private readonly waiting: FrontResume[];

  constructor(parts: Parts, replay: Replay, resume: Resume) {
    this.parts = parts;
    this.replay = replay;
    this.resume = resume;
    this.waiting = resume.toSorted((a, b) => b.releasedOffset - a.releasedOffset);
  }

  /** Whether a front's clients have to be there before the record of this offset is replayed. */
  isDue(offset: number): boolean {
    const front = this.waiting.at(-1);
    return front !== undefined && front.releasedOffset < offset;
  }

  /** Opens the sessions of fronts that are due, as of the present offset and with its module. */
  async restore(offset: number): Promise<void> {
    if (!this.hasBegun) await this.parts.installation.installStored();
    this.hasBegun = true;
    const { views } = this.parts.context;
    views.isRestoring = true;
    while (this.isDue(offset)) {
      for (const connection of this.waiting.pop()?.connections ?? []) {
        const session = this.parts.sessions.add(connection.info, connection.sink, connection);
        this.sessions.set(keyOfClient(connection.info.caller), session);
        this.replay.tell(connection, session);
      }
    }
    views.isRestoring = false;
  }

  /** In the order in which the connections were given. */
  get handles(): readonly ConnectionHandle[] {
    return this.resume.flatMap(({ connections }) =>
      connections.map(({ info }) => defined(this.sessions.get(keyOfClient(info.caller)), "a resumed connection")),
    );
  }
}

/** Runs the disconnects of those who are gone. */
function disconnectOthers({ context, condemned }: Parts, sessions: OpenSessions): void {
  const endedByGoing = condemned.ids(WorkKind.disconnect);
  for (const client of knownClients(context)) {
    const key = keyOfClient(client);
    if (!sessions.has(key)) context.loop.push(disconnectJob(context, client, !endedByGoing.has(key)));
  }
}

/** Goes on with what had no answer. */
function resumeWork({ condemned, requests }: Parts, replay: Replay, front: FrontResume, sessions: OpenSessions): void {
  for (const connection of front.connections) {
    const key = keyOfClient(connection.info.caller);
    sessions.get(key)?.resumePending(connection, replay.settledOf(key), condemned.messagesOf(key));
  }
  for (const visitor of front.visits) requests.resume(visitor, replay.settledOf(keyOfClient(visitor)).get(1));
}
