/** Ranges over an ordered index. The class is the host's, which tells a range from a value by it. */
import { Range as HostRange } from "#host";

export type Bound<T> =
  | { readonly tag: "included"; readonly value: T }
  | { readonly tag: "excluded"; readonly value: T }
  | { readonly tag: "unbounded" };

export interface Range<T> {
  readonly from: Bound<T>;
  readonly to: Bound<T>;
}

export interface RangeClass {
  new <T>(from?: Bound<T> | null, to?: Bound<T> | null): Range<T>;
}

/**
 * From one bound to another; a bound left out is open.
 *
 * @example
 * ctx.db.player.level.filter(new Range({ tag: "included", value: 10 }, { tag: "excluded", value: 20 }))
 */
export const Range: RangeClass = HostRange;
