/**
 * Every limit of the front process: its name, default, unit and what it protects. `docs/limits.md` is made
 * from this table, and `openServer` takes any subset of the names to override.
 */

/** What the table says of one limit. */
export interface LimitDescriptor {
  readonly value: number;
  readonly unit:
    | "bytes"
    | "messages"
    | "connections"
    | "milliseconds"
    | "characters"
    | "entries"
    | "processes"
    | "databases"
    | "times";
  /** What happens when it is reached. */
  readonly outcome: string;
  readonly what: string;
}

/** The limits of the server, with their defaults. */
export const serverLimits = {
  bodyBytesMax: {
    value: 2_097_152,
    unit: "bytes",
    what: "the body of a request that carries no program",
    outcome: "413 `Failed to buffer the request body: length limit exceeded`",
  },
  routeBodyBytesMax: {
    value: 33_554_432,
    unit: "bytes",
    what: "the body of a request to a route of a module",
    outcome: "413 `Failed to buffer the request body: length limit exceeded`",
  },
  programBytesMax: {
    value: 134_217_728,
    unit: "bytes",
    what: "the program in a publish, plan or reset request",
    outcome: "413 `Failed to buffer the request body: length limit exceeded`",
  },
  incomingBytesMax: {
    value: 1_073_741_824,
    unit: "bytes",
    what: "bodies of all requests under way and all messages in parts, the first 64 KiB of each left out",
    outcome: "`LimitExceeded`: 429 for the request that wants more; Close 1013 for the message",
  },
  frameBytesMax: {
    value: 33_554_432,
    unit: "bytes",
    what: "one WebSocket message from a client, its fragments together",
    outcome: "Close 1009",
  },
  outboundBytesMax: {
    value: 67_108_864,
    unit: "bytes",
    what: "bytes waiting for one slow client; a message that starts below the limit may pass it",
    outcome: "the socket is dropped",
  },
  outboundMessagesMax: {
    value: 16_384,
    unit: "messages",
    what: "messages waiting for one slow client",
    outcome: "the socket is dropped",
  },
  socketsMax: {
    value: 20_480,
    unit: "connections",
    what: "sockets open at once on all addresses, WebSocket connections and HTTP together; of the descriptors that the server may have (`ulimit -n`) half are left to processes and files, or 4096 if that is less",
    outcome: "a new one is closed without an answer",
  },
  connectionsMax: {
    value: 16_384,
    unit: "connections",
    what: "WebSocket connections open at once, all databases together",
    outcome: "503",
  },
  pingIntervalMs: {
    value: 15_000,
    unit: "milliseconds",
    what: "between two Pings to a client that answered the last one",
    outcome: "a Ping",
  },
  idleTimeoutMs: {
    value: 30_000,
    unit: "milliseconds",
    what: "in which a client sends no frame, and reads nothing of what waits for it",
    outcome: "the socket is dropped",
  },
  closeTimeoutMs: {
    value: 250,
    unit: "milliseconds",
    what: "for the client's Close after ours",
    outcome: "the socket is dropped",
  },
  requestTimeoutMs: {
    value: 300_000,
    unit: "milliseconds",
    what: "for a client to send one whole HTTP request",
    outcome: "408",
  },
  issuerFetchTimeoutMs: {
    value: 5_000,
    unit: "milliseconds",
    what: "for each of the two fetches that find a foreign issuer's keys",
    outcome: "401 `Error fetching public key for issuer …`",
  },
  issuerDocumentBytesMax: {
    value: 262_144,
    unit: "bytes",
    what: "a foreign issuer's discovery document or key set",
    outcome: "401 `Error fetching public key for issuer …`",
  },
  issuerCountMax: {
    value: 256,
    unit: "entries",
    what: "foreign issuers whose keys are kept; the one unused for longest goes first",
    outcome: "its keys are fetched again when it comes back",
  },
  issuerFetchesMax: {
    value: 64,
    unit: "entries",
    what: "foreign issuers that are asked for their keys at a time",
    outcome: "401 `Error fetching public key for issuer …`; the same token passes a little later",
  },
  tokenCharactersMax: {
    value: 16_384,
    unit: "characters",
    what: "a token",
    outcome: "401 `Invalid token: InvalidToken`",
  },
  databaseNamesMax: {
    value: 64,
    unit: "entries",
    what: "names of one database",
    outcome: "400",
  },
  databasesMax: {
    value: 100_000,
    unit: "entries",
    what: "databases of one server",
    outcome: "`LimitExceeded`: 429 for a publish that would create one more",
  },
  coOwnersMax: {
    value: 100,
    unit: "entries",
    what: "those who own one database together with its owner",
    outcome: "`LimitExceeded`: 429 for adding one more",
  },
  registryNamesMax: {
    value: 200_000,
    unit: "entries",
    what: "names of all databases, those of deleted ones too, which stay their owners'",
    outcome:
      "the name that has been without a database for longest is anybody's again; when there is none, `LimitExceeded`: 429",
  },
  releasedNamesMax: {
    value: 256,
    unit: "entries",
    what: "names without a database that stay one owner's",
    outcome: "the one without a database for longest is anybody's again",
  },
  doomedDirectoriesMax: {
    value: 10_000,
    unit: "entries",
    what: "directories of databases that are gone and whose files could not be removed yet",
    outcome: "`LimitExceeded`: 429 for a publish that would create a database; every start tries to remove them",
  },
  stopWithinMs: {
    value: 9_000,
    unit: "milliseconds",
    what: "for all databases to finish when the server stops",
    outcome: "they are ended, and recover at the next start",
  },
  stopCallTimeoutMs: {
    value: 5_000,
    unit: "milliseconds",
    what: "a client's call that still runs when its database is to stop",
    outcome: "it is rolled back, and fails: 402, over WebSocket `Failed`",
  },
  hostMemoryBytesMax: {
    value: 12_884_901_888,
    unit: "bytes",
    what: "all memory of one database's process, and at most 0.8 of the machine's",
    outcome:
      "the process is ended and started again; the call that ran is failed, and counts as an end in its function (`functionEndsMax`)",
  },
  stoppedHostMsMax: {
    value: 20_000,
    unit: "milliseconds",
    what: "a database's process that somebody has stopped (SIGSTOP), on Linux",
    outcome: "it is ended, and another goes on for it; the server's log says so, and before how to let it go on",
  },
  parkAfterMs: {
    value: 60_000,
    unit: "milliseconds",
    what: "without use, after which a database is let go of its process",
    outcome: "it rests: its clients stay connected, and whatever it is asked wakes it",
  },
  parkWakeTimesMin: {
    value: 200,
    unit: "times",
    what: "what waking it last took, that a database keeps its process without use, if that is longer",
    outcome: "it rests: to wake it takes no more than a two-hundredth of the time",
  },
  awakeMemoryBytesMax: {
    value: 1_099_511_627_776,
    unit: "bytes",
    what: "all databases' processes together, shared memory counted once, and at most half of the machine's",
    outcome: "the database that is unused the longest is parked; while none is, those that are to be woken wait",
  },
  ownerAwakeMax: {
    value: 1000,
    unit: "databases",
    what: "databases of one owner that are awake at once",
    outcome: "one of that owner's is parked; while none is unused, the owner's next waits",
  },
  wakeWaitMs: {
    value: 10_000,
    unit: "milliseconds",
    what: "for a database that rests to be woken",
    outcome: "`ServerBusy`: 503, over WebSocket Close 1013",
  },
  spareHostsMax: {
    value: 2,
    unit: "processes",
    what: "processes that are warmed up and wait for a database to be opened",
    outcome: "a database that is opened while none is left starts its own, which takes longer",
  },
  linkConnectionBytesMax: {
    value: 4_194_304,
    unit: "bytes",
    what: "frames of one connection handed to a database's process and not yet taken up",
    outcome: "its socket is not read until the process catches up",
  },
  linkBytesMax: {
    value: 67_108_864,
    unit: "bytes",
    what: "frames of all connections handed to a database's process and not yet taken up",
    outcome: "no socket of that database is read until the process catches up",
  },
} as const satisfies Record<string, LimitDescriptor>;

export type ServerLimitName = keyof typeof serverLimits;
export type ServerLimits = { readonly [Name in ServerLimitName]: number };

/** The defaults, with `overrides` in their place. */
export function makeServerLimits(overrides: Partial<ServerLimits> = {}): ServerLimits {
  const values: Record<string, number> = {};
  for (const [name, limit] of Object.entries(serverLimits)) values[name] = limit.value;
  // Every name of the table has just been written, and overrides can only replace them.
  return { ...values, ...overrides } as unknown as ServerLimits;
}
