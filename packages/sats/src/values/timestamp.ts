/** A moment, in microseconds since 1970-01-01 UTC, signed. */
import { coerceBigint } from "./coerce.ts";
import { formatTimestamp, parseTimestamp } from "./timestamp-text.ts";
import { TimeDuration } from "./time-duration.ts";
import { inspected } from "./inspected.ts";

/** A moment, in microseconds since 1970-01-01 UTC. */
export class Timestamp {
  readonly __timestamp_micros_since_unix_epoch__: bigint;

  static readonly UNIX_EPOCH: Timestamp = new Timestamp(0n);

  constructor(micros: bigint | number | string) {
    this.__timestamp_micros_since_unix_epoch__ = coerceBigint(micros, "Timestamp");
  }
  /** The machine's time, to the millisecond. Not for reducers: they have `ctx.timestamp`. */
  static now(): Timestamp {
    return Timestamp.fromDate(new Date());
  }
  static fromDate(date: Date): Timestamp {
    return new Timestamp(BigInt(date.getTime()) * 1000n);
  }
  /** From RFC 3339; digits past the microsecond are dropped. */
  static parse(text: string): Timestamp {
    const micros = parseTimestamp(text);
    if (micros === undefined) throw new TypeError(`not an RFC 3339 time with an offset: "${text.slice(0, 80)}"`);
    return new Timestamp(micros);
  }

  get microsSinceUnixEpoch(): bigint {
    return this.__timestamp_micros_since_unix_epoch__;
  }
  /** Whole milliseconds, rounded down, before 1970 too: what `toISOString` has before its last three digits. */
  toMillis(): bigint {
    const micros = this.__timestamp_micros_since_unix_epoch__;
    return (micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n;
  }
  /** @throws {RangeError} outside what a `Date` can hold */
  toDate(): Date {
    const date = new Date(Number(this.toMillis()));
    if (Number.isNaN(date.getTime()))
      throw new RangeError("Timestamp is outside of the representable range of JavaScript's Date");
    return date;
  }
  /** RFC 3339 in UTC with six digits after the second. */
  toISOString(): string {
    return formatTimestamp(this.__timestamp_micros_since_unix_epoch__, "Z");
  }
  toString(): string {
    return this.toISOString();
  }
  toJSON(): string {
    return this.toISOString();
  }
  [inspected](): string {
    return `Timestamp(${this.toString()})`;
  }
  since(earlier: Timestamp): TimeDuration {
    return new TimeDuration(this.__timestamp_micros_since_unix_epoch__ - earlier.__timestamp_micros_since_unix_epoch__);
  }
  isEqual(other: Timestamp): boolean {
    return this.__timestamp_micros_since_unix_epoch__ === other.__timestamp_micros_since_unix_epoch__;
  }
}
