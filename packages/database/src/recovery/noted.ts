/** Runs work under a name that outlives its host, and checks that it left nothing half done. */
import { endedBy, interrupted } from "./resume.ts";
import { isWhole, type DatabaseContext } from "../core/context.ts";
import type { WorkKind } from "../link/work.ts";

/**
 * Runs a piece of work so that what breaks the host in it can be named, and is not run again.
 *
 * @param id what names it among its kind, as `WorkKind` says
 * @throws {HostEnded} when it broke, or left a change half-way
 */
export function noted<T>(context: DatabaseContext, kind: WorkKind, id: Uint8Array, number: number, work: () => T): T {
  context.activity.begin(kind, id, number);
  let result: T;
  try {
    result = work();
  } catch (error) {
    throw endedBy(error, kind, id, number);
  }
  context.activity.end();
  if (!isWhole(context)) throw endedBy(interrupted(), kind, id, number);
  return result;
}
