/**
 * What can be kept of a log and snapshots that do not open, and how it is kept.
 *
 * Every state that can be built again is a *way*: from a sound snapshot, or from nothing, and on through what is sound of
 * the log after it. Each way is tried: its state is built. Nothing is changed before one is chosen; then the log alone is
 * made anew, and damaged snapshots are left until newer ones take their place.
 */
import type { Clock, FileSystem } from "@lightcone/base";
import { LightconeError, isLightconeError } from "@lightcone/base";
import type { LogRecords } from "./commit-log.ts";
import { inspectLog } from "./open-log.ts";
import { rebuildLog } from "./rebuild-log.ts";
import { openSnapshot, openSnapshotStore, snapshotOffsets, type Snapshot } from "./snapshot-store.ts";
import { readRun, surveyLog, type LogRun, type LogSurvey } from "./survey-log.ts";

/** What the records and snapshots of a log mean. Reading what is no state throws `Corrupt` or `Malformed`. */
export interface LogStates<State, Facts> {
  /** Before the first record. */
  empty(): State;
  restore(snapshot: Snapshot): Promise<State>;
  apply(state: State, record: Uint8Array): void;
  /** What an operator should know of a state. */
  facts(state: State): Facts;
}

export interface RepairOptions<State, Facts> {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  /** Holds `log/` and `snapshots/`; locked by the caller. */
  readonly directory: string;
  readonly states: LogStates<State, Facts>;
}

/** A state that can be had. */
export interface Way<Facts> {
  /** The last record that is kept; -1 for none. */
  readonly offset: number;
  /** The snapshots that it can be built from, newest first; -1 for the log alone. What lies between can be had as well. */
  readonly bases: readonly number[];
  readonly facts: Facts;
}

export interface RepairSurvey<Facts> {
  /** Why the log does not open; undefined when it does. */
  readonly damage: LightconeError | undefined;
  /** The one that keeps the most stands first. */
  readonly ways: readonly Way<Facts>[];
  /** The last offset of which anything says that it was acknowledged. */
  readonly knownOffset: number;
  /** The last record of each part of the log that can be read, whatever can be built from it. */
  readonly lastRecords: readonly Uint8Array[];
}

interface Found<State, Facts> {
  readonly options: RepairOptions<State, Facts>;
  readonly logDirectory: string;
  readonly survey: LogSurvey;
  readonly snapshotsDirectory: string;
  /** By falling offset. */
  readonly snapshots: readonly number[];
}

/** Finds out what can be kept. Changes nothing. */
export async function surveyRepair<State, Facts>(options: RepairOptions<State, Facts>): Promise<RepairSurvey<Facts>> {
  const found = await find(options);
  const { survey, snapshots } = found;
  const basesByOffset = new Map<number, number[]>();
  for (const base of [...snapshots, -1]) {
    const run = runAfter(survey, base);
    if (base < 0 && run === undefined) continue;
    const offset = run === undefined ? base : run.endOffset - 1;
    basesByOffset.set(offset, [...(basesByOffset.get(offset) ?? []), base]);
  }
  const ways: Way<Facts>[] = [];
  for (const [offset, bases] of basesByOffset) {
    const built = await build(found, bases, offset);
    if (built !== undefined) ways.push({ offset, bases, facts: options.states.facts(built.state) });
  }
  return {
    damage: await damageOf(found),
    ways: ways.toSorted((a, b) => b.offset - a.offset),
    knownOffset: Math.max(survey.knownEnd - 1, ...snapshots),
    lastRecords: await lastRecords(found),
  };
}

/**
 * Keeps everything up to an offset and gives up the rest, for good.
 *
 * @param ways that the survey found
 * @throws {LightconeError} `BadRequest` when none leads to that offset, `DiskFull`; nothing is changed then
 */
export async function repairTo<State, Facts>(
  options: RepairOptions<State, Facts>,
  ways: readonly Way<Facts>[],
  offset: number,
): Promise<void> {
  const { fileSystem } = options;
  const found = await find(options);
  const bases = ways.flatMap((way) => (way.offset < offset ? [] : way.bases.filter((base) => base <= offset)));
  const newestFirst = bases.toSorted((a, b) => b - a);
  const built = await build(found, newestFirst, offset);
  if (built === undefined) {
    const reason = `the state at offset ${offset} cannot be built from what is sound of the log and the snapshots`;
    throw new LightconeError("BadRequest", { reason });
  }
  const records = recordsOf(found, built.base, offset);
  await rebuildLog(fileSystem, found.logDirectory, found.survey, built.base + 1, records);
  const snapshots = await openSnapshotStore(fileSystem, found.snapshotsDirectory);
  await snapshots.discardAfter(offset);
}

async function find<State, Facts>(options: RepairOptions<State, Facts>): Promise<Found<State, Facts>> {
  const { fileSystem, directory } = options;
  const logDirectory = `${directory}/log`;
  const snapshotsDirectory = `${directory}/snapshots`;
  return {
    options,
    logDirectory,
    survey: await surveyLog(fileSystem, logDirectory),
    snapshotsDirectory,
    snapshots: await snapshotOffsets(fileSystem, snapshotsDirectory),
  };
}

/** The run that goes on after `offset`, or ends with it. */
function runAfter({ runs }: LogSurvey, offset: number): LogRun | undefined {
  return runs.find((run) => run.firstOffset <= offset + 1 && offset + 1 <= run.endOffset);
}

/** The log's records after `base` up to `offset`. */
async function* recordsOf<State, Facts>(
  { options, logDirectory, survey }: Found<State, Facts>,
  base: number,
  offset: number,
): AsyncGenerator<LogRecords, void> {
  const run = runAfter(survey, base);
  if (run !== undefined) yield* readRun(options.fileSystem, logDirectory, survey, run, base + 1, offset + 1);
}

/** Builds the state at `offset` from the first of the bases that is sound; undefined when none is. */
async function build<State, Facts>(
  found: Found<State, Facts>,
  bases: readonly number[],
  offset: number,
): Promise<{ readonly base: number; readonly state: State } | undefined> {
  const { states } = found.options;
  for (const base of bases) {
    try {
      const state = base < 0 ? states.empty() : await restore(found, base);
      let end = base;
      for await (const { records } of recordsOf(found, base, offset)) {
        for (const record of records) states.apply(state, record);
        end += records.length;
      }
      if (end === offset) return { base, state };
    } catch (error) {
      if (!isLightconeError(error, "Corrupt") && !isLightconeError(error, "Malformed")) throw error;
    }
  }
  return undefined;
}

async function restore<State, Facts>(found: Found<State, Facts>, offset: number): Promise<State> {
  const snapshot = await openSnapshot(found.options.fileSystem, found.snapshotsDirectory, offset);
  try {
    return await found.options.states.restore(snapshot);
  } finally {
    await snapshot.close();
  }
}

async function lastRecords<State, Facts>(found: Found<State, Facts>): Promise<readonly Uint8Array[]> {
  const last: Uint8Array[] = [];
  for (const { endOffset } of found.survey.runs)
    for await (const { records } of recordsOf(found, endOffset - 2, endOffset - 1))
      for (const record of records) last.push(record.slice());
  return last;
}

async function damageOf<State, Facts>(found: Found<State, Facts>): Promise<LightconeError | undefined> {
  const { fileSystem, clock } = found.options;
  try {
    await inspectLog({ fileSystem, clock, directory: found.logDirectory, snapshots: found.snapshots });
    return undefined;
  } catch (error) {
    if (isLightconeError(error, "Corrupt")) return error;
    throw error;
  }
}
