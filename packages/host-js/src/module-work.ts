/** What a piece of a module's work leaves to its promises, run before anything else: docs/decisions/0080. */
import { modulePromises, type Settled } from "@lightcone/base/node";

/** Ends a piece of the module's work: runs what it left to its promises, if anything happened to promises meanwhile. */
export function endWork(activity: number): Settled | undefined {
  modulePromises.end();
  return modulePromises.activity === activity ? undefined : modulePromises.settle();
}

/**
 * What `read` gives of a module's values, whose getters are code of the module's: what that leaves to promises is run.
 *
 * @param left is told when a promise of that stays open all the same
 */
export function readingOf<T>(read: () => T, left?: () => void): T {
  const { activity } = modulePromises;
  modulePromises.begin();
  try {
    return read();
  } finally {
    if (endWork(activity)?.open !== undefined) left?.();
  }
}
