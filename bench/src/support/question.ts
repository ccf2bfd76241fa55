/** What a bench is: a question that says what it does, and what it expects, before it runs. */

import type { Protocol } from "./websocket-client.ts";

/** One measured number. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What is to be reached, in words; printed beside the value. */
  readonly reach?: string;
}

/** How a run goes. */
export interface Run {
  /** A few hundred milliseconds of everything, to see that it works. */
  readonly isSmoke: boolean;
  /** A directory on a real disk, for this run alone; removed afterwards. */
  readonly directory: string;
  /** The versions of the wire that are asked about, where several are; version 1 if none was named. */
  readonly protocols: readonly Protocol[];
  /** Prints a line at once: a peer that is skipped, a step that takes long. */
  say(text: string): void;
}

export interface Question {
  readonly name: string;
  /** What is done, to how much, by how many. */
  readonly workload: string;
  readonly unit: string;
  /** The order of magnitude that is expected. */
  readonly expected: string;
  run(run: Run): Promise<readonly Figure[]>;
}
