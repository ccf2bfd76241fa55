export * from "./link/link.ts";
export { openDatabase, type Database, type DatabaseOptions } from "./database.ts";
export { defaultDatabaseLimits, type DatabaseLimits } from "./link/limits.ts";
export { databaseStates, timestampOf, type DatabaseFacts } from "./recovery/repair.ts";
export {
  openFailoverLink,
  type OpenedHost,
  type FailoverLink,
  type FailoverOptions,
} from "./recovery/failover-link.ts";
export type { Rest, Resting, Stay, WakeReason } from "./link/rest.ts";
export {
  HostEnded,
  type Condemned,
  type NumberedMessage,
  type FrontResume,
  type Resume,
  type ResumedConnection,
  type Suspect,
} from "./recovery/resume.ts";
export { keyOfWork, WorkKind, type Activity, type EndReason, type Work } from "./link/work.ts";
