/** Lists that are indexed by the ids of tables or indexes. */
import { userIdMin } from "@lightcone/base";

/** User ids that there is room for: a list that grows at the first of them is made twice. */
const roomForUsers = 128;
const empty = new Array<undefined>(userIdMin + roomForUsers).fill(undefined);

/** A list without gaps up to the first user ids: with gaps, V8 would keep it as a dictionary. */
export function listById<T>(): (T | undefined)[] {
  return empty.slice();
}

export function putById<T>(list: (T | undefined)[], id: number, value: T): void {
  while (list.length < id) list.push(undefined);
  list[id] = value;
}
