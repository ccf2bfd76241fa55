/**
 * A message that was put off, with those that came after it: each is run in its order once the first can be.
 *
 * The message is run by whoever would have run it; only when is decided here.
 */
import type { Job } from "../core/job-loop.ts";
import type { PutOff } from "../wire/wire.ts";

/** The session, as messages that were put off see it. */
export interface PutOffOwner {
  readonly isClosed: boolean;
  push(job: Job): void;
  again(job: Job): void;
}

export class PutOffs implements Job {
  readonly owner: PutOffOwner;
  /** In their order; empty while none was put off. */
  private messages: Job[] = [];
  /** Whether the first is not to be run yet. */
  private isHeld = false;
  /** The one that is run now. */
  private running: Job | undefined;

  constructor(owner: PutOffOwner) {
    this.owner = owner;
  }

  /** Whether a message waits behind one that was put off; it is run later then. */
  keeps(message: Job): boolean {
    if (message === this.running || (this.messages.length === 0 && !this.isHeld)) return false;
    this.messages.push(message);
    return true;
  }

  begin(message: Job): PutOff {
    const { owner } = this;
    this.messages.unshift(message);
    this.isHeld = true;
    return {
      get isOver() {
        return owner.isClosed;
      },
      resume: () => {
        this.isHeld = false;
        owner.push(this);
      },
    };
  }

  readsOnly(): boolean {
    return this.messages[0]?.readsOnly?.() === true;
  }

  run(): void {
    // It was put off again: whoever resumes it pushes this once more.
    if (this.isHeld) return;
    const message = this.messages.shift();
    if (message === undefined) return;
    // Before the message runs: the others come also when it takes too long.
    if (this.messages.length > 0) this.owner.again(this);
    this.running = message;
    message.run();
    this.running = undefined;
  }

  timedOut(): void {
    const { running } = this;
    this.running = undefined;
    running?.timedOut();
  }
}
