export * from "./link.ts";
export { openDatabase, type Database, type DatabaseOptions } from "./database.ts";
export { defaultDatabaseLimits, type DatabaseLimits } from "./limits.ts";
export { databaseStates, timestampOf, type DatabaseFacts } from "./repair.ts";
export { openResilient, type OpenedHost, type ResilientLink, type ResilientOptions } from "./resilient-link.ts";
export type { Rest, Resting, Stay, WakeReason } from "./rest.ts";
export {
  HostEnded,
  type Condemned,
  type NumberedMessage,
  type Resume,
  type ResumedConnection,
  type Suspect,
} from "./resume.ts";
export { keyOfWork, WorkKind, type Activity, type EndReason, type Work } from "./work.ts";
