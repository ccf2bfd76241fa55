/**
 * Runs the calls of a log again, each on an instance of its own, and compares what they change with what the log has: a module that
 * keeps no state outside of its tables, and asks nothing but its context, changes the same rows to the byte.
 *
 *   state before the record ─▶ the call, on a fresh instance ─▶ its rows, compared ─▶ rolled back ─▶ the record applied
 *
 * Statements of the owner are run again as well, and so are the functions that publishes run: init, and one that carries rows over. A
 * transaction of a procedure cannot be run again, since answers of other servers are not in the log: it is applied and counted.
 */
import { cutText, defined, userIdMin, type Clock, type FileSystem } from "@lightcone/base";
import { outsideMicrotasks } from "@lightcone/base/node";
import { openLog, openSnapshot, snapshotOffsets, unreadable } from "@lightcone/commitlog";
import {
  CommitKind,
  openStore,
  restoreStore,
  rowsOfRecord,
  type CommitMeta,
  type RecordRows,
  type Store,
} from "@lightcone/engine";
import type { CallOutcome, ModuleInstance } from "@lightcone/host";
import { loadJsModule, type LoadJs, type SandboxKind } from "@lightcone/host-js";
import { bsatnToJson, ByteReader, Timestamp, type AlgebraicType } from "@lightcone/sats";
import { execute } from "@lightcone/query";
import { planMigration } from "@lightcone/schema";
import { compileStatement } from "@lightcone/sql";
import { Access } from "../access/catalog.ts";
import { ModuleRuntime } from "../calls/module-runtime.ts";
import { ok } from "../core/commit-pipeline.ts";
import type { BoundReducer, Program } from "../core/module.ts";
import { defaultDatabaseLimits } from "../link/limits.ts";
import {
  changeTables,
  createTables,
  finishCarrying,
  openRemakes,
  rowCounts,
  rowsAtOnce,
} from "../publish/carry-out.ts";
import { programIn, storedProgram } from "../publish/module-row.ts";
import { Scheduler } from "../schedule/scheduler.ts";
import { Relations } from "../views/relations.ts";
import { RerunPort } from "./rerun-port.ts";

export interface RerunOptions {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  /** The database's, with `log` and `snapshots` in it. No server has it open. */
  readonly directory: string;
  /** 32 bytes, little-endian. */
  readonly identity: Uint8Array;
  /** Calls before this offset are not run again. */
  readonly from?: number | undefined;
  /** The last offset that is looked at. */
  readonly to?: number | undefined;
  /** Is told of each call, and of its record's offset, right before it runs, in the same turn. */
  readonly before?: ((call: CommitMeta, offset: number) => void) | undefined;
  readonly sandbox?: SandboxKind | undefined;
  /** Makes the module that runs in place of each that was published. */
  readonly loadJs?: LoadJs | undefined;
}

/** A row is shown as long as this. */
const rowTextMax = 2000;

/** The first thing that was another. */
export interface Difference {
  readonly offset: number;
  readonly functionName: string;
  readonly timestampMicros: number;
  /** The row, as JSON by column names: the log has it, or the call that was run again; or what became of that instead. */
  readonly what:
    | {
        readonly kind: "recorded" | "made";
        readonly change: "insert" | "delete";
        readonly table: string;
        readonly row: string;
      }
    | { readonly kind: "failed"; readonly message: string };
}

/**
 * What was not run again: transactions of procedures, publishes that ran no function, and statements that an earlier release logged
 * without their text. `rest` is the database's own commits, and calls of functions that the module has no more.
 */
export type OtherKind = "procedures" | "statements" | "publishes" | "rest";

export interface RerunReport {
  /** The offsets of the records that were looked at; the last is below the first where there was none. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** How many calls were run again. */
  readonly rerunCount: number;
  /** How many records are of what cannot be, and of what. */
  readonly otherCount: number;
  readonly others: Readonly<Record<OtherKind, number>>;
  /** How many calls changed other rows and had asked for a token, which the log does not keep. */
  readonly tokenCount: number;
  readonly difference: Difference | undefined;
}

/** What differs, in words. */
export function differenceText({ offset, functionName, timestampMicros, what }: Difference): string {
  const call = `${functionName}, offset ${offset}, of ${new Timestamp(BigInt(timestampMicros)).toDate().toISOString()}`;
  if (what.kind === "failed") return `${call}: it was recorded, and fails now: ${what.message}`;
  const did = what.kind === "recorded" ? "did when it was recorded, and does not now" : "does now, and did not then";
  return `${call}: a row of ${what.table} differs, the ${what.change} of which it ${did}: ${cutText(what.row, rowTextMax)}`;
}

/** Stops at the first difference. @throws {LightconeError} `Corrupt` */
export async function rerunCalls(options: RerunOptions): Promise<RerunReport> {
  const { fileSystem, clock, directory } = options;
  const offsets = [...(await snapshotOffsets(fileSystem, `${directory}/snapshots`))];
  const log = await openLog({ fileSystem, clock, directory: `${directory}/log`, mustExist: true, snapshots: offsets });
  try {
    const store =
      log.firstOffset === 0 ? openStore({ bytesMax: Infinity }) : await restored(options, Math.min(...offsets));
    const rerun = new Rerun(store, options);
    const firstOffset = Math.max(store.offset, options.from ?? 0);
    await rerun.install();
    for await (const { records, file, at } of log.read(store.offset)) {
      for (const record of records) {
        if (store.offset > (options.to ?? Infinity)) return rerun.report(firstOffset);
        try {
          await rerun.take(record, store.offset >= firstOffset);
        } catch (error) {
          throw unreadable(error, file, at);
        }
        if (rerun.difference !== undefined) return rerun.report(firstOffset);
      }
    }
    return rerun.report(firstOffset);
  } finally {
    await log.close();
  }
}

async function restored({ fileSystem, directory }: RerunOptions, offset: number): Promise<Store> {
  const snapshot = await openSnapshot(fileSystem, `${directory}/snapshots`, offset);
  try {
    return await restoreStore(snapshot.chunks(), { bytesMax: Infinity, verify: true });
  } finally {
    await snapshot.close();
  }
}

const otherKinds: { readonly [Kind in CommitKind]?: OtherKind } = {
  [CommitKind.procedure]: "procedures",
  [CommitKind.sql]: "statements",
  [CommitKind.publish]: "publishes",
};

/** Does what a record was made by, in the open transaction. */
type Work = () => CallOutcome;

function callOn(instance: ModuleInstance, { def }: BoundReducer, call: CommitMeta, args: Uint8Array): CallOutcome {
  const { sender, connection, timestampMicros } = call;
  return instance.callReducer({
    reducerId: def.id,
    sender: sender.slice(),
    connection: connection.slice(),
    timestampMicros,
    args,
  });
}

/** What a record is of, in words. */
export function titleOf({ kind, functionName }: Pick<CommitMeta, "kind" | "functionName">): string {
  return kind === CommitKind.sql ? "a statement of the owner" : functionName;
}

/** Thrown to roll a transaction back when its rows are known. */
const seen = new Error("the rows are known");

class Rerun {
  difference: Difference | undefined;
  private readonly store: Store;
  private readonly relations: Relations;
  private readonly scheduler: Scheduler;
  private readonly port: RerunPort;
  private readonly loadJs: LoadJs;
  private readonly before: RerunOptions["before"];
  /** Whether one module stands for every program that was published, whatever tables it had. */
  private readonly isGivenModule: boolean;
  private module: ModuleRuntime | undefined;
  private rerunCount = 0;
  private readonly others: Record<OtherKind, number> = { procedures: 0, statements: 0, publishes: 0, rest: 0 };
  private tokenCount = 0;

  constructor(store: Store, { identity, sandbox = "vm", loadJs, before }: RerunOptions) {
    this.store = store;
    this.relations = new Relations(store, Infinity, 0);
    this.scheduler = new Scheduler(store);
    this.port = new RerunPort(store, this.scheduler, identity);
    this.before = before;
    this.isGivenModule = loadJs !== undefined;
    this.loadJs = loadJs ?? ((bundle, limits) => loadJsModule(bundle, limits, { sandbox }));
  }

  report(firstOffset: number): RerunReport {
    const { rerunCount, others, tokenCount, difference } = this;
    const otherCount = Object.values(others).reduce((sum, count) => sum + count, 0);
    const lastOffset = difference?.offset ?? this.store.offset - 1;
    return { firstOffset, lastOffset, rerunCount, otherCount, others, tokenCount, difference };
  }

  /** Takes in the program that the tables hold. */
  async install(): Promise<void> {
    const program = storedProgram(this.store);
    this.scheduler.bind(this.store.tables());
    this.module = program && (await outsideMicrotasks(() => this.load(program)));
  }

  private load(program: Program): ModuleRuntime {
    const { port } = this;
    return new ModuleRuntime(program, { port, viewPort: port }, defaultDatabaseLimits, this.loadJs);
  }

  /** Runs what the record is of, unless it is too early, and applies the record. */
  async take(record: Uint8Array, isDue: boolean): Promise<void> {
    const { store } = this;
    const call = store.standBefore(record);
    if (isDue) await this.compare(call, record);
    if (this.difference !== undefined) return;
    const { kind } = call;
    store.release(store.apply(record));
    if (kind === CommitKind.publish) await this.install();
  }

  private async compare(call: CommitMeta, record: Uint8Array): Promise<void> {
    const made = await outsideMicrotasks(() => {
      const work = this.workOf(call, record);
      return work && this.run(call, work);
    });
    if (made === undefined) {
      this.others[otherKinds[call.kind] ?? "rest"] += 1;
      return;
    }
    this.rerunCount += 1;
    const difference = made instanceof Uint8Array ? this.firstOf(rowsOfRecord(record), rowsOfRecord(made)) : made;
    if (difference === undefined) return;
    if (this.port.hasAskedForToken) this.tokenCount += 1;
    else
      this.difference = {
        offset: this.store.offset,
        functionName: titleOf(call),
        timestampMicros: call.timestampMicros,
        what: difference,
      };
  }

  /** What the record was made by; undefined for what cannot be run again, and for what ran nothing. */
  private workOf(call: CommitMeta, record: Uint8Array): Work | undefined {
    switch (call.kind) {
      case CommitKind.procedure:
        return undefined;
      case CommitKind.sql:
        return this.statement(call);
      case CommitKind.publish:
        return this.publish(call, record);
      default:
        return this.reducer(call);
    }
  }

  private reducer(call: CommitMeta): Work | undefined {
    const { module, scheduler } = this;
    const reducer = call.functionName === "" ? undefined : module?.reducer(call.functionName);
    if (module === undefined || reducer === undefined) return undefined;
    const args = call.args.slice();
    const afterCall = call.kind === CommitKind.schedule ? scheduler.afterCall(reducer.def.name, args) : undefined;
    module.discard();
    const { instance } = module;
    return () => {
      const outcome = callOn(instance, reducer, call, args);
      if (outcome.kind === "ok") afterCall?.();
      return outcome;
    };
  }

  /** A statement of the owner. Releases before this one have left no text of it. */
  private statement({ args, sender }: CommitMeta): Work | undefined {
    const { store, relations } = this;
    if (args.length === 0) return undefined;
    const text = new TextDecoder().decode(args);
    const identity = sender.slice();
    const catalog = new Access(store, relations).catalog({ isOwner: true }, false);
    return () => {
      execute(store, compileStatement(text, catalog, { identity, mayWrite: true }), identity, () => undefined);
      return ok;
    };
  }

  /** The function that a publish ran: init of the first, or one that makes new rows of old ones. */
  private publish(call: CommitMeta, record: Uint8Array): Work | undefined {
    const { store, module: before } = this;
    const program = call.functionName === "" ? undefined : programIn(rowsOfRecord(record));
    if (program === undefined || this.isGivenModule) return undefined;
    const next = this.load(program);
    const reducer = next.reducer(call.functionName);
    const plan = before && planMigration(before.def, next.def, { ...rowCounts(store), dropsData: true });
    if (reducer === undefined || plan?.kind === "refused") return undefined;
    // Before the transaction, as in the publish.
    if (plan !== undefined && openRemakes(store, plan)) while (!store.catalog.stepRemakes(rowsAtOnce));
    return () => {
      if (plan === undefined) createTables(store, next.def);
      else changeTables(store, plan);
      this.scheduler.bind(store.tables());
      next.bind();
      const outcome = callOn(next.instance, reducer, call, call.args.slice());
      if (outcome.kind === "ok" && plan !== undefined) finishCarrying(store, plan, next.def);
      return outcome;
    };
  }

  /** Runs something in a transaction. @returns the record that it would make; nothing of it stays */
  private run(call: CommitMeta, work: Work): Uint8Array | Extract<Difference["what"], { kind: "failed" }> {
    const { store, port } = this;
    port.begin(call);
    store.begin();
    this.before?.(call, store.offset);
    let outcome: CallOutcome;
    try {
      outcome = work();
    } catch (error) {
      outcome = { kind: "panic", message: error instanceof Error ? error.message : "it was ended", fatal: true };
    }
    if (outcome.kind !== "ok") {
      store.rollback();
      return { kind: "failed", message: outcome.message };
    }
    let made: Uint8Array | undefined;
    try {
      const commit = store.commit(
        call,
        (_, bytes) => {
          made = bytes.slice();
          throw seen;
        },
        true,
      );
      if (commit !== undefined) store.release(commit);
    } catch (error) {
      if (error !== seen) throw error;
    }
    return defined(made, "the record of what is always recorded");
  }

  /** The first row that only one of two records has. Rows of the database's own tables are not the module's doing. */
  private firstOf(recorded: readonly RecordRows[], made: readonly RecordRows[]): Difference["what"] | undefined {
    const tableIds = new Set([...recorded, ...made].map(({ tableId }) => tableId).filter((id) => id >= userIdMin));
    for (const tableId of [...tableIds].sort((a, b) => a - b)) {
      for (const change of ["deletes", "inserts"] as const) {
        const theirs = recorded.find((each) => each.tableId === tableId)?.[change] ?? [];
        const ours = made.find((each) => each.tableId === tableId)?.[change] ?? [];
        const only = firstOnlyIn(theirs, ours);
        const row = only ?? firstOnlyIn(ours, theirs);
        if (row === undefined) continue;
        const table = this.store.tables().find(({ id }) => id === tableId);
        return {
          kind: only === undefined ? "made" : "recorded",
          change: change === "deletes" ? "delete" : "insert",
          table: table?.name ?? String(tableId),
          row: table === undefined ? "" : textOf(table.def.rowType, row),
        };
      }
    }
    return undefined;
  }
}

/** The first row of a list that the other has not. A table has no row twice. */
function firstOnlyIn(rows: readonly Uint8Array[], others: readonly Uint8Array[]): Uint8Array | undefined {
  // Mostly they are the same, in the same order.
  const known = new Set(others.map((row) => Buffer.from(row).toString("latin1")));
  return rows.find((row) => !known.has(Buffer.from(row).toString("latin1")));
}

function textOf(type: AlgebraicType, row: Uint8Array): string {
  return bsatnToJson(type, "named", new ByteReader(row, "a row"));
}
