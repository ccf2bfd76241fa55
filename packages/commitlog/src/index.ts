export type { CommitLog, LogOptions, LogRecords, LogState } from "./commit-log.ts";
export { openLog } from "./open-log.ts";
export { repairTo, surveyRepair } from "./repair.ts";
export type { LogStates, RepairOptions, RepairSurvey, Way } from "./repair.ts";
export { isFounded, markFounded } from "./founding.ts";
export { openSnapshot, openSnapshotStore, snapshotOffsets } from "./snapshot-store.ts";
export type { LoadedSnapshot, Snapshot, SnapshotEntry, SnapshotStore, SnapshotWrite } from "./snapshot-store.ts";
export { unreadable } from "./unreadable.ts";
export { applyRetention, snapshotDue } from "./retention.ts";
