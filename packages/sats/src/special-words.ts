/** How to make a value of a special type, in the words of an author: texts of errors go on with it. */
import type { SpecialKind } from "./type-predicates.ts";

export const specialWords: Readonly<Record<SpecialKind, string>> = {
  Identity: 'an Identity, as Identity.fromString("c200…") makes one',
  ConnectionId: 'a ConnectionId, as ConnectionId.fromString("…") makes one',
  Timestamp: "a Timestamp, as new Timestamp(MICROSECONDS) or Timestamp.fromDate(DATE) makes one",
  TimeDuration: "a TimeDuration, as new TimeDuration(MICROSECONDS) makes one",
  Uuid: 'a Uuid, as Uuid.parse("…") makes one',
  ScheduleAt: "a ScheduleAt, as ScheduleAt.time(MICROSECONDS) or ScheduleAt.interval(MICROSECONDS) makes one",
};
