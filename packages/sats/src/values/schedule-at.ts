/** When a scheduled row fires: again and again after a span, or once at a moment. */
import { TimeDuration } from "./time-duration.ts";
import { Timestamp } from "./timestamp.ts";

export type ScheduleAt =
  | { readonly tag: "Interval"; readonly value: TimeDuration }
  | { readonly tag: "Time"; readonly value: Timestamp };

export const ScheduleAt = Object.freeze({
  interval: (micros: bigint): ScheduleAt => ({ tag: "Interval", value: new TimeDuration(micros) }),
  time: (microsSinceUnixEpoch: bigint): ScheduleAt => ({ tag: "Time", value: new Timestamp(microsSinceUnixEpoch) }),
});
