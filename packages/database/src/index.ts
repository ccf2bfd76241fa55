export * from "./link.ts";
export { openDatabase, type Database, type DatabaseOptions } from "./database.ts";
export { defaultDatabaseLimits, type DatabaseLimits } from "./limits.ts";
export type { NumberedMessage, Resume, ResumedConnection } from "./resume.ts";
