/** A pool of lists of row references, so that a steady load allocates nothing. */
import { RefList } from "@lightcone/engine";

/** A longer list is not kept after use. Nor is any, once the pool holds so many entries in all. */
const keptCountMax = 4096;
const keptTotalMax = 1_048_576;

export class RefListPool {
  private readonly free: RefList[] = [];
  private keptTotal = 0;

  take(): RefList {
    const list = this.free.pop();
    if (list === undefined) return new RefList();
    this.keptTotal -= list.refs.length;
    return list;
  }

  give(list: RefList): void {
    if (list.refs.length > keptCountMax || this.keptTotal + list.refs.length > keptTotalMax) return;
    list.count = 0;
    this.keptTotal += list.refs.length;
    this.free.push(list);
  }
}

export function sort({ refs, count }: RefList): void {
  if (count > 1) refs.subarray(0, count).sort();
}

export function reverse({ refs, count }: RefList): void {
  if (count > 1) refs.subarray(0, count).reverse();
}

/** Removes what two sorted lists have in common, counting repetitions: the bag difference, in both directions. */
export function cancelSorted(a: RefList, b: RefList): void {
  const left = a.refs;
  const right = b.refs;
  let i = 0;
  let j = 0;
  let leftKept = 0;
  let rightKept = 0;
  while (i < a.count && j < b.count) {
    const x = left[i] ?? 0;
    const y = right[j] ?? 0;
    if (x === y) {
      i += 1;
      j += 1;
    } else if (x < y) {
      left[leftKept++] = x;
      i += 1;
    } else {
      right[rightKept++] = y;
      j += 1;
    }
  }
  while (i < a.count) left[leftKept++] = left[i++] ?? 0;
  while (j < b.count) right[rightKept++] = right[j++] ?? 0;
  a.count = leftKept;
  b.count = rightKept;
}
