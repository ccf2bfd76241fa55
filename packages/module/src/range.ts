/** Ranges over an ordered index. The class is the host's, which tells a range from a value by it. */
import { Range as HostRange } from "#host";
import type { Range as RangeValue, RangeClass } from "./host-types.ts";

/**
 * From one bound to another; a bound left out is open.
 *
 * @example
 * ctx.db.player.level.filter(new Range({ tag: "included", value: 10 }, { tag: "excluded", value: 20 }))
 */
export const Range: RangeClass = HostRange;
export type Range<T> = RangeValue<T>;
