/** The value classes, the host's own, so that what a row holds and what the module makes are the same. */
import * as host from "#host";
import type * as sats from "@lightcone/sats";

/** Who somebody is: a user or a database. Compare with `isEqual`; as text it is 64 hex digits. */
export const Identity: typeof sats.Identity = host.Identity;
export type Identity = sats.Identity;
/** One connection of a client. Compare with `isEqual`; as text it is 32 hex digits. */
export const ConnectionId: typeof sats.ConnectionId = host.ConnectionId;
export type ConnectionId = sats.ConnectionId;
/** A moment, in microseconds since 1970-01-01 UTC. */
export const Timestamp: typeof sats.Timestamp = host.Timestamp;
export type Timestamp = sats.Timestamp;
/** A span of time, in microseconds. */
export const TimeDuration: typeof sats.TimeDuration = host.TimeDuration;
export type TimeDuration = sats.TimeDuration;
/** A UUID: of chance by `ctx.newUuidV4()`, one that sorts by time by `ctx.newUuidV7()`. */
export const Uuid: typeof sats.Uuid = host.Uuid;
export type Uuid = sats.Uuid;
/** When a scheduled row is due: `ScheduleAt.time(micros)` once, `ScheduleAt.interval(micros)` again and again. */
export const ScheduleAt: typeof sats.ScheduleAt = host.ScheduleAt;
export type ScheduleAt = sats.ScheduleAt;
