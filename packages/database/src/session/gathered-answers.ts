/**
 * The answers to a frame of several messages, gathered to one payload. There is one for all connections, since frames are
 * run one at a time; what a turn has gathered leaves with its end, before anything is counted as sent.
 */
import { LastView, writeView, type ByteWriter } from "@lightcone/sats";
import { MessageBuffer } from "../wire/message-buffer.ts";
import type { Delivery } from "./durability-queue.ts";

/** From this size answers leave, and others are gathered. */
const payloadBytesMax = 64 * 1024;
const noBytes: Uint8Array = new Uint8Array(0);

/** Where they go. */
interface GatheringQueue {
  pushOn(delivery: Delivery, at: number, length: number, last: boolean, answered: number): void;
}

export class GatheredAnswers {
  private readonly buffer = new MessageBuffer();
  private readonly views = new LastView();
  /** Whose answers are gathered. */
  private queue: GatheringQueue | undefined;
  /** How many wait. The first stays where it is until there is another. */
  private count = 0;
  private first: Uint8Array = noBytes;
  private firstAt = 0;
  private firstLength = 0;
  private out: ByteWriter | undefined;
  /** In the middle of a message that comes in parts. */
  private inMessage = false;
  /** The client's messages that are answered with them; 0 for no more than before. */
  private answered = 0;

  /** From now on answers that go to this queue are gathered. */
  begin(queue: GatheringQueue): void {
    if (this.queue === queue) return;
    this.end();
    this.queue = queue;
  }

  isFor(queue: GatheringQueue): boolean {
    return this.queue === queue;
  }

  /**
   * Takes what goes to the queue, if it can be gathered: whole messages, and that messages are answered. Anything else
   * follows what was gathered.
   */
  take(delivery: Delivery, at: number, length: number, last: boolean, answered: number): boolean {
    const isWhole = last && !this.inMessage && (delivery === undefined || delivery instanceof Uint8Array);
    if (!isWhole) {
      if (delivery instanceof Uint8Array) this.inMessage = !last;
      this.flush();
      return false;
    }
    if (answered > 0) this.answered = answered;
    if (delivery !== undefined) this.add(delivery, at, length);
    return true;
  }

  /** Adds a message, its compression byte in front. */
  private add(bytes: Uint8Array, at: number, length: number): void {
    this.count += 1;
    if (this.count === 1) {
      this.first = bytes;
      this.firstAt = at;
      this.firstLength = length;
      return;
    }
    let { out } = this;
    if (out === undefined) {
      this.out = out = this.buffer.begin();
      out.rawRange(this.first, this.firstAt, this.firstLength);
    }
    writeView(out, this.views.of(bytes), at + 1, length - 1);
    if (this.buffer.length > payloadBytesMax) this.flush();
  }

  /** Lets what is gathered leave. */
  flush(): void {
    const { queue, answered, count, out } = this;
    if (queue === undefined || (count === 0 && answered === 0)) return;
    const { first, firstAt, firstLength } = this;
    this.count = 0;
    this.answered = 0;
    this.first = noBytes;
    this.out = undefined;
    if (out !== undefined) {
      const { bytes, at, length } = this.buffer.end();
      queue.pushOn(bytes, at, length, true, answered);
    } else if (count === 1) queue.pushOn(first, firstAt, firstLength, true, answered);
    else queue.pushOn(undefined, 0, 0, true, answered);
  }

  /** The frame, or the turn, is over. */
  end(): void {
    if (this.queue === undefined) return;
    this.flush();
    this.queue = undefined;
  }
}
