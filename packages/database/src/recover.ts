/**
 * Opening is recovery: memory is brought to the log's end, the module is started, and who is connected is settled.
 *
 *   newest snapshot ─▶ log, up to what everyone was told ─▶ restore the sessions (nothing is sent)
 *     ─▶ the rest of the log, told to those who wait ─▶ disconnects of who is gone ─▶ what had no answer ─▶ schedules
 *
 * Without a `Resume` there is nobody to restore: everyone who was left in `st_client` is gone.
 */
import { unreadable, type CommitLog, type LoadedSnapshot } from "@lightcone/commitlog";
import { CommitKind } from "@lightcone/engine";
import { LogLevel } from "@lightcone/host";
import { clientBreaks, disconnects } from "@lightcone/schema";
import { DisconnectJob, knownClients } from "./calls/lifecycle.ts";
import type { DatabaseContext } from "./core/context.ts";
import type { HttpRequests } from "./http/requests.ts";
import { keyOfClient } from "./link/client.ts";
import type { ConnectionHandle } from "./link/link.ts";
import { WorkKind } from "./link/work.ts";
import type { Installation } from "./publish/installation.ts";
import type { CondemnedWork, WorkNames } from "./recovery/condemned.ts";
import { Replay } from "./recovery/replay.ts";
import type { Resume } from "./recovery/resume.ts";
import type { Scheduler } from "./schedule/scheduler.ts";
import type { Session } from "./session/session.ts";
import type { Sessions } from "./session/sessions.ts";

/** The parts of a database that is opened. */
export interface Parts {
  readonly context: DatabaseContext;
  readonly log: CommitLog;
  readonly scheduler: Scheduler;
  readonly sessions: Sessions;
  readonly installation: Installation;
  readonly requests: HttpRequests;
  readonly condemned: CondemnedWork;
  readonly names: WorkNames;
}

/** @returns handles of the connections that were resumed, in their order */
export async function recover(
  parts: Parts,
  schedule: Uint8Array | undefined,
  resume: Resume | undefined,
  skipped: LoadedSnapshot<unknown>["skipped"],
): Promise<readonly ConnectionHandle[]> {
  const { context, scheduler, installation, condemned } = parts;
  for (const { error } of skipped)
    context.log.note(LogLevel.warn, `a snapshot was passed over for an older one and the log: ${error.message}`);
  if (schedule !== undefined) scheduler.restore(schedule);
  installation.bindTables();
  const replay = new Replay(resume);
  const sessions = await replayLog(parts, replay, resume);
  if (resume !== undefined) condemned.note(context, parts.names, resume);
  installation.watchEnds();
  // From here to the last job that was left by the host before, what runs may end this one as well.
  if (resume?.isCareful === true) context.activity.closely(true);
  disconnectOthers(parts, sessions);
  if (resume !== undefined) resumeWork(parts, replay, resume, sessions);
  scheduler.start(context, condemned.ids(WorkKind.schedule));
  if (resume?.isCareful === true) parts.requests.awaitAgain(resume.requestCount);
  return sessions.handles;
}

/** The sessions of clients that are still there: by `keyOfClient`, and in the order in which they were given. */
interface OpenSessions {
  readonly byClient: ReadonlyMap<string, Session>;
  readonly handles: readonly Session[];
}

/** Replays the log; from the offset on that everyone had been told, it is told to those who wait. */
async function replayLog(parts: Parts, replay: Replay, resume: Resume | undefined): Promise<OpenSessions> {
  const { context, log } = parts;
  const releasedOffset = resume?.releasedOffset ?? Infinity;
  let sessions: OpenSessions | undefined;
  for await (const { firstOffset, records, file, at } of log.read(context.store.offset)) {
    for (const [index, record] of records.entries()) {
      const offset = firstOffset + index;
      if (offset > releasedOffset) sessions ??= await restoreSessions(parts, replay, resume);
      const kind = replayed(file, at, () => context.pipeline.replay(record, offset, replay.callOf));
      if (kind !== CommitKind.publish || sessions === undefined) continue;
      // What hosts ended in before was of the program before.
      context.ends.clear();
      await goOnWithStored(parts);
    }
  }
  return sessions ?? restoreSessions(parts, replay, resume);
}

/** What replays a record of a log file, whose batch begins at byte `at`. @throws {LightconeError} `Corrupt` */
function replayed<T>(file: string, at: number, replay: () => T): T {
  try {
    return replay();
  } catch (error) {
    throw unreadable(error, file, at);
  }
}

/** Opens the sessions of the clients that are still there, as of the present offset and with its module. */
async function restoreSessions(
  { installation, sessions }: Parts,
  replay: Replay,
  resume: Resume | undefined,
): Promise<OpenSessions> {
  await installation.installStored();
  const byClient = new Map<string, Session>();
  const handles: Session[] = [];
  for (const connection of resume?.connections ?? []) {
    const session = sessions.add(connection.info, connection.sink, connection);
    byClient.set(keyOfClient(connection.info.caller), session);
    handles.push(session);
    replay.tell(connection, session);
  }
  return { byClient, handles };
}

/** Another program was published here; clients whom the host before had to disconnect for it are disconnected. */
async function goOnWithStored({ context, installation, sessions }: Parts): Promise<void> {
  const before = context.module?.def;
  await installation.installStored();
  const now = context.module?.def;
  sessions.accessChanged();
  if (before === undefined || now === undefined || !disconnects(clientBreaks(before, now))) return;
  sessions.disconnectForVersion();
}

/** Runs the disconnects of those who are gone. */
function disconnectOthers({ context, condemned }: Parts, sessions: OpenSessions): void {
  const endedByGoing = condemned.ids(WorkKind.disconnect);
  for (const client of knownClients(context)) {
    const key = keyOfClient(client);
    if (!sessions.byClient.has(key)) context.loop.push(new DisconnectJob(context, client, !endedByGoing.has(key)));
  }
}

/** Goes on with what had no answer. */
function resumeWork({ condemned, requests }: Parts, replay: Replay, resume: Resume, sessions: OpenSessions): void {
  for (const connection of resume.connections) {
    const key = keyOfClient(connection.info.caller);
    sessions.byClient.get(key)?.resumePending(connection, replay.settledOf(key), condemned.messagesOf(key));
  }
  for (const visitor of resume.visits) requests.resume(visitor, replay.settledOf(keyOfClient(visitor)).get(1));
}
