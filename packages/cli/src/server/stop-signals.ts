/**
 * What a signal asks a server for: the first a clean stop, the second an end at once.
 *
 * One wish may come several times: a process group gets a signal as a whole, and npx, npm and the launcher pass on what
 * they got themselves. So a signal of the same kind shortly after counts as the same one. SIGHUP is nobody's impatience: a terminal
 * that is closed sends it, and then its shell. It asks for a clean stop, however often it comes.
 */
const sameWithinMs = 500;

export class StopSignals {
  private readonly steadyMs: () => number;
  /** When each kind was counted last. */
  private readonly countedMs = new Map<string, number>();
  private isHungUp = false;

  constructor(steadyMs: () => number) {
    this.steadyMs = steadyMs;
  }

  hear(signal: string): "stop" | "end at once" | "nothing new" {
    if (signal === "SIGHUP") {
      const isNew = !this.isHungUp && this.countedMs.size === 0;
      this.isHungUp = true;
      return isNew ? "stop" : "nothing new";
    }
    const nowMs = this.steadyMs();
    const isFirst = this.countedMs.size === 0;
    if (nowMs - (this.countedMs.get(signal) ?? -Infinity) < sameWithinMs) return "nothing new";
    this.countedMs.set(signal, nowMs);
    return isFirst ? "stop" : "end at once";
  }
}
