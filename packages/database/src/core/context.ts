/**
 * What the parts of a database share: one object per database, made by `database.ts`. It has no getters of its own: an object
 * literal with one is a dictionary to V8, and each call reads it a dozen times.
 */
import type { Clock, CriticalSection, LightconeError } from "@lightcone/base";
import type { Store } from "@lightcone/engine";
import type { HttpClient } from "@lightcone/host";
import type { Access } from "../access/catalog.ts";
import type { DatabaseLimits } from "../link/limits.ts";
import type { Activity } from "../link/work.ts";
import type { ModuleLog } from "../module-log/module-log.ts";
import type { Call } from "./call.ts";
import type { CommitPipeline } from "./commit-pipeline.ts";
import type { FunctionEnds } from "./function-ends.ts";
import type { Relations } from "../views/relations.ts";
import type { Views } from "../views/views.ts";
import type { JobClock } from "./job-clock.ts";
import type { JobLoop } from "./job-loop.ts";
import type { Module } from "./module.ts";
import type { RunningProcedures } from "./running-procedures.ts";

export interface DatabaseContext {
  readonly store: Store;
  /** What statements read: the store's tables, and the rows of views. */
  readonly relations: Relations;
  readonly views: Views;
  readonly access: Access;
  readonly pipeline: CommitPipeline;
  readonly critical: CriticalSection;
  readonly loop: JobLoop;
  /** The time as the present job sees it. */
  readonly time: JobClock;
  readonly clock: Clock;
  readonly limits: DatabaseLimits;
  readonly activity: Activity;
  readonly log: ModuleLog;
  /** Procedures that wait. */
  readonly procedures: RunningProcedures;
  /** Sends their requests. */
  readonly http: HttpClient;
  /** Functions that hosts ended in. */
  readonly ends: FunctionEnds;
  /** Claims of the tokens that opened the present connections, by `keyOfClient`. */
  readonly claims: Map<string, Uint8Array>;
  /** Clients at whose connect a host ended, by `keyOfClient`: each is refused, once, and told why. */
  readonly condemnedClients: Map<string, LightconeError>;
  /** 32 bytes, little-endian. */
  readonly identity: Uint8Array;
  readonly owner: Uint8Array;
  /** Of hashes of what clients choose. */
  readonly seed: number;
  /** The module that runs; undefined before the first publish. */
  module: Module | undefined;
  /** The call whose function runs now, in the module; undefined while none does. */
  running: Call | undefined;
}

/** Whether nothing was left half done: not a row, not a commit that not everyone has heard of, nothing critical. */
export function isWhole(context: Pick<DatabaseContext, "store" | "pipeline" | "critical">): boolean {
  return !context.store.poisoned && context.pipeline.isTold && !context.critical.isOpen;
}
