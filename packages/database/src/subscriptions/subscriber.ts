/** A receiver of changes: a connection, whichever protocol it speaks. */
import type { DeltaPart } from "@lightcone/query";
import type { CommitHead } from "../core/call.ts";

export interface Subscriber {
  /** What the present commit changes for it; empty between commits. */
  readonly changes: DeltaPart[];
  /** For each of `changes` the mark under which its query is held; undefined for whoever has no use for it. */
  readonly marks?: number[];
  /** Sends all of `changes`, in one message. */
  deliver(commit: CommitHead): void;
}
