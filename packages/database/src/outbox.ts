/**
 * What a database has to tell its clients and may not say yet.
 *
 * An answer leaves when the state that it saw is durable. Offsets never fall from one entry to the next,
 * so one queue serves all connections: its head is released as far as the log is synced. A connection that
 * asked for unconfirmed results does not pass through here.
 */
import type { ConnectionSink } from "./link.ts";

/** A growing ring of entries in parallel arrays: nothing is allocated per entry. */
export class Outbox {
  #capacity = 1024;
  #head = 0;
  #count = 0;
  #offsets: Float64Array<ArrayBuffer> = new Float64Array(this.#capacity);
  #ats: Uint32Array<ArrayBuffer> = new Uint32Array(this.#capacity);
  #lengths: Uint32Array<ArrayBuffer> = new Uint32Array(this.#capacity);
  /** Messages of the client answered up to here; 0 when no more than before. */
  #answered: Uint32Array<ArrayBuffer> = new Uint32Array(this.#capacity);
  #last: Uint8Array<ArrayBuffer> = new Uint8Array(this.#capacity);
  #sinks: (ConnectionSink | undefined)[] = Array.from({ length: this.#capacity });
  /** What to send; or, as numbers, which messages the sink's subscriptions now are. */
  #bytes: (Uint8Array | readonly number[] | undefined)[] = Array.from({ length: this.#capacity });

  /** Entries that wait. */
  get count(): number {
    return this.#count;
  }

  /**
   * Queues a part of a message for `sink`, to leave once `offset` is durable.
   *
   * @param bytes what to send; numbers for `ConnectionSink.subscribed`; undefined to say `answered` alone
   * @param answered how many of the client's messages are answered with this; 0 when no more than before
   */
  push(
    sink: ConnectionSink,
    offset: number,
    bytes: Uint8Array | readonly number[] | undefined,
    at: number,
    length: number,
    last: boolean,
    answered: number,
  ): void {
    if (this.#count === this.#capacity) this.#grow();
    const slot = (this.#head + this.#count++) & (this.#capacity - 1);
    this.#offsets[slot] = offset;
    this.#ats[slot] = at;
    this.#lengths[slot] = length;
    this.#last[slot] = last ? 1 : 0;
    this.#answered[slot] = answered;
    this.#sinks[slot] = sink;
    this.#bytes[slot] = bytes;
  }

  /** Sends all that waits for an offset up to `durableOffset`. */
  release(durableOffset: number): void {
    while (this.#count > 0) {
      const slot = this.#head;
      if ((this.#offsets[slot] ?? 0) > durableOffset) return;
      this.#head = (slot + 1) & (this.#capacity - 1);
      this.#count--;
      const sink = this.#sinks[slot];
      const bytes = this.#bytes[slot];
      this.#sinks[slot] = undefined;
      this.#bytes[slot] = undefined;
      if (sink === undefined) continue;
      if (bytes instanceof Uint8Array)
        sink.send(bytes, this.#ats[slot] ?? 0, this.#lengths[slot] ?? 0, this.#last[slot] === 1);
      else if (bytes !== undefined) sink.subscribed(bytes);
      const answered = this.#answered[slot] ?? 0;
      if (answered > 0) sink.answered(answered);
    }
  }

  /** Forgets all that waits: the log failed, and nothing after its durable offset may be told. */
  clear(): void {
    this.#sinks.fill(undefined);
    this.#bytes.fill(undefined);
    this.#head = 0;
    this.#count = 0;
  }

  #grow(): void {
    const from = this.#capacity;
    const order = (slot: number): number => (this.#head + slot) & (from - 1);
    const copy = <T extends Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(
      source: T,
      target: T,
    ): T => {
      for (let slot = 0; slot < from; slot++) target[slot] = source[order(slot)] ?? 0;
      return target;
    };
    this.#offsets = copy(this.#offsets, new Float64Array(from * 2));
    this.#ats = copy(this.#ats, new Uint32Array(from * 2));
    this.#lengths = copy(this.#lengths, new Uint32Array(from * 2));
    this.#answered = copy(this.#answered, new Uint32Array(from * 2));
    this.#last = copy(this.#last, new Uint8Array(from * 2));
    this.#sinks = Array.from({ length: from * 2 }, (_, slot) => (slot < from ? this.#sinks[order(slot)] : undefined));
    this.#bytes = Array.from({ length: from * 2 }, (_, slot) => (slot < from ? this.#bytes[order(slot)] : undefined));
    this.#head = 0;
    this.#capacity = from * 2;
  }
}
