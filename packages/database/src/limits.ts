/** The limits of one database: name, default, and what happens. `docs/limits.md` is made from this table. */

/** What the table says of one limit. */
interface Descriptor {
  readonly value: number;
  readonly unit: "bytes" | "messages" | "milliseconds" | "pages" | "queries" | "rows" | "lines";
  readonly what: string;
  /** What happens when it is reached. */
  readonly outcome: string;
}

export const databaseLimits = {
  reducerTimeoutMs: {
    value: 30_000,
    unit: "milliseconds",
    what: "one reducer call, or all slices of one query",
    outcome: "it is rolled back, and fails alone: 402, over WebSocket `OutOfEnergy`, for a query `SubscriptionError`",
  },
  databaseBytesMax: {
    value: 8 * 1024 ** 3,
    unit: "bytes",
    what: "rows and indexes",
    outcome: "the call that wants more fails with `OutOfMemory`",
  },
  moduleMemoryPagesMax: {
    value: 4096,
    unit: "pages",
    what: "the memory of a WebAssembly module, in pages of 64 KiB",
    outcome: "its `memory.grow` fails; what the module makes of that is a panic as a rule",
  },
  pendingCommitBytesMax: {
    value: 64 * 1024 ** 2,
    unit: "bytes",
    what: "commits that are executed and not yet durable",
    outcome: "the queue waits for the disk",
  },
  connectionQueueMax: {
    value: 16_384,
    unit: "messages",
    what: "messages of one connection that wait to be run",
    outcome: "Close 1013 `too many requests`",
  },
  connectionBufferBytesMax: {
    value: 64 * 1024 ** 2,
    unit: "bytes",
    what: "bytes sent to one connection that its socket has not taken, its first rows left out",
    outcome: "the socket is dropped",
  },
  subscriptionsPerConnectionMax: {
    value: 10_000,
    unit: "queries",
    what: "queries that one connection subscribes to at a time",
    outcome: "`SubscriptionError` naming the limit",
  },
  queryRowsMax: {
    value: 10_000_000,
    unit: "rows",
    what: "rows that one subscription or query returns to a client, or holds to join by",
    outcome: "`LimitExceeded`: 429, over WebSocket `SubscriptionError`",
  },
  logFollowLinesMax: {
    value: 10_000,
    unit: "lines",
    what: "lines that a follower of the module's log is behind",
    outcome: "lines are dropped for it, and it is told how many",
  },
} as const satisfies Record<string, Descriptor>;

export type DatabaseLimits = { readonly [Name in keyof typeof databaseLimits]: number };

export const defaultDatabaseLimits: DatabaseLimits = {
  reducerTimeoutMs: databaseLimits.reducerTimeoutMs.value,
  databaseBytesMax: databaseLimits.databaseBytesMax.value,
  moduleMemoryPagesMax: databaseLimits.moduleMemoryPagesMax.value,
  pendingCommitBytesMax: databaseLimits.pendingCommitBytesMax.value,
  connectionQueueMax: databaseLimits.connectionQueueMax.value,
  connectionBufferBytesMax: databaseLimits.connectionBufferBytesMax.value,
  subscriptionsPerConnectionMax: databaseLimits.subscriptionsPerConnectionMax.value,
  queryRowsMax: databaseLimits.queryRowsMax.value,
  logFollowLinesMax: databaseLimits.logFollowLinesMax.value,
};
