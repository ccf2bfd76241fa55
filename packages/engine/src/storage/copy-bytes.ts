/** Up to here a loop beats the call into the platform. */
const shortMax = 96;

/** Copies bytes between places that do not overlap. Each view covers the same bytes as the array before it. */
export function copyBytes(
  target: Uint8Array,
  targetView: DataView,
  to: number,
  source: Uint8Array,
  sourceView: DataView,
  at: number,
  length: number,
): void {
  if (length > shortMax) {
    target.set(source.subarray(at, at + length), to);
    return;
  }
  let index = 0;
  // Compiled to plain loads and stores: no number is made of the eight bytes.
  for (; index + 8 <= length; index += 8)
    targetView.setBigInt64(to + index, sourceView.getBigInt64(at + index, true), true);
  for (; index + 4 <= length; index += 4) targetView.setInt32(to + index, sourceView.getInt32(at + index, true), true);
  for (; index < length; index += 1) targetView.setUint8(to + index, sourceView.getUint8(at + index));
}
