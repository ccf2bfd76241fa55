/**
 * Marks what is worth nothing half done: a change of rows and indexes, a commit that is being told, a message in parts.
 *
 * Work that takes too long is ended from outside, wherever it is (`watchdog.ts`). Here both sides see to it that this is
 * never inside a section:
 *
 *   words = sections that are open | what the watchdog asks       Int32Array over shared memory
 *
 * Who ends work first asks for it, then waits until no section is open, and only then ends it. Work that comes to a
 * section and is asked to end goes no further. Between the two a millisecond passes: work that had not seen the question
 * when it entered has let its entry be seen by then, so neither side needs more than a plain store. Where no thread
 * watches, work that enters a section looks at the clock itself.
 */
export const sectionWord = 0;
export const askedWord = 1;
/** What is asked, below 0. */
export const Asked = { toEnd: -1, toLookAtTheClock: -2 } as const;
/** What a section has beyond the time of the work it is in. Whoever ends work waits no longer. */
export const sectionMsMax = 1000;
// Kept: where a module runs in a process of others, there is none while it does.
const steadyClock = performance;

export class CriticalSection {
  readonly words: Int32Array;
  /** When work that looks at the clock has to end, by `performance.now()`. */
  untilMs = Infinity;
  /** When a timer ends the work, whatever it is in, by `performance.now()`. */
  timerMs = Infinity;
  private readonly endNow: () => void;
  private isHeld = false;

  /** @param endNow has the work that calls it ended, if that can be done from within; otherwise it is ended in a while */
  constructor(words: Int32Array = new Int32Array(2), endNow: () => void = () => undefined) {
    this.words = words;
    this.endNow = endNow;
  }

  /** Whether one is open between two pieces of work: it was ended, or broke, in there. */
  get isOpen(): boolean {
    return (this.words[sectionWord] ?? 0) > (this.isHeld ? 1 : 0);
  }

  get isAskedToEnd(): boolean {
    return Atomics.load(this.words, askedWord) === Asked.toEnd;
  }

  /** Does not return when the work has to end. */
  enter(): void {
    const { words } = this;
    const open = words[sectionWord] as number; // there are two words
    words[sectionWord] = open + 1;
    if (open > 0 || Atomics.load(words, askedWord) >= 0) return;
    // Nothing can end the work between these two stores but here.
    words[sectionWord] = 0;
    this.settle();
    words[sectionWord] = 1;
  }

  leave(): void {
    const { words } = this;
    words[sectionWord] = (words[sectionWord] as number) - 1; // there are two words
  }

  /** Runs `work` inside. What it throws leaves the section open. */
  run(work: () => void): void {
    this.enter();
    work();
    this.leave();
  }

  /** The rest of the piece of work is one section: it has committed, and is to say so. */
  hold(): void {
    if (this.isHeld) return;
    this.enter();
    this.isHeld = true;
  }

  /** Ends that: what comes now may be ended. */
  letGo(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.leave();
  }

  /**
   * For work within that may be ended although sections are open around it: sets those aside.
   *
   * @returns opens them again
   */
  setAside(): () => void {
    const { words, isHeld } = this;
    const open = words[sectionWord] as number; // there are two words
    this.reset();
    return () => {
      this.isHeld = isHeld;
      words[sectionWord] = open;
    };
  }

  /** Forgets what was open: work begins. */
  reset(): void {
    this.isHeld = false;
    this.words[sectionWord] = 0;
  }

  private settle(): void {
    if (this.words[askedWord] === Asked.toLookAtTheClock) {
      if (steadyClock.now() < this.untilMs) return;
      this.endNow();
    }
    for (;;); // until it is ended
  }
}
