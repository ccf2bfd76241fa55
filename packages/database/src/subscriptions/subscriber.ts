/** Someone who is told what commits change for them. A connection is one, whichever protocol it speaks. */
import type { DeltaPart } from "@lightcone/query";
import type { CommitHead } from "../core/call.ts";

export interface Subscriber {
  /** What the present commit changes for it; empty between commits. */
  readonly changes: DeltaPart[];
  /** Tells it all of `changes`, in one message. */
  deliver(commit: CommitHead): void;
}
