/** The receivers of changes by their numbers, which are used again. */
import { defined } from "@lightcone/base";
import type { Receiver, Subscriber } from "./subscriber.ts";

export class Receivers {
  private readonly byNumber: (Receiver | undefined)[] = [];
  private readonly free: number[] = [];
  /** By their marks. */
  private readonly bySubscriber = new Map<Subscriber, Map<number, Receiver>>();

  /** Counts one use more. */
  acquire(subscriber: Subscriber, mark: number): Receiver {
    let own = this.bySubscriber.get(subscriber);
    if (own === undefined) this.bySubscriber.set(subscriber, (own = new Map()));
    let receiver = own.get(mark);
    if (receiver === undefined) {
      const number = this.free.pop() ?? this.byNumber.length;
      receiver = { subscriber, mark, number, uses: 0 };
      this.byNumber[number] = receiver;
      own.set(mark, receiver);
    }
    receiver.uses += 1;
    return receiver;
  }

  /** Takes one use back; the last frees the number. */
  release(receiver: Receiver): void {
    receiver.uses -= 1;
    if (receiver.uses > 0) return;
    const { subscriber, mark, number } = receiver;
    const own = defined(this.bySubscriber.get(subscriber), "the subscriber's receivers");
    own.delete(mark);
    if (own.size === 0) this.bySubscriber.delete(subscriber);
    this.byNumber[number] = undefined;
    this.free.push(number);
  }

  of(number: number): Receiver {
    return defined(this.byNumber[number], "a receiver that is in use");
  }
}
