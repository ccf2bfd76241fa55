export type { CommitLog, LogOptions, LogRecords, LogState } from "./commit-log.ts";
export { openLog } from "./open-log.ts";
export { repairCutAt } from "./repair.ts";
export type { RepairReport } from "./repair.ts";
export { isFounded, markFounded } from "./founding.ts";
export { openSnapshotStore, snapshotOffsets } from "./snapshot-store.ts";
export type { LoadedSnapshot, Snapshot, SnapshotEntry, SnapshotStore, SnapshotWrite } from "./snapshot-store.ts";
export { applyRetention, snapshotDue } from "./retention.ts";
