export type { CommitLog, LogOptions, LogRecords, LogState } from "./commit-log.ts";
export { openLog } from "./open-log.ts";
export { repairCutAt } from "./repair.ts";
export type { RepairReport } from "./repair.ts";
export { openSnapshotStore } from "./snapshot-store.ts";
export type { LoadedSnapshot, Snapshot, SnapshotEntry, SnapshotStore, SnapshotWrite } from "./snapshot-store.ts";
export { applyRetention, snapshotDue } from "./retention.ts";
export { lockDirectory } from "./directory-lock.ts";
export type { DirectoryLock } from "./directory-lock.ts";
