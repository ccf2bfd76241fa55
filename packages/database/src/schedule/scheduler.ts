/**
 * Runs the rows of scheduled tables when they are due.
 *
 * It learns of rows from commits alone, so a replayed log leaves it as the live one did. A one-shot row is
 * deleted in the transaction that runs its reducer (in one of its own when the reducer fails): it never runs
 * twice. A procedure makes transactions of its own, so the log has before it begins that its row's time is used up: it runs
 * once at most, and its row's next time comes when it has ended. A repeated row goes on from the time it was last meant for; of ticks that were missed, while the database had no
 * host as well, the first runs late and the others are left out.
 */
import { asRowRef, asTableId, type TableId } from "@lightcone/base";
import { CommitKind, type Commit, type Index, type RowRefs, type Store, type Table } from "@lightcone/engine";
import { LogLevel } from "@lightcone/host";
import {
  ByteReader,
  ByteWriter,
  toHex,
  valueCodec,
  type AlgebraicType,
  type TimeDuration,
  type Timestamp,
  type ValueCodec,
} from "@lightcone/sats";
import type { ProcedureDef } from "@lightcone/schema";
import { noConnection, ownCall } from "../core/call.ts";
import { procedureTarget } from "../calls/procedure-call.ts";
import { ProcedureRun } from "../calls/procedure-run.ts";
import { abandonNoted, callReducer } from "../calls/reducer-call.ts";
import { noted } from "../recovery/noted.ts";
import type { DatabaseContext } from "../core/context.ts";
import { ScheduleQueue, type ScheduledRow } from "./schedule-queue.ts";
import { idOfRow, rowOfId, WorkKind } from "../link/work.ts";
import { ok, type CommitListener } from "../core/commit-pipeline.ts";

/** Further ahead than this many microseconds is refused: 2^36 - 1 ms. */
const delayMicrosMax = (2 ** 36 - 1) * 1000;
/** What rows wait for that came due while nothing could be written, or too many procedures waited, and when they are tried again. */
const noRoom = "";
const noPlace = " ";
const refusedAgainMs = 1000;

/** A timer is set for no longer than this, so that a wall clock that is set is noticed. */
const timerMsMax = 5000;
/** One that was set back by less is as good as one that was not. */
const setBackMsMin = 1000;

interface Due {
  readonly id: bigint;
  readonly at:
    | { readonly tag: "Interval"; readonly value: TimeDuration }
    | { readonly tag: "Time"; readonly value: Timestamp };
}

interface ScheduledTable {
  readonly table: Table;
  readonly functionName: string;
  /** Finds a row by its u64 primary key. */
  readonly byId: Index;
  readonly codec: ValueCodec<Record<string, unknown>>;
  readonly idName: string;
  readonly atName: string;
}

/** By the type of rows: a table is bound more than once, and databases of one module have the same types. */
const codecs = new WeakMap<AlgebraicType, ValueCodec<Record<string, unknown>>>();

function codecOf(rowType: AlgebraicType): ValueCodec<Record<string, unknown>> {
  let codec = codecs.get(rowType);
  if (codec === undefined) codecs.set(rowType, (codec = valueCodec(rowType)));
  return codec;
}

export class Scheduler implements CommitListener {
  private readonly queue = new ScheduleQueue();
  private readonly tables = new Map<TableId, ScheduledTable>();
  private readonly store: Store;
  /** Rows that came due and wait, by the function that is refused, or `noRoom`. */
  private readonly held = new Map<string, HeldRows>();
  /** Rows whose procedure runs, by what their work is named by, and the next time of each that has come meanwhile. */
  private readonly underWay = new Map<string, ScheduledRow | undefined>();
  private context: DatabaseContext | undefined;
  private cancelTimer: (() => void) | undefined;
  private timerMicros = Infinity;
  /** How far the wall clock was ahead of the steady one when it was last looked at. */
  private aheadMs = -Infinity;

  constructor(store: Store) {
    this.store = store;
  }

  /** Says which tables are scheduled; call it after every change of the schema. */
  bind(tables: readonly Table[]): ReadonlySet<TableId> {
    this.tables.clear();
    for (const table of tables) {
      const { schedule } = table.def;
      if (schedule === undefined) continue;
      const byId = table.indexes.find(
        (index) => index.unique && index.def.columns.length === 1 && index.def.columns[0] === schedule.idColumn,
      );
      const idName = table.def.columns[schedule.idColumn]?.name;
      const atName = table.def.columns[schedule.atColumn]?.name;
      if (byId === undefined || idName === undefined || atName === undefined) continue; // the schema check rules this out
      const codec = codecOf(table.def.rowType);
      this.tables.set(table.id, { table, functionName: schedule.functionName, byId, codec, idName, atName });
    }
    return new Set(this.tables.keys());
  }

  /**
   * Starts to run what is due, and what was while there was no host. Rows that nothing is known of (older than the log) count from now.
   *
   * @param condemned rows that are not run again, by `idOfRow` as hex
   */
  start(context: DatabaseContext, condemned: ReadonlySet<string>): void {
    this.context = context;
    const now = context.clock.nowMicros();
    this.takeUnknown(now);
    this.bringBack(now);
    for (const row of condemned.size === 0 ? [] : this.queue.rows())
      if (condemned.has(toHex(idOfRow(row)))) {
        const giveUp = (): void => this.gaveUp(context, row);
        context.loop.push({ run: giveUp, timedOut: giveUp });
      }
    this.fire(context);
  }

  /** Takes up rows that nothing is known of: they count from now. */
  private takeUnknown(now: number): void {
    const { store, queue } = this;
    for (const scheduled of this.tables.values()) {
      const cursor = scheduled.table.openCursor();
      cursor.seek();
      for (let row = cursor.next(); row !== -1; row = cursor.next()) {
        store.resolve(row);
        const due = readDue(scheduled, store.row.bytes, store.row.at, store.row.length);
        const known = queue.dueOf(scheduled.table.id, due.id);
        if (known === undefined) queue.set(scheduled.table.id, due.id, firstTime(due, now));
      }
    }
  }

  /** After a publish: tables that are scheduled no more, or only now. */
  private rebind(now: number): void {
    for (const { tableId, rowId } of this.queue.rows())
      if (!this.tables.has(asTableId(tableId))) this.queue.remove(tableId, rowId);
    this.takeUnknown(now);
  }

  /** When the first row is due, handed out or not; undefined when none is scheduled. */
  get nextDueMicros(): number | undefined {
    let next: number | undefined;
    for (const { dueMicros } of this.queue.rows()) if (next === undefined || dueMicros < next) next = dueMicros;
    return next;
  }

  /** The reducer that a row is run by: the row is named as its work is. */
  scheduledFunction(id: string): string | undefined {
    return this.tables.get(asTableId(rowOfId(id).tableId))?.functionName;
  }

  /** Whether a row, by what its work is named by, is run again and again. */
  isRepeated(id: string): boolean {
    const { tableId, rowId } = rowOfId(id);
    const row = this.rowOf(tableId, rowId);
    return row?.due.at.tag === "Interval";
  }

  stop(): void {
    this.context = undefined;
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    for (const { cancel } of this.held.values()) cancel();
    this.held.clear();
  }

  /** What rows waited for may be over: those that wait are tried now. */
  letGo(): void {
    for (const why of this.held.keys()) this.release(why);
  }

  /** Whether a row asks for a time that is too far away. */
  isTooLate(table: TableId, bytes: Uint8Array, at: number, length: number, nowMicros: number): boolean {
    const scheduled = this.tables.get(table);
    if (scheduled === undefined) return false;
    let due: Due;
    try {
      due = readDue(scheduled, bytes, at, length);
    } catch {
      return false; // not a row: the insert itself says so
    }
    return firstTime(due, nowMicros) - nowMicros >= delayMicrosMax;
  }

  committed(commit: Commit): void {
    // While a log is replayed, the tables come with it.
    if (commit.meta.kind === CommitKind.publish) {
      this.bind(this.store.tables());
      this.rebind(this.clockTime(commit.meta.timestampMicros));
    }
    if (this.tables.size === 0) return;
    for (const delta of commit.deltas) {
      const scheduled = this.tables.get(delta.table.id);
      if (scheduled === undefined) continue;
      this.each(delta.deletes, scheduled, (due) => this.queue.remove(scheduled.table.id, due.id));
      this.each(delta.inserts, scheduled, (due) =>
        this.queue.set(scheduled.table.id, due.id, firstTime(due, this.clockTime(commit.meta.timestampMicros))),
      );
    }
    if (commit.meta.kind === CommitKind.schedule)
      this.advance(commit.meta.functionName, commit.meta.args, this.clockTime(commit.meta.timestampMicros));
    this.arm();
  }

  /** What is scheduled, to be kept beside a snapshot. */
  save(): Uint8Array {
    const out = new ByteWriter();
    const rows = this.queue.rows();
    out.u32(rows.length);
    for (const row of rows) {
      out.u32(row.tableId);
      out.u64(row.rowId);
      out.u64Number(row.dueMicros);
    }
    return out.toBytes();
  }

  /** Takes back what `save` gave. */
  restore(input: ByteReader): void {
    for (let left = input.u32(); left > 0; left--) this.queue.set(input.u32(), input.u64(), Number(input.u64()));
  }

  /** Moves a repeated row on after it ran as of `nowMicros`. */
  private advance(functionName: string, row: Uint8Array, nowMicros: number): void {
    for (const scheduled of this.tables.values()) {
      if (scheduled.functionName !== functionName) continue;
      const due = readDue(scheduled, row, 0, row.length);
      const meant = this.queue.dueOf(scheduled.table.id, due.id);
      if (meant === undefined || due.at.tag !== "Interval") continue;
      // A row that the reducer replaced was set anew just now; only one that is still due is moved.
      if (meant <= nowMicros) this.queue.set(scheduled.table.id, due.id, nextTick(meant, due.at.value, nowMicros));
    }
  }

  private each(rows: RowRefs, scheduled: ScheduledTable, visit: (due: Due) => void): void {
    for (let at = 0; at < rows.count; at++) {
      this.store.resolve(asRowRef(rows.refs[at] ?? 0));
      const { row } = this.store;
      visit(readDue(scheduled, row.bytes, row.at, row.length));
    }
  }

  /** Sets the timer for the row that is next. */
  private arm(): void {
    const context = this.context;
    if (context === undefined) return;
    const next = this.queue.peek();
    if (next === undefined || next.dueMicros >= this.timerMicros) return;
    this.cancelTimer?.();
    this.timerMicros = next.dueMicros;
    const delayMs = Math.max(0, (next.dueMicros - context.clock.nowMicros()) / 1000);
    // One that is early just sets the next.
    this.cancelTimer = context.clock.after(Math.min(delayMs, timerMsMax), () => {
      this.timerMicros = Infinity;
      this.cancelTimer = undefined;
      this.fire(context);
    });
  }

  private fire(context: DatabaseContext): void {
    const now = context.clock.nowMicros();
    const aheadMs = now / 1000 - context.clock.steadyMs();
    if (aheadMs < this.aheadMs - setBackMsMin) this.bringBack(now);
    this.aheadMs = aheadMs;
    for (const row of this.queue.due(now)) this.push(context, row);
    this.arm();
  }

  /** What the clock says at a transaction. Its own time is another when the clock was set back: that never goes back. */
  private clockTime(transactionMicros: number): number {
    const nowMicros = this.context?.clock.nowMicros() ?? transactionMicros; // of a log that is replayed, only its own is known
    return transactionMicros - nowMicros > setBackMsMin * 1000 ? nowMicros : transactionMicros;
  }

  /**
   * The clock may have been set back: no repeated row waits for longer than its interval. It keeps its step, so that hosts
   * which follow one another without a run in between agree on its next time.
   */
  private bringBack(nowMicros: number): void {
    for (const { tableId, rowId, dueMicros } of this.queue.rows()) {
      const due = this.rowOf(tableId, rowId)?.due;
      if (due?.at.tag !== "Interval") continue;
      const interval = intervalOf(due.at.value);
      const overMicros = dueMicros - nowMicros - interval;
      if (overMicros <= 0) continue;
      this.queue.set(
        tableId,
        rowId,
        interval === 0 ? nowMicros : dueMicros - Math.ceil(overMicros / interval) * interval,
      );
    }
  }

  private push(context: DatabaseContext, row: ScheduledRow): void {
    const id = idOfRow(row);
    context.loop.push({
      run: () => noted(context, WorkKind.schedule, id, 0, () => this.run(context, row)),
      timedOut: () => {
        abandonNoted(context, WorkKind.schedule, id, 0);
        this.gaveUp(context, row);
      },
    });
  }

  /** Runs one row, if it is still there and still due. */
  private run(context: DatabaseContext, fired: ScheduledRow): void {
    const found = this.find(fired);
    if (found === undefined) return;
    const { functionName: name } = found.scheduled;
    const reducer = context.module?.reducer(name);
    const procedure = reducer === undefined ? context.module?.procedure(name) : undefined;
    if (reducer === undefined && procedure === undefined) return;
    if (context.pipeline.refusal !== undefined) {
      // Nothing can be written, as on a full disk. That is not the row's fault: it waits.
      this.hold(context, fired, noRoom, refusedAgainMs);
      return;
    }
    const quarantine = context.ends.refusal(name);
    if (quarantine !== undefined) {
      const what = "Its scheduled rows wait until then, or until a program is published";
      if (!this.held.has(name))
        context.log.writeEnd({ level: LogLevel.warn, message: `${quarantine.message}. ${what}.` }, name);
      this.hold(context, fired, name, quarantine.detail.seconds * 1000);
      return;
    }
    if (reducer === undefined) {
      if (procedure !== undefined) this.runProcedure(context, fired, found, procedure);
      return;
    }
    const call = ownCall(context.identity, CommitKind.schedule).of(reducer, timeOf(context, fired), found.row);
    const result = callReducer(
      context,
      call,
      reducer,
      found.due.at.tag === "Time" ? () => this.forget(found) : undefined,
    );
    this.settle(context, found, result.kind === "failed");
  }

  private runProcedure(context: DatabaseContext, fired: ScheduledRow, found: Found, procedure: ProcedureDef): void {
    const { module } = context;
    const id = idOfRow(fired);
    const key = toHex(id);
    if (module === undefined) return;
    if (this.underWay.has(key)) {
      this.underWay.set(key, fired);
      return;
    }
    if (context.procedures.refusal(undefined) !== undefined) {
      this.hold(context, fired, noPlace, refusedAgainMs);
      return;
    }
    const timestampMicros = timeOf(context, fired);
    const call = ownCall(context.identity, CommitKind.schedule).of(undefined, timestampMicros, found.row);
    call.functionName = procedure.name;
    const isOnce = found.due.at.tag === "Time";
    const used = context.pipeline.transact(call, () => (isOnce && this.forget(found), ok), true);
    if (used.kind !== "committed") {
      this.hold(context, fired, noRoom, refusedAgainMs);
      return;
    }
    this.underWay.set(key, undefined);
    const sender = { identity: context.identity, connectionId: noConnection };
    new ProcedureRun(context, {
      module,
      target: procedureTarget(procedure, sender, found.row),
      sender,
      timestampMicros,
      work: { kind: WorkKind.schedule, id, number: 0 },
      isNoted: true,
      ended: () => this.procedureEnded(context, key),
    }).start();
  }

  /** A row's procedure has ended: a time of the row that came meanwhile is come now. */
  private procedureEnded(context: DatabaseContext, key: string): void {
    const next = this.underWay.get(key);
    this.underWay.delete(key);
    if (next !== undefined) this.push(context, next);
  }

  /** Keeps a row for a while: until those that wait for the same are let go. */
  private hold(context: DatabaseContext, fired: ScheduledRow, why: string, forMs: number): void {
    let held = this.held.get(why);
    if (held === undefined) {
      held = { rows: new Map(), cancel: context.clock.after(forMs, () => this.release(why)) };
      this.held.set(why, held);
    }
    held.rows.set(toHex(idOfRow(fired)), fired);
  }

  private release(why: string): void {
    const context = this.context;
    const held = this.held.get(why);
    if (context === undefined || held === undefined) return;
    this.held.delete(why);
    held.cancel();
    for (const row of held.rows.values()) this.push(context, row);
  }

  /** A row's function took too long and was ended, or ended its host. */
  private gaveUp(context: DatabaseContext, fired: ScheduledRow): void {
    this.procedureEnded(context, toHex(idOfRow(fired)));
    const found = this.find(fired);
    if (found !== undefined) this.settle(context, found, true);
  }

  /** The row of an entry, unless the entry no longer counts. */
  private find(fired: ScheduledRow): Found | undefined {
    const { tableId, rowId, dueMicros } = fired;
    if (!this.tables.has(asTableId(tableId)) || this.queue.dueOf(tableId, rowId) !== dueMicros) return undefined;
    const found = this.rowOf(tableId, rowId);
    if (found === undefined) this.queue.remove(tableId, rowId);
    return found;
  }

  private rowOf(tableId: number, rowId: bigint): Found | undefined {
    const scheduled = this.tables.get(asTableId(tableId));
    if (scheduled === undefined) return undefined;
    const key = new DataView(new ArrayBuffer(8));
    key.setBigUint64(0, rowId, true);
    const ref = scheduled.byId.find(key, 0, 8);
    if (ref === -1) return undefined;
    this.store.resolve(ref);
    const { bytes, at, length } = this.store.row;
    const row = bytes.slice(at, at + length);
    return { scheduled, key: new Uint8Array(key.buffer), row, due: readDue(scheduled, row, 0, length) };
  }

  /**
   * What removes the row that a call had for its arguments, in the transaction of that call; undefined when the row stays, or
   * is none of these tables. Asked before the call runs.
   */
  afterCall(functionName: string, row: Uint8Array): (() => void) | undefined {
    for (const scheduled of this.tables.values()) {
      if (scheduled.functionName !== functionName) continue;
      const found = this.rowOf(scheduled.table.id, readDue(scheduled, row, 0, row.length).id);
      if (found !== undefined && Buffer.compare(found.row, row) === 0)
        return found.due.at.tag === "Time" ? () => this.forget(found) : undefined;
    }
    return undefined;
  }

  private forget(found: Found): void {
    this.store.tx.deletePoint(found.scheduled.byId.id, found.key, 0, found.key.length);
  }

  /** What follows a run: a repeated row moves on, a one-shot one that failed is deleted by itself. */
  private settle(context: DatabaseContext, found: Found, failed: boolean): void {
    const { scheduled, row, due } = found;
    if (due.at.tag === "Interval") {
      // A commit has moved the row on already; without one it is moved here.
      this.advance(scheduled.functionName, row, context.clock.nowMicros());
    } else if (failed) {
      const call = ownCall(context.identity, CommitKind.internal).of(undefined, context.pipeline.nowMicros());
      context.pipeline.transact(call, () => {
        this.forget(found);
        return ok;
      });
    }
    this.arm();
  }
}

/** Rows that wait for the same, by what their work is named by: one that is set anew meanwhile counts once. */
interface HeldRows {
  readonly rows: Map<string, ScheduledRow>;
  readonly cancel: () => void;
}

interface Found {
  readonly scheduled: ScheduledTable;
  readonly key: Uint8Array;
  readonly row: Uint8Array;
  readonly due: Due;
}

function readDue(scheduled: ScheduledTable, bytes: Uint8Array, at: number, length: number): Due {
  const row = scheduled.codec.read(new ByteReader(bytes.subarray(at, at + length)));
  const id = row[scheduled.idName];
  const when = row[scheduled.atName];
  if (typeof id !== "bigint" || !isScheduleAt(when)) throw new TypeError("a scheduled row lacks its id or time");
  return { id, at: when };
}

function isScheduleAt(value: unknown): value is Due["at"] {
  return typeof value === "object" && value !== null && "tag" in value && "value" in value;
}

/** What the function of a row that is due sees as now. */
function timeOf({ pipeline }: DatabaseContext, { dueMicros }: ScheduledRow): number {
  return Math.max(pipeline.nowMicros(), dueMicros);
}

/** When a row that appears at `nowMicros` is meant to run first. */
function firstTime(due: Due, nowMicros: number): number {
  if (due.at.tag === "Time") return Number(due.at.value.microsSinceUnixEpoch);
  return nowMicros + intervalOf(due.at.value);
}

/** The next multiple of the interval after `meant` that lies after `nowMicros`. */
function nextTick(meant: number, interval: TimeDuration, nowMicros: number): number {
  const micros = intervalOf(interval);
  if (micros === 0) return nowMicros;
  return meant + Math.max(1, Math.floor((nowMicros - meant) / micros) + 1) * micros;
}

/** The sign of an interval means nothing. */
function intervalOf(interval: TimeDuration): number {
  return Math.abs(Number(interval.micros));
}
