/** What a client that looks at the crowd is told, and what it says. */
export interface CrowdSettings {
  readonly uri: string;
  /** The official client's bindings; ours when left out. */
  readonly bindings?: string;
  readonly rowCount: number;
  /** Transactions, and how many rows each changes. */
  readonly rounds: number;
  readonly stepRows: number;
}

/** Processor time of the client's process, and memory that it holds more than before, once all garbage is gone. */
export interface CrowdTimes {
  readonly firstCpuMs: number;
  readonly readCpuMs: number;
  /** Of a stream of updates that nobody listens to row by row, and of one that somebody does. */
  readonly streamCpuMs: number;
  readonly updatesCpuMs: number;
  readonly heldBytes: number;
  readonly readBytes: number;
}
