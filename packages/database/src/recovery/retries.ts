/**
 * What a host had been given and has no answer when it ended, and whether the next may run it: what it ended at is not
 * run again, and nothing is begun by more than two hosts.
 *
 *   given ──its host ended──▶ given again ──begun, and its host ended──▶ condemned
 *     └─────────── its host ended at it ─────────────────────────────────────▶┘
 */
import type { Condemned, HostEnded, Suspect } from "./resume.ts";
import { keyOfWork, WorkKind, type Work } from "../link/work.ts";

/** How a host ended, as far as it is known. */
export interface HostEnd {
  readonly error: HostEnded | undefined;
  /**
   * What it said that it began with, of what it had been given again; undefined when it does not say: then it counts as
   * begun.
   */
  readonly begun: ReadonlySet<string> | undefined;
  /** How it ended, for the module's log. */
  readonly how: string;
}

export class Retries {
  /** What the present host has been given that one before it may have begun with. */
  private again: ReadonlySet<string> = new Set();
  private condemned: readonly Condemned[] = [];

  /**
   * A host has ended.
   *
   * @param given all that it had been given and has no answer
   * @returns what is not run any more
   */
  ended(given: readonly Work[], { error, begun, how }: HostEnd): readonly Condemned[] {
    const keys = new Set(given.map(keyOfWork));
    const condemned = new Map<string, Condemned>();
    // The host may have ended before it failed what it was to fail.
    for (const before of this.condemned)
      if (keys.has(keyOfWork(before)) || !isAskedFor(before)) condemned.set(keyOfWork(before), before);
    const { suspect, isModulesFault = false } = error ?? {};
    if (suspect !== undefined) condemned.set(keyOfWork(suspect), { ...suspect, how, isModulesFault });
    const again = new Set<string>();
    for (const work of given) {
      const key = keyOfWork(work);
      if (condemned.has(key)) continue;
      // What a view was computed for is not to blame, and the next host does without the view.
      if (this.again.has(key) && begun?.has(key) !== false && suspect?.kind !== WorkKind.view)
        condemned.set(key, { ...work, reason: "twice", how, isModulesFault: false });
      else again.add(key);
    }
    this.again = again;
    this.condemned = [...condemned.values()];
    return this.condemned;
  }

  /** A host has ended while it was opened, at something that was to be part of that. @returns what is not run any more */
  endedAtStart(suspect: Suspect, how: string): readonly Condemned[] {
    const key = keyOfWork(suspect);
    if (!this.condemned.some((each) => keyOfWork(each) === key))
      this.condemned = [...this.condemned, { ...suspect, how, isModulesFault: true }];
    return this.condemned;
  }

  /** A host has counted what is put down to the module: the next is not to count it again. */
  counted(): void {
    this.condemned = this.condemned.map((each) => ({ ...each, isModulesFault: false }));
  }

  /** A host has gone through all that it was given again. */
  through(): void {
    this.again = new Set();
    this.condemned = [];
  }
}

/** Whether somebody waits for it: then it is pending as long as it has not been failed. */
function isAskedFor({ kind }: Work): boolean {
  return kind === WorkKind.message || kind === WorkKind.connect || kind === WorkKind.program;
}
