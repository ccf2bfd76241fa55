/** The value classes, the host's own, so that what a row holds and what the module makes are the same. */
import * as host from "#host";
import type * as sats from "@lightcone/sats";

export const Identity: typeof sats.Identity = host.Identity;
export type Identity = sats.Identity;
export const ConnectionId: typeof sats.ConnectionId = host.ConnectionId;
export type ConnectionId = sats.ConnectionId;
export const Timestamp: typeof sats.Timestamp = host.Timestamp;
export type Timestamp = sats.Timestamp;
export const TimeDuration: typeof sats.TimeDuration = host.TimeDuration;
export type TimeDuration = sats.TimeDuration;
export const Uuid: typeof sats.Uuid = host.Uuid;
export type Uuid = sats.Uuid;
export const ScheduleAt: typeof sats.ScheduleAt = host.ScheduleAt;
export type ScheduleAt = sats.ScheduleAt;
