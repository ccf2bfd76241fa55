/**
 * The parts of a database below its session, for suites of one part: a real store, log, job loop and module log over
 * files in memory and a clock that stands. What a suite is about it makes itself.
 */
import { manualClock, memoryFileSystem, type ManualClock, type MemoryFileSystem } from "@lightcone/commitlog/testing";
import type { CommitLog } from "@lightcone/commitlog";
import { TimeoutWatchdog, type Watchdog } from "@lightcone/base/node";
import { CommitKind, openStore, type Store } from "@lightcone/engine";
import type { HttpAnswer, HttpRequest, HttpRules } from "@lightcone/host";
import type { TableDef } from "@lightcone/schema";
import { Access } from "../access/catalog.ts";
import { ownCall } from "../core/call.ts";
import { CommitPipeline, ok } from "../core/commit-pipeline.ts";
import type { DatabaseContext } from "../core/context.ts";

import { FunctionEnds } from "../core/function-ends.ts";
import { JobClock } from "../core/job-clock.ts";
import { JobLoop } from "../core/job-loop.ts";
import { RunningProcedures } from "../core/running-procedures.ts";
import type { Caller } from "../link/link.ts";
import { defaultDatabaseLimits, type DatabaseLimits } from "../link/limits.ts";
import { LogReader } from "../module-log/log-files.ts";
import { ModuleLog } from "../module-log/module-log.ts";
import { openFiles } from "../recovery/open-files.ts";
import { Scheduler } from "../schedule/scheduler.ts";
import { Subscriptions } from "../subscriptions/fan-out.ts";
import { strikeOff } from "../subscriptions/strike-off.ts";
import { Relations } from "../views/relations.ts";
import { Views } from "../views/views.ts";
import { TestModule, type TestModuleSketch } from "./test-module.ts";

export interface SentRequest {
  readonly request: HttpRequest;
  readonly rules: HttpRules;
  readonly answered: (answer: HttpAnswer) => void;
  /** Whether whoever sent it has given it up, or been answered. */
  isGivenUp: boolean;
}

export interface TestParts {
  readonly context: DatabaseContext;
  readonly store: Store;
  readonly log: CommitLog;
  readonly clock: ManualClock;
  readonly fileSystem: MemoryFileSystem;
  readonly subscriptions: Subscriptions;
  readonly scheduler: Scheduler;
  /** What procedures have requested, to be answered by the test. */
  readonly requests: SentRequest[];
  /** What ended the loop, if it has ended. */
  broken: unknown;
  /** Runs all jobs that there are, and those that they bring about. */
  settle(): Promise<void>;
  /** Runs `work` in a transaction of the database's own. */
  commit(work: () => void): void;
  /** The texts in the module's log. */
  lines(): Promise<readonly string[]>;
}

export const testIdentity: Uint8Array = new Uint8Array(32).fill(2);
export const testOwner: Uint8Array = new Uint8Array(32).fill(1);

/** Someone who acts: `seed` says who. */
export function testCaller(seed: number, isOwner = false): Caller {
  const connectionId = new Uint8Array(16).fill(seed);
  return { identity: isOwner ? testOwner : new Uint8Array(32).fill(seed), connectionId, claims: "{}", isOwner };
}

/** @param module runs, and its tables exist */
export async function openParts(
  module?: TestModuleSketch,
  limits: Partial<DatabaseLimits> = {},
  watchdog: Watchdog = new TimeoutWatchdog(),
): Promise<TestParts> {
  const all = { ...defaultDatabaseLimits, reducerTimeoutMs: 10_000, ...limits };
  const clock = manualClock();
  const fileSystem = memoryFileSystem();
  const identity = { database: testIdentity, owner: testOwner };
  const { log } = await openFiles({ identity, directory: "/data", fileSystem, clock, limits: all });
  const moduleLog = await ModuleLog.open({ fileSystem, directory: "/data/module-log", clock, limits: all });
  const store = openStore();
  const time = new JobClock(clock);
  const scheduler = new Scheduler(store);
  const relations = new Relations(store, all.liveStateBytesMax, 7);
  const activity = {
    begin: () => undefined,
    end: () => undefined,
    beginPart: () => undefined,
    endParts: () => undefined,
    closely: () => undefined,
  };
  const ends = new FunctionEnds(clock, all.functionEndsMax, []);
  const views = new Views({
    store,
    relations,
    watchdog,
    clock,
    limits: all,
    log: moduleLog,
    activity,
    ends,
    condemned: { has: () => false },
    databaseIdentity: testIdentity,
    seed: 7,
  });
  const subscriptions = new Subscriptions(relations, views, time, testIdentity, 7, all);
  const loop = new JobLoop({
    watchdog,
    timeoutMs: all.reducerTimeoutMs,
    time,
    mustWait: () => false,
    turnEnded: () => log.flush(),
    broken: (error) => (parts.broken = error),
  });
  subscriptions.onFailing = () => loop.push(strikeOff(subscriptions));
  const context: DatabaseContext = {
    store,
    relations,
    views,
    access: new Access(store, relations),
    pipeline: new CommitPipeline(store, log, watchdog.critical, time, [subscriptions, scheduler]),
    critical: watchdog.critical,
    loop,
    time,
    clock,
    limits: all,
    activity,
    log: moduleLog,
    procedures: new RunningProcedures(all),
    http: {
      send(request, rules, answered) {
        const sent = { request, rules, answered, isGivenUp: false };
        parts.requests.push(sent);
        return () => void (sent.isGivenUp = true);
      },
    },
    ends,
    claims: new Map(),
    condemnedClients: new Map(),
    identity: testIdentity,
    owner: testOwner,
    seed: 7,
    module: undefined,
    running: undefined,
  };
  const parts: TestParts = {
    context,
    store,
    log,
    clock,
    fileSystem,
    subscriptions,
    scheduler,
    requests: [],
    broken: undefined,
    async settle() {
      // A turn may bring about another, and promises in between them one more.
      for (let quiet = 0; quiet < 3; quiet = loop.count === 0 ? quiet + 1 : 0)
        await new Promise((resolve) => setImmediate(resolve));
    },
    commit(work) {
      const call = ownCall(testIdentity, CommitKind.internal).of(undefined, context.pipeline.nowMicros());
      context.pipeline.transact(call, () => {
        work();
        return ok;
      });
    },
    async lines() {
      await moduleLog.flush();
      const reader = await LogReader.open(fileSystem, "/data/module-log", { lineCount: undefined, follow: false });
      const texts: string[] = [];
      for (let bytes = await reader.next(); bytes !== undefined; bytes = await reader.next())
        for (const line of new TextDecoder().decode(bytes).split("\n"))
          if (line !== "") texts.push((JSON.parse(line) as { message: string }).message);
      await reader.close();
      return texts;
    },
  };
  if (module !== undefined) {
    const running = new TestModule(module, views.port);
    context.module = running;
    parts.commit(() => {
      createTables(store, module.tables ?? []);
      store.catalog.setViews(running.def.views);
    });
    views.use(running);
    views.bind();
    scheduler.bind(store.tables());
  }
  return parts;
}

function createTables(store: Store, tables: readonly TableDef[]): void {
  for (const table of tables) store.catalog.createTable(table);
}
