/** The rules of moving: the module runs them for everybody, and the page for what it shows before the answer comes. */
import type { Identity } from "lightcone/module";

export const arena = { width: 1000, height: 700 } as const;
export const radius = 18;
/** Of the arena's units, in a second. */
const speed = 260;
export const tickMs = 100;

export interface Place {
  readonly x: number;
  readonly y: number;
  /** Where to, from -1 to 1 each. */
  readonly dx: number;
  readonly dy: number;
}

/** Where a place is after some time. */
export function moved<P extends Place>(place: P, milliseconds: number): P {
  const long = Math.max(1, Math.hypot(place.dx, place.dy)); // across is no faster than along
  const step = (speed * milliseconds) / 1000 / long;
  return {
    ...place,
    x: within(place.x + place.dx * step, arena.width),
    y: within(place.y + place.dy * step, arena.height),
  };
}

/** What a reducer is given, as far as a turn needs it. */
interface Turning<P> {
  readonly sender: Identity;
  readonly db: { readonly place: { readonly id: { find(key: Identity): P | null; update(row: P): unknown } } };
}

/** What steering does to rows: the module's reducer does it, and the page at once. */
export function turn<P extends Place>(
  { sender, db }: Turning<P>,
  { dx, dy }: { readonly dx: number; readonly dy: number },
): void {
  const present = db.place.id.find(sender);
  if (present !== null) db.place.id.update({ ...present, dx, dy });
}

const within = (at: number, size: number): number => Math.min(size - radius, Math.max(radius, at));

export const touch = (a: { x: number; y: number }, b: { x: number; y: number }): boolean =>
  Math.hypot(a.x - b.x, a.y - b.y) < radius * 1.7;
