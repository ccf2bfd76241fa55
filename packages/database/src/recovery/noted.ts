/** Work under a name that outlives its host, and whether memory is whole behind it. */
import { endedBy, interrupted } from "./resume.ts";
import type { Room } from "../core/context.ts";
import type { WorkKind } from "../link/work.ts";

/**
 * Runs a piece of work so that what breaks the host in it can be named, and is not run again.
 *
 * @param id what names it among its kind, as `WorkKind` says
 * @throws {HostEnded} when it broke, or left a change half-way
 */
export function noted<T>(room: Room, kind: WorkKind, id: Uint8Array, number: number, work: () => T): T {
  room.activity.begin(kind, id, number);
  let result: T;
  try {
    result = work();
  } catch (error) {
    throw endedBy(error, kind, id, number);
  }
  room.activity.end();
  mustBeWhole(room, kind, id, number);
  return result;
}

/** @throws {HostEnded} when the work that ran left a change half-way */
export function mustBeWhole(room: Room, kind: WorkKind, id: Uint8Array, number: number): void {
  if (!isWhole(room)) throw endedBy(interrupted(), kind, id, number);
}

/** Whether nothing was left half-way: not a row, not a commit that not everyone has heard of, not a subscription. */
export function isWhole({ store, writer, subscriptions }: Pick<Room, "store" | "writer" | "subscriptions">): boolean {
  return !store.poisoned && writer.isTold && !subscriptions.isChanging;
}
