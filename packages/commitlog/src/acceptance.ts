/**
 * The last third of group commit: what is accepted, in order, and who hears of it. With one log a group is accepted when
 * that has it; with a second, when both have.
 */
import type { LightconeError } from "@lightcone/base";

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: LightconeError) => void;
}

export class Acceptance {
  /** One above the last offset that is accepted. */
  end: number;
  private readonly callbacks = new Set<(offset: number) => void>();
  private waiters: Waiter[] = [];

  constructor(end: number) {
    this.end = end;
  }

  onAccepted(callback: (offset: number) => void): () => void {
    this.callbacks.add(callback);
    return () => this.callbacks.delete(callback);
  }

  /** Settles when `offset` is accepted; rejects when it never will be. */
  when(offset: number): Promise<void> {
    return new Promise<void>((resolve, reject) => this.waiters.push({ offset, resolve, reject }));
  }

  /** Tells everyone of what is accepted by now. */
  tell(): void {
    const offset = this.end - 1;
    for (const callback of this.callbacks) callback(offset);
    if (this.waiters.length === 0) return;
    const due = this.waiters.filter((waiter) => waiter.offset <= offset);
    this.waiters = this.waiters.filter((waiter) => waiter.offset > offset);
    for (const waiter of due) waiter.resolve();
  }

  /** Nothing more is accepted. */
  reject(error: LightconeError): void {
    const { waiters } = this;
    this.waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }
}
