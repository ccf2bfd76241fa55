/**
 * What clients are to be sent once it is durable.
 *
 * A message leaves when the state that it reflects is durable. Offsets never fall from one entry to the next,
 * so one queue serves all connections: its head is released as far as the log is synced. Messages of a connection that
 * asked for unconfirmed results do not pass through here.
 */
import type { ConnectionSink, ResumeNote } from "../link/link.ts";

/** The end of a connection, in its order among the messages. */
export interface Closing {
  readonly kind: "closing";
  readonly code: number;
  readonly reason: string;
}

/** What a sink is given: bytes of a message, a note for whoever holds the connection, or its end; undefined for none of these. */
export type Delivery = Uint8Array | ResumeNote | Closing | undefined;

/** What waits. Used again once it has been delivered. */
class Entry {
  sink: ConnectionSink | undefined;
  offset = -1;
  delivery: Delivery;
  at = 0;
  length = 0;
  last = true;
  answered = 0;
}

const entries = (count: number): Entry[] => Array.from({ length: count }, () => new Entry());

/** A growing ring of entries: nothing is allocated per entry, and nothing is stored but in its fields. */
export class DurabilityQueue {
  private ring = entries(16);
  private head = 0;
  private waiting = 0;

  /** The last offset up to which every client has been sent everything; -1 for none. */
  releasedOffset = -1;

  get count(): number {
    return this.waiting;
  }

  /**
   * Queues a part of a message for `sink`, to leave once `offset` is durable.
   *
   * @param delivery what to send or note; undefined to say `answered` alone
   * @param answered how many of the client's messages are answered with this; 0 when no more than before
   */
  push(
    sink: ConnectionSink,
    offset: number,
    delivery: Delivery,
    at: number,
    length: number,
    last: boolean,
    answered: number,
  ): void {
    if (this.waiting === this.ring.length) this.grow();
    const entry = this.ring[(this.head + this.waiting++) & (this.ring.length - 1)] as Entry;
    entry.sink = sink;
    entry.offset = offset;
    entry.delivery = delivery;
    entry.at = at;
    entry.length = length;
    entry.last = last;
    entry.answered = answered;
  }

  /** Sends all that waits for an offset up to this. */
  release(durableOffset: number): void {
    this.sendUpTo(durableOffset);
    if (durableOffset > this.releasedOffset) this.releasedOffset = durableOffset;
  }

  private sendUpTo(durableOffset: number): void {
    while (this.waiting > 0) {
      const entry = this.ring[this.head] as Entry;
      if (entry.offset > durableOffset) return;
      const { sink, delivery, at, length, last, answered } = entry;
      this.head = (this.head + 1) & (this.ring.length - 1);
      this.waiting--;
      entry.sink = undefined;
      entry.delivery = undefined;
      if (sink === undefined) continue;
      deliver(sink, delivery, at, length, last, answered);
    }
  }

  private grow(): void {
    const ring = this.ring;
    this.ring = [...ring.slice(this.head), ...ring.slice(0, this.head), ...entries(ring.length)];
    this.head = 0;
  }
}

export function deliver(
  sink: ConnectionSink,
  delivery: Delivery,
  at: number,
  length: number,
  last: boolean,
  answered: number,
): void {
  if (delivery instanceof Uint8Array) sink.send(delivery, at, length, last);
  else if (delivery?.kind === "closing") sink.close(delivery.code, delivery.reason);
  else if (delivery !== undefined) sink.note(delivery);
  if (answered > 0) sink.answered(answered);
}
