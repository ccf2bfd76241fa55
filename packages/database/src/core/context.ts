/** What the parts of a database share: one object per database, made by `database.ts`. */
import type { Clock, LightconeError } from "@lightcone/base";
import type { Store } from "@lightcone/engine";
import type { Catalog } from "@lightcone/sql";
import type { MessageBuffer } from "../wire/message-buffer.ts";
import type { Encoder } from "../wire/wire-format.ts";
import type { FunctionEnds } from "./function-ends.ts";
import type { JobLoop } from "./job-loop.ts";
import type { Caller, WireProtocol } from "../link/link.ts";
import type { DatabaseLimits } from "../link/limits.ts";
import type { ModuleLog } from "../module-log/module-log.ts";
import type { ModuleRuntime } from "../calls/module-runtime.ts";
import type { DurabilityQueue } from "../session/durability-queue.ts";
import type { Program } from "../publish/publish.ts";
import type { Running } from "./running.ts";
import type { Subscriptions } from "../subscriptions/fan-out.ts";
import type { Activity } from "../link/work.ts";
import type { TransactionMeta, CommitPipeline } from "./commit-pipeline.ts";

export interface DatabaseContext {
  readonly store: Store;
  readonly pipeline: CommitPipeline;
  readonly loop: JobLoop;
  readonly durability: DurabilityQueue;
  readonly buffer: MessageBuffer;
  readonly subscriptions: Subscriptions;
  readonly limits: DatabaseLimits;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly log: ModuleLog;
  /** Functions that hosts ended in. */
  readonly ends: FunctionEnds;
  readonly running: Running;
  /** Filled in for each transaction: one runs at a time. */
  readonly meta: TransactionMeta;
  /** Claims of the tokens that opened the present connections, by `keyOfClient`. */
  readonly claims: Map<string, Uint8Array>;
  /** 32 bytes, little-endian. */
  readonly identity: Uint8Array;
  readonly owner: Uint8Array;
  /** Of hashes of what clients choose. */
  readonly seed: number;
  /** The module that runs; undefined before the first publish. */
  readonly module: ModuleRuntime | undefined;
  /** Why new transactions are refused at the moment, as with a full disk; undefined when they are not. */
  readonly refusal: LightconeError | undefined;
  /** Makes a program ready to run. @throws {LightconeError} `ModuleInvalid`, `SchemaInvalid` */
  load(program: Program): ModuleRuntime;
  encoder(protocol: WireProtocol): Encoder;
  /** What a caller may name in SQL; whether `SELECT * FROM *` stands for all of it. */
  catalog(caller: Pick<Caller, "isOwner">, expandsAll: boolean): Catalog;
}
