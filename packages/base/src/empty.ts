/** Longer lists are better given up than taken apart. */
const shortMax = 16;

/**
 * Empties a list that is filled and emptied again and again. To set an array's length is a call into V8's runtime, which
 * costs as much as to take out twenty elements, and of an empty one too.
 */
export function empty(list: unknown[]): void {
  if (list.length > shortMax) list.length = 0;
  else while (list.length > 0) list.pop();
}
