/** How long to wait before the next attempt to connect. */
import type { Random } from "@lightcone/base";

const firstMs = 250;
const longestMs = 5_000;

/** A connection that lasted this long was one: after it, attempts are counted anew. */
export const steadyAfterMs = longestMs;

/**
 * Doubles from a quarter of a second up to five, each time somewhere between half and all of it, so that the
 * clients of a server that comes back do not all come at once.
 *
 * @param attempt 0 after a connection that lasted was lost, then one more each time
 */
export function backoffMs(attempt: number, random: Random): number {
  const whole = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 16));
  const [chance = 0] = random.fill(new Uint8Array(1));
  return Math.round(whole / 2 + (whole / 2) * (chance / 255));
}
