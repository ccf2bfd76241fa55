/** What can be kept of a log, as `repair` shows it. */
import { LightconeError } from "@lightcone/base";
import type { LogStates, RepairSurvey, Way } from "@lightcone/commitlog";
import { timestampOf, type DatabaseFacts } from "@lightcone/database";
import type { RegistryFacts } from "@lightcone/server";

/** What is repaired, and how its states are spoken of. */
export interface Subject<State, Facts> {
  readonly what: string;
  readonly command: string;
  readonly directory: string;
  readonly states: LogStates<State, Facts>;
  /** What a state has, in words. `best` is the one with most. */
  readonly keeps: (facts: Facts, best: Facts) => string;
  /** When the last commits of what can be read were made, in microseconds. */
  readonly timeOf: ((facts: Facts | undefined, lastRecords: readonly Uint8Array[]) => number) | undefined;
}

/** Whether there is nothing to repair. */
export function isSound<Facts>({ damage, ways, knownOffset }: RepairSurvey<Facts>): boolean {
  return damage === undefined && (ways[0]?.offset ?? -1) === knownOffset;
}

/** Why it does not open, and what each way keeps and loses; or that all is well. */
export function waysText<State, Facts>(subject: Subject<State, Facts>, survey: RepairSurvey<Facts>): string {
  const { what, command } = subject;
  const [best] = survey.ways;
  if (isSound(survey)) return `The log of ${what} is sound up to its end, offset ${survey.knownOffset}.`;
  const unread = new LightconeError("Corrupt", {
    file: subject.directory,
    reason: "no readable snapshot meets the log",
  });
  const lines = [`${what} does not open: ${(survey.damage ?? unread).message}`];
  if (best === undefined) return lines.join("\n");
  lines.push("", "What can be kept, the most first:");
  for (const way of survey.ways) {
    lines.push(`  up to offset ${way.offset}: ${subject.keeps(way.facts, best.facts)}, ${sourceOf(way)}`);
    const lost = survey.knownOffset - way.offset;
    if (lost > 0) lines.push(`      loses ${count(lost, "record")} or more${lostTime(subject, survey, way)}`);
    lines.push(`      ${command} --cut-at ${way.offset}`);
  }
  return lines.join("\n");
}

function sourceOf<Facts>({ offset, bases }: Way<Facts>): string {
  const base = bases[0] ?? -1;
  if (base < 0) return "from the log";
  const snapshot = `from the snapshot at offset ${base}`;
  return base === offset ? snapshot : `${snapshot} and the log after it`;
}

function lostTime<State, Facts>(
  { timeOf }: Subject<State, Facts>,
  { ways, lastRecords }: RepairSurvey<Facts>,
  way: Way<Facts>,
): string {
  if (timeOf === undefined) return "";
  const until = Math.max(timeOf(undefined, lastRecords), ...ways.map(({ facts }) => timeOf(facts, [])));
  const from = timeOf(way.facts, []);
  return until > from ? `, and ${durationText(until - from)} up to ${timeText(until)}` : "";
}

/** What a database's state has. */
export function rowsText({ rowCount, tableCount, timestampMicros }: DatabaseFacts, best: DatabaseFacts): string {
  const fewer = best.rowCount - rowCount;
  const than = fewer > 0 ? ` (${fewer.toLocaleString("en")} fewer than the first)` : "";
  return `${count(rowCount, "row")} in ${count(tableCount, "table")}${than}, as of ${timeText(timestampMicros)}`;
}

/** When the last commits were made, of a state and of records, in microseconds. */
export function timeOf(facts: DatabaseFacts | undefined, lastRecords: readonly Uint8Array[]): number {
  return Math.max(facts?.timestampMicros ?? 0, ...lastRecords.map((record) => timestampOf(record)));
}

function timeText(micros: number): string {
  return new Date(micros / 1000).toISOString();
}

/** In the two largest units that say something. */
function durationText(micros: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1000],
    ["ms", 1],
  ] as const;
  let rest = Math.ceil(micros / 1000);
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0 && parts.length < 2) parts.push(`${amount} ${unit}`);
  }
  return parts.join(" ");
}

/** What the registry's state has. */
export function registryText({ databaseCount, nameCount }: RegistryFacts): string {
  return `${count(databaseCount, "database")} and ${count(nameCount, "name")}`;
}

function count(value: number, noun: string): string {
  return `${value.toLocaleString("en")} ${noun}${value === 1 ? "" : "s"}`;
}
