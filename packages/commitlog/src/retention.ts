/** How much of the log is kept, and when a snapshot is due. */
import type { CommitLog } from "./commit-log.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

const logBytesMin = 64 << 20;

/**
 * Whether a snapshot is due: the log since the last one is longer than 64 MiB and than that snapshot.
 *
 * So writing snapshots costs no more than writing the log, and recovery reads little more than twice the
 * snapshot.
 *
 * @param logBytes of log since the last snapshot, or since the beginning
 * @param snapshotBytes of the last snapshot; 0 for none
 */
export function snapshotDue(logBytes: number, snapshotBytes: number): boolean {
  return logBytes > Math.max(logBytesMin, snapshotBytes);
}

/**
 * Keeps the newest `keepCount` snapshots and the log after the oldest of them; lets go of the rest.
 *
 * With fewer snapshots nothing of the log goes: it must still stand in for a snapshot that proves unreadable.
 * Call it after a snapshot has been published.
 */
export async function applyRetention(log: CommitLog, snapshots: SnapshotStore, keepCount = 2): Promise<void> {
  const entries = await snapshots.list();
  const oldestKept = entries[keepCount - 1];
  if (oldestKept === undefined) return;
  await snapshots.remove((entry) => entry.offset < oldestKept.offset);
  await log.retainFrom(oldestKept.offset + 1);
}
