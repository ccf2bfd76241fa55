/** The limits of one database: each has a name, a default and a line in `docs/limits.md`. */

export interface DatabaseLimits {
  /** How long one turn of the job loop, and so one reducer call, may run. */
  readonly reducerTimeoutMs: number;
  /** Bytes of rows and indexes. */
  readonly databaseBytesMax: number;
  /** Pages of 64 KiB of a WebAssembly module's memory. */
  readonly moduleMemoryPagesMax: number;
  /** Bytes of commits that may be executed and not yet durable; then the queue waits. */
  readonly pendingCommitBytesMax: number;
  /** Messages of one connection that may wait to be run; one more ends the connection. */
  readonly connectionQueueMax: number;
  /** Bytes sent to one connection that its socket has not taken; more ends the connection. */
  readonly connectionBufferBytesMax: number;
  /** Queries that one connection may subscribe to at a time. */
  readonly subscriptionsPerConnectionMax: number;
  /** Rows that one subscription or query may return to a client. */
  readonly queryRowsMax: number;
  /** Bytes of one program. */
  readonly programBytesMax: number;
  /** Lines that a follower of the log may be behind before lines are dropped for it. */
  readonly logFollowLinesMax: number;
}

export const defaultDatabaseLimits: DatabaseLimits = {
  reducerTimeoutMs: 30_000,
  databaseBytesMax: 8 * 1024 ** 3,
  moduleMemoryPagesMax: 4096,
  pendingCommitBytesMax: 64 * 1024 ** 2,
  connectionQueueMax: 16_384,
  connectionBufferBytesMax: 64 * 1024 ** 2,
  subscriptionsPerConnectionMax: 10_000,
  queryRowsMax: 10_000_000,
  programBytesMax: 64 * 1024 ** 2,
  logFollowLinesMax: 10_000,
};
