/** The limits of one database: name, default, and what happens. `docs/limits.md` is made from this table. */

/** What the table says of one limit. */
interface Descriptor {
  readonly value: number;
  readonly unit: "bytes" | "calls" | "messages" | "milliseconds" | "pages" | "queries" | "rows" | "lines" | "ends";
  readonly what: string;
  /** What happens when it is reached. */
  readonly outcome: string;
}

/** The text of an error that a client is told: a module may throw what it likes. */
export const errorTextBytesMax = 64 * 1024;

export const databaseLimits = {
  reducerTimeoutMs: {
    value: 30_000,
    unit: "milliseconds",
    what: "one reducer call, or all slices of one query",
    outcome: "it is rolled back, and fails alone: 402, over WebSocket `Failed`, for a query `SubscriptionError`",
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
  diskReserveBytes: {
    value: 4 * 1024 ** 2,
    unit: "bytes",
    what: "left free on the disk when the log is written ahead; what was executed already may take it",
    outcome: "the disk counts as full",
  },
  diskHeadroomBytes: {
    value: 64 * 1024,
    unit: "bytes",
    what: "that the log keeps written ahead",
    outcome: "when less is left and the disk is full, what would write is refused with `DiskFull`: 507; reads go on",
  },
  diskProbeMs: {
    value: 250,
    unit: "milliseconds",
    what: "between two looks at a disk that is full",
    outcome: "writes go on by themselves once there is room again",
  },
  diskGraceMs: {
    value: 5000,
    unit: "milliseconds",
    what: "that what was executed waits for room, where somebody else took what was there for it",
    outcome:
      "it is answered as `CallUnknown`, and the database starts again with a full disk: it reads, and refuses writes",
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
    what: "queries that one connection subscribes to at a time, and sets of queries",
    outcome: "`SubscriptionError` naming the limit",
  },
  resumeBytesMax: {
    value: 8 * 1024 ** 2,
    unit: "bytes",
    what: "commits that are kept in memory for clients that come back: what has changed since they left is told from these",
    outcome: "a client that was away for more gets all of its rows again, and tells the page of the difference",
  },
  queryRowsMax: {
    value: 10_000_000,
    unit: "rows",
    what: "rows that one subscription or query returns to a client, or holds to join by",
    outcome: "`LimitExceeded`: 429, over WebSocket `SubscriptionError`",
  },
  viewTimeoutMs: {
    value: 1000,
    unit: "milliseconds",
    what: "one run of a view",
    outcome: "`ViewTimedOut`: who is subscribed to it gets `SubscriptionError`, whoever asks 530; the commit stands",
  },
  viewRowsMax: {
    value: 100_000,
    unit: "rows",
    what: "rows that a view returns for one caller",
    outcome: "the run fails with `LimitExceeded`, as above",
  },
  viewReadsMax: {
    value: 4096,
    unit: "queries",
    what: "keys and ranges that one run of a view reads by indexes",
    outcome: "the tables count as read whole: the view runs again with each change of them",
  },
  liveVisitsMax: {
    value: 10_000_000,
    unit: "rows",
    what: "rows, and pairs of rows and a subscription, that a commit has the subscriptions with one statement look at, where they join tables or are under rules",
    outcome:
      "the commit stands; who holds such a subscription gets `SubscriptionError` and is closed with 1011: its rows may not be right any more",
  },
  liveDeltaRowsMax: {
    value: 1_000_000,
    unit: "rows",
    what: "rows that a commit changes for the subscriptions with one statement, each counted for every subscription, beyond those that it changes itself",
    outcome: "as above",
  },
  liveQueryBytesMax: {
    value: 256 * 1024 ** 2,
    unit: "bytes",
    what: "one order of rows that joins and rules look up and no index has, 16 bytes a row; or the subscriptions with one statement, 400 bytes each",
    outcome:
      "a subscription that wants more is refused with `LimitExceeded`, which names the index that would do instead; where a commit lets the order grow past it, subscriptions by it end behind the commit with `SubscriptionError`, and their rows are taken back",
  },
  liveStateBytesMax: {
    value: 1024 ** 3,
    unit: "bytes",
    what: "what is kept for subscriptions: rows that views have computed, orders of rows that joins and rules look up and no index has, and 400 bytes a query",
    outcome:
      "a subscription that wants more is refused with `LimitExceeded`; of views what nobody is subscribed to is let go of, then the one that wants more fails with `ViewFailed`; subscriptions whose order of rows a commit lets grow past it end behind the commit with `SubscriptionError`",
  },
  parkDueMsMin: {
    value: 30_000,
    unit: "milliseconds",
    what: "until the next scheduled row is due, for a database to be let go of its process",
    outcome: "a database with a row that is due sooner keeps its process",
  },
  callArgumentsBytesMax: {
    value: 16 * 1024 ** 2,
    unit: "bytes",
    what: "the arguments of one call: what a function does with them may take much longer than they are long",
    outcome: "the call is refused with `LimitExceeded`, and has not run",
  },
  procedureTimeoutMs: {
    value: 60 * 60_000,
    unit: "milliseconds",
    what: "one procedure from its call to its end, waits included; what it does between two waits has `reducerTimeoutMs`",
    outcome:
      "it is ended where it waits, or as it begins to wait for longer, with `ProcedureTimedOut`; what it has committed stays",
  },
  proceduresWaitingMax: {
    value: 256,
    unit: "calls",
    what: "procedures of one database that wait, each with an instance of the module of its own",
    outcome: "further ones are refused with `LimitExceeded`, and have not run; scheduled ones begin when there is room",
  },
  proceduresWaitingPerCallerMax: {
    value: 64,
    unit: "calls",
    what: "procedures that wait and were called by one identity, or HTTP handlers that one address asked",
    outcome: "further ones are refused with `LimitExceeded`, and have not run",
  },
  procedureThreadsMax: {
    value: 16,
    unit: "calls",
    what: "procedures and HTTP handlers of one database, of modules built with the official TypeScript package, that are under way: each has a thread",
    outcome: "further ones wait until one of them has ended",
  },
  procedureWaitsMax: {
    value: 1000,
    unit: "calls",
    what: "sleeps and requests of one procedure that are under way at a time",
    outcome: "the procedure is ended with `LimitExceeded`",
  },
  httpRequestsMax: {
    value: 128,
    unit: "calls",
    what: "HTTP requests of procedures of one database that are under way",
    outcome: "the procedure that wants another is ended with `LimitExceeded`",
  },
  httpTimeoutMs: {
    value: 30_000,
    unit: "milliseconds",
    what: "a procedure's HTTP request that names no time-out, to the end of the answer's body",
    outcome: "it fails with an error that the procedure can handle",
  },
  httpTimeoutMsMax: {
    value: 180_000,
    unit: "milliseconds",
    what: "the time-out that a procedure's HTTP request may name",
    outcome: "a longer one is shortened to it",
  },
  httpRequestBytesMax: {
    value: 16 * 1024 ** 2,
    unit: "bytes",
    what: "the body of a procedure's HTTP request",
    outcome: "the procedure is ended with `LimitExceeded`, and nothing is sent",
  },
  httpResponseBytesMax: {
    value: 16 * 1024 ** 2,
    unit: "bytes",
    what: "the body of the answer to a procedure's HTTP request",
    outcome: "the request fails with an error that the procedure can handle",
  },
  routeResponseBytesMax: {
    value: 32 * 1024 ** 2,
    unit: "bytes",
    what: "the response of an HTTP handler, its headers and its body",
    outcome: "500, and a line in the module's log; what the handler has committed stays",
  },
  functionEndsMax: {
    value: 3,
    unit: "ends",
    what: "ends of the database's process in one function of its module, within an hour",
    outcome:
      "`FunctionQuarantined`: that function is refused for a minute, after further ends for two, four … minutes, to all but the owner",
  },
  logLineBytesMax: {
    value: 32 * 1024,
    unit: "bytes",
    what: "the text of one line of a module's log",
    outcome: "its end is cut off, and it says so",
  },
  logWaitingBytesMax: {
    value: 4 * 1024 ** 2,
    unit: "bytes",
    what: "lines of a module's log that one call writes, and lines that wait for the disk",
    outcome: "further lines are left out, and one says how many; how the call ended is told all the same",
  },
  logFileBytesMax: {
    value: 8 * 1024 ** 2,
    unit: "bytes",
    what: "one file of a module's log, and at most half of `logBytesMax`",
    outcome: "the next line begins another file",
  },
  logBytesMax: {
    value: 64 * 1024 ** 2,
    unit: "bytes",
    what: "all files of a module's log",
    outcome: "the oldest file goes",
  },
  logRefusalsPerMinuteMax: {
    value: 60,
    unit: "lines",
    what: "refusals by the module (`SenderError`, `Err`) that leave a line in its log, in a minute; 0 for none",
    outcome: "the rest leaves one line that counts them",
  },
} as const satisfies Record<string, Descriptor>;

export type DatabaseLimits = { readonly [Name in keyof typeof databaseLimits]: number };

export const defaultDatabaseLimits = Object.fromEntries(
  Object.entries(databaseLimits).map(([name, { value }]) => [name, value]),
) as DatabaseLimits; // every name of the table, with its number
