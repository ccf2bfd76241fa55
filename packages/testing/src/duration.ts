/** Times as tests write them. */
import { parseTimestamp, TimeDuration, Timestamp } from "@lightcone/sats";

/** `"100ms"`, `"2.5s"`, `"10m"`, `"1h"`, `"7d"`, a `TimeDuration`, or a number of milliseconds. */
export type Duration = string | number | TimeDuration;
/** `"2026-01-01T00:00:00Z"`, a `Timestamp` or a `Date`. */
export type Moment = string | Timestamp | Date;

const microsOf: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};

/** @throws {TypeError} */
export function durationMicros(given: Duration): number {
  const micros = readDuration(given);
  if (micros === undefined || !Number.isSafeInteger(micros))
    throw new TypeError(
      `${JSON.stringify(given)} is no duration: write "100ms", "2.5s", "10m", "1h" or "7d", or a number of milliseconds`,
    );
  if (micros < 0)
    throw new RangeError(`the clock of a database goes forward: it cannot be advanced by ${String(given)}`);
  return micros;
}

function readDuration(given: unknown): number | undefined {
  if (given instanceof TimeDuration) return Number(given.micros);
  if (typeof given === "number") return Math.round(given * 1000);
  if (typeof given !== "string") return undefined;
  const [, amount = "", unit = ""] = /^(-?\d+(?:\.\d+)?) ?(us|ms|s|m|h|d)$/.exec(given) ?? [];
  const factor = microsOf[unit];
  return factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

/** Microseconds since 1970. @throws {TypeError} */
export function momentMicros(given: Moment): number {
  const micros =
    given instanceof Timestamp
      ? given.microsSinceUnixEpoch
      : given instanceof Date
        ? BigInt(given.getTime()) * 1000n
        : typeof given === "string"
          ? parseTimestamp(given)
          : undefined;
  if (micros === undefined || !Number.isSafeInteger(Number(micros)))
    throw new TypeError(`${String(given)} is no time: write "2026-01-01T00:00:00Z", a Timestamp or a Date`);
  return Number(micros);
}
