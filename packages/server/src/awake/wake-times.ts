/** When databases that rest want to be woken: one timer for them all. */
import type { Clock } from "@lightcone/base";

/** A timer is set for no longer than this, so that a wall clock that is moved is noticed. */
const sleepMsMax = 60_000;

export class WakeTimes {
  readonly #clock: Clock;
  readonly #wake: (identityHex: string) => void;
  /** Microseconds since 1970, by database. */
  readonly #due = new Map<string, number>();
  #cancel: (() => void) | undefined;
  #armedMicros = Infinity;

  /** @param wake is called once for each database whose time has come */
  constructor(clock: Clock, wake: (identityHex: string) => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  set(identityHex: string, dueMicros: number): void {
    this.#due.set(identityHex, dueMicros);
    if (dueMicros < this.#armedMicros) this.#arm(dueMicros);
  }

  /** A timer that is set for it finds nothing to do. */
  delete(identityHex: string): void {
    this.#due.delete(identityHex);
  }

  stop(): void {
    this.#cancel?.();
    this.#due.clear();
  }

  #arm(dueMicros: number): void {
    this.#cancel?.();
    this.#armedMicros = dueMicros;
    const delayMs = Math.max(0, (dueMicros - this.#clock.nowMicros()) / 1000);
    this.#cancel = this.#clock.after(Math.min(delayMs, sleepMsMax), () => this.#ring());
  }

  #ring(): void {
    this.#armedMicros = Infinity;
    const nowMicros = this.#clock.nowMicros();
    const due: string[] = [];
    let next = Infinity;
    for (const [identityHex, dueMicros] of this.#due) {
      if (dueMicros <= nowMicros) due.push(identityHex);
      else next = Math.min(next, dueMicros);
    }
    for (const identityHex of due) this.#due.delete(identityHex);
    if (next < Infinity) this.#arm(next);
    for (const identityHex of due) this.#wake(identityHex);
  }
}
