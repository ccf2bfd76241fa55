/**
 * The clock of a database under test: it stands until the test moves it, but for a microsecond before each request. So no two
 * calls have the same time, from which a reducer's chance is made.
 */
import type { Clock } from "@lightcone/base";

interface Timer {
  readonly dueMicros: number;
  readonly run: () => void;
}

export class TestClock implements Clock {
  private micros: number;
  private readonly fromMicros: number;
  private timers: Timer[] = [];

  constructor(micros: number) {
    this.micros = micros;
    this.fromMicros = micros;
  }

  nowMicros(): number {
    return this.micros;
  }

  steadyMs(): number {
    return (this.micros - this.fromMicros) / 1000;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { dueMicros: this.micros + Math.ceil(delayMs * 1000), run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  tick(): void {
    this.micros += 1;
  }

  /** Goes on to the first timer that is due by then, and runs it. @returns whether there was one */
  runNext(untilMicros: number): boolean {
    let next: Timer | undefined;
    for (const timer of this.timers) if (next === undefined || timer.dueMicros < next.dueMicros) next = timer;
    if (next === undefined || next.dueMicros > untilMicros) return false;
    this.timers = this.timers.filter((timer) => timer !== next);
    this.micros = Math.max(this.micros, next.dueMicros);
    next.run();
    return true;
  }

  moveTo(micros: number): void {
    this.micros = Math.max(this.micros, micros);
  }
}
