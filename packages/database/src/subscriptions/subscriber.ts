/** A receiver of changes: a connection, whichever protocol it speaks. */
import type { DeltaPart, LiveQuery } from "@lightcone/query";
import type { CommitHead } from "../core/call.ts";
import type { Instance } from "../views/instances.ts";

export interface Subscriber {
  /** What the present commit changes for it; empty between commits. */
  readonly changes: DeltaPart[];
  /** For each of `changes` the mark under which its query is held; undefined for whoever has no use for it. */
  readonly marks?: number[];
  /** Sends all of `changes`, in one message. */
  deliver(commit: CommitHead): void;
  /** What it holds by `subscription` cannot be kept up to date any more. Not within a commit. */
  struckOff(subscription: Subscription, text: string): void;
  /** The same of what has missed a change already. */
  missed(subscription: Subscription, text: string): void;
}

/** A subscriber under one of its marks. It has a number, which stands for it with queries that nobody else holds. */
export interface Receiver {
  readonly subscriber: Subscriber;
  /** The subscriber's own, for what it is told of its queries. */
  readonly mark: number;
  readonly number: number;
  /** How many subscriptions are its. */
  uses: number;
}

/** A live query with those who hold it: the one subscriber that the query itself knows. */
export class SharedQuery {
  readonly holders: Subscription[] = [];
}

export interface Subscription {
  readonly receiver: Receiver;
  readonly live: LiveQuery<SharedQuery>;
  readonly shared: SharedQuery;
  /** Its place among the holders of the query. */
  at: number;
  /** The instances of views that the query reads. */
  readonly instances: readonly Instance[];
}
