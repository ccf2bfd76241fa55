/** When a scheduled row fires: again and again after a span, or once at a moment. */
import { TimeDuration } from "./time-duration.ts";
import { Timestamp } from "./timestamp.ts";

/** When a scheduled row is due: once at a moment, or again and again after a span. */
export type ScheduleAt =
  | { readonly tag: "Interval"; readonly value: TimeDuration }
  | { readonly tag: "Time"; readonly value: Timestamp };

/** When a scheduled row is due: `ScheduleAt.time(micros)` once, `ScheduleAt.interval(micros)` again and again. */
export const ScheduleAt = Object.freeze({
  interval: (micros: bigint): ScheduleAt => ({ tag: "Interval", value: new TimeDuration(micros) }),
  time: (microsSinceUnixEpoch: bigint): ScheduleAt => ({ tag: "Time", value: new Timestamp(microsSinceUnixEpoch) }),
});
