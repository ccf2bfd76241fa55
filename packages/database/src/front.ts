/**
 * What the front needs of this package: the link, and how one outlives its host. Nothing here loads the engine or
 * a module host: those stay out of the process that holds the sockets.
 */
export type { Client } from "./client.ts";
export * from "./link.ts";
export { databaseLimits, defaultDatabaseLimits, errorTextBytesMax, type DatabaseLimits } from "./limits.ts";
export { LogReader } from "./log-files.ts";
export { openResilient, type OpenedHost, type ResilientLink, type ResilientOptions } from "./resilient-link.ts";
export type { FunctionEnd } from "./function-ends.ts";
export type { Rest, Resting, Stay, WakeReason } from "./rest.ts";
export {
  HostEnded,
  type Condemned,
  type NumberedMessage,
  type Resume,
  type ResumedConnection,
  type Suspect,
  type Visitor,
} from "./resume.ts";
export { keyOfWork, WorkKind, workIdBytes, type Activity, type EndReason, type Work } from "./work.ts";
