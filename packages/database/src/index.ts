export * from "./front.ts";
export { openDatabase, type Database, type DatabaseOptions } from "./database.ts";
export { openInMemory, type InMemory, type InMemoryOptions } from "./in-memory/open-in-memory.ts";
export { checkRules } from "./publish/check-rules.ts";
export { databaseStates, timestampOf, type DatabaseFacts } from "./recovery/repair.ts";
export {
  differenceText,
  titleOf,
  rerunCalls,
  type Difference,
  type OtherKind,
  type RerunOptions,
  type RerunReport,
} from "./rerun/rerun.ts";
