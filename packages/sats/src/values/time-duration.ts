/** A span of time in microseconds, signed. */
import { coerceBigint } from "./coerce.ts";
import { inspected } from "./inspected.ts";

/** A span of time, in microseconds. */
export class TimeDuration {
  readonly __time_duration_micros__: bigint;

  constructor(micros: bigint | number | string) {
    this.__time_duration_micros__ = coerceBigint(micros, "TimeDuration");
  }
  static fromMillis(millis: number): TimeDuration {
    return new TimeDuration(BigInt(Math.trunc(millis * 1000)));
  }

  get micros(): bigint {
    return this.__time_duration_micros__;
  }
  get millis(): number {
    return Number(this.__time_duration_micros__ / 1000n);
  }
  isEqual(other: TimeDuration): boolean {
    return this.__time_duration_micros__ === other.__time_duration_micros__;
  }
  /** Sign, seconds, six digits: `+1.500000`. */
  toString(): string {
    const micros = this.__time_duration_micros__;
    const size = micros < 0n ? -micros : micros;
    return `${micros < 0n ? "-" : "+"}${size / 1_000_000n}.${(size % 1_000_000n).toString().padStart(6, "0")}`;
  }
  toJSON(): string {
    return this.toString();
  }
  [inspected](): string {
    return `TimeDuration(${this.toString()})`;
  }
}
