/**
 * Ends work that takes too long, for the price of two atomic writes.
 *
 * The database's thread notes in shared memory that a turn has begun, and the watching thread, which looks every so
 * often, interrupts a turn that it has seen for longer than its budget. The interrupt is SIGINT, which ends a script
 * that runs with `breakOnSigint`. The first of such scripts starts a thread; while one runs somewhere in the
 * process, that thread is shared and another costs under a microsecond. So the watcher keeps one running of its own.
 *
 *   words = open sections | turn | budget in ms | whether the watcher rests       Int32Array over shared memory
 *
 * `turn` is the number of the turn that runs, 0 between turns, and `interrupting` once the watcher has decided to
 * end it. Whoever changes it from the turn's number wins: a turn that finds itself beaten at its end waits there
 * for the signal, so that it never ends the work behind it. A watcher that has nothing to look at rests until the next
 * turn wakes it: a database that is not used costs next to nothing.
 */
import { Asked, askedWord, CriticalSection, sectionWord } from "@lightcone/base";
import { runInterruptible, type Watchdog } from "@lightcone/base/node";

const turnWord = askedWord;
const budgetWord = 2;
const restWord = 3;
const wordCount = 4;
const interrupting = Asked.toEnd;
const turnMax = 0x7fff_ffff;

/** The database's side. */
export class InterruptWatchdog implements Watchdog {
  /** Short, so that the log writes what one time slice committed while the next runs, and the front sends its answers. */
  readonly sliceMs = 0.7;
  readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4 * wordCount);
  private readonly words: Int32Array = new Int32Array(this.buffer);
  readonly critical: CriticalSection = new CriticalSection(this.words, () => process.kill(process.pid, "SIGINT"));
  private turn = 0;
  private fromMs = 0;
  private budgetMs = 0;
  private work: () => void = () => undefined;
  private thrown: { readonly error: unknown } | undefined;

  run(work: () => void, budgetMs: number): boolean {
    this.work = work;
    this.turn = this.turn === turnMax ? 1 : this.turn + 1;
    this.fromMs = performance.now();
    this.budgetMs = budgetMs;
    this.words[budgetWord] = budgetMs;
    this.critical.reset();
    const ended = !runInterruptible(this.interruptible, { breakOnSigint: true });
    Atomics.store(this.words, turnWord, 0);
    const thrown = this.thrown;
    this.thrown = undefined;
    if (thrown !== undefined) throw thrown.error;
    return !ended;
  }

  runWithin(work: () => void, budgetMs: number): boolean {
    const { words, budgetMs: outerMs, turn } = this;
    const isWithin = Atomics.load(words, turnWord) !== 0;
    // From here to its end nobody looks at the turn around it. It has no time left if it is to be ended already.
    if (isWithin && Atomics.compareExchange(words, turnWord, turn, 0) !== turn) return false;
    const leftMs = outerMs - (performance.now() - this.fromMs);
    const goOn = this.critical.setAside();
    try {
      return this.run(work, budgetMs);
    } finally {
      goOn();
      if (isWithin) this.resume(leftMs);
    }
  }

  /** The turn around a piece of work goes on, under a number that has not been seen. */
  private resume(leftMs: number): void {
    this.turn = this.turn === turnMax ? 1 : this.turn + 1;
    this.fromMs = performance.now();
    this.budgetMs = Math.max(leftMs, 1);
    this.words[budgetWord] = this.budgetMs;
    Atomics.store(this.words, turnWord, this.turn);
    if (Atomics.load(this.words, restWord) === 1) this.wake();
  }

  private readonly interruptible = (): void => {
    Atomics.store(this.words, turnWord, this.turn);
    if (Atomics.load(this.words, restWord) === 1) this.wake();
    try {
      this.work();
    } catch (error) {
      this.thrown = { error };
    }
    if (Atomics.compareExchange(this.words, turnWord, this.turn, 0) !== this.turn) for (;;);
  };

  private wake(): void {
    Atomics.store(this.words, restWord, 0);
    Atomics.notify(this.words, restWord);
  }
}

/** The watching thread's side. */
export class TurnWatch {
  private readonly words: Int32Array;
  private seen = 0;
  private sinceMs = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
  }

  /**
   * Looks at the turn that runs.
   *
   * @param nowMs a clock that never goes back
   * @returns milliseconds until it has had its budget; 0 when it has and is to be interrupted, Infinity when none runs
   */
  look(nowMs: number): number {
    const turn = Atomics.load(this.words, turnWord);
    if (turn !== this.seen) {
      this.seen = turn;
      this.sinceMs = nowMs;
    }
    if (turn <= 0) return Infinity;
    const leftMs = this.sinceMs + (this.words[budgetWord] ?? 0) - nowMs;
    if (leftMs > 0) return leftMs;
    return Atomics.compareExchange(this.words, turnWord, turn, interrupting) === turn ? 0 : Infinity;
  }

  /** Waits until the next turn begins, or for `restMs`. Returns at once while one runs. */
  rest(restMs: number): void {
    Atomics.store(this.words, restWord, 1);
    // A turn that begins from here on sees the word.
    if (Atomics.load(this.words, turnWord) <= 0) Atomics.wait(this.words, restWord, 1, restMs);
    Atomics.store(this.words, restWord, 0);
  }

  /** Whether the turn that is to be interrupted is in no critical section. It is asked a millisecond after `look`. */
  get mayEnd(): boolean {
    return Atomics.load(this.words, sectionWord) === 0;
  }

  /** Waits until the turn that was interrupted is over, or for `ms`. Says whether it is. */
  settle(ms: number): boolean {
    for (const untilMs = performance.now() + ms; performance.now() < untilMs;) {
      if (Atomics.wait(this.words, turnWord, interrupting, 1) === "not-equal") return true;
    }
    return false;
  }
}
