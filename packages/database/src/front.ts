/**
 * What the front needs of this package: the link, and how one outlives its host. Nothing here loads the engine or
 * a module host: those stay out of the process that holds the sockets.
 */
export type { Client } from "./link/client.ts";
export * from "./link/link.ts";
export { databaseLimits, defaultDatabaseLimits, errorTextBytesMax, type DatabaseLimits } from "./link/limits.ts";
export { LogReader } from "./module-log/log-files.ts";
export {
  openFailoverLink,
  type OpenedHost,
  type FailoverLink,
  type FailoverOptions,
} from "./recovery/failover-link.ts";
export type { FunctionEnd } from "./core/function-ends.ts";
export type { Rest, Resting, Stay, WakeReason } from "./link/rest.ts";
export {
  HostEnded,
  releasedOffsetOf,
  type Condemned,
  type NumberedMessage,
  type FrontResume,
  type Resume,
  type ResumedConnection,
  type Suspect,
  type Visitor,
} from "./recovery/resume.ts";
export { keyOfWork, WorkKind, workIdBytes, type Activity, type EndReason, type Work } from "./link/work.ts";
