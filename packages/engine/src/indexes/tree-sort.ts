/** Entries of an ordered index sorted all at once, for bulk loading. */
/** Sorts rows by prefix, and runs of equal prefixes by `compare`. */
export function sortByPrefix(
  prefixes: Float64Array,
  refs: Uint32Array,
  compare: (a: number, b: number) => number,
  exactBelow: number,
): { prefixes: Float64Array; refs: Uint32Array } {
  const sorted = radixSort(prefixes, refs);
  for (let from = 0; from < sorted.refs.length;) {
    const prefix = sorted.prefixes[from] as number;
    let to = from + 1;
    while (to < sorted.refs.length && sorted.prefixes[to] === prefix) to += 1;
    if (to - from > 1) {
      const run = sorted.refs.subarray(from, to);
      if (Math.abs(prefix) < exactBelow) run.sort();
      else run.sort(compare);
    }
    from = to;
  }
  return sorted;
}

/** Least significant digit first, 16 bits at a time, over the doubles' bits turned into rising integers. */
function radixSort(prefixes: Float64Array, refs: Uint32Array): { prefixes: Float64Array; refs: Uint32Array } {
  const count = refs.length;
  let keys = new Uint32Array(prefixes.slice().buffer);
  for (let index = 0; index < count; index += 1) {
    const high = keys[2 * index + 1] as number;
    const flip = high >>> 31 === 1 ? 0xffff_ffff : 0;
    keys[2 * index] = (keys[2 * index] as number) ^ flip;
    keys[2 * index + 1] = high ^ (flip | 0x8000_0000);
  }
  let order: Uint32Array = refs.slice();
  let otherKeys = new Uint32Array(2 * count);
  let otherOrder: Uint32Array = new Uint32Array(count);
  const starts = new Uint32Array(65_536);
  for (let digit = 0; digit < 4; digit += 1) {
    const word = digit >>> 1;
    const shift = (digit & 1) * 16;
    starts.fill(0);
    for (let index = 0; index < count; index += 1) {
      const value = ((keys[2 * index + word] as number) >>> shift) & 0xffff;
      starts[value] = (starts[value] as number) + 1;
    }
    if (starts.includes(count)) continue; // all alike in these bits
    let total = 0;
    for (let value = 0; value < 65_536; value += 1) {
      const size = starts[value] as number;
      starts[value] = total;
      total += size;
    }
    for (let index = 0; index < count; index += 1) {
      const value = ((keys[2 * index + word] as number) >>> shift) & 0xffff;
      const to = starts[value] as number;
      starts[value] = to + 1;
      otherKeys[2 * to] = keys[2 * index] as number;
      otherKeys[2 * to + 1] = keys[2 * index + 1] as number;
      otherOrder[to] = order[index] as number;
    }
    [keys, otherKeys] = [otherKeys, keys];
    [order, otherOrder] = [otherOrder, order];
  }
  for (let index = 0; index < count; index += 1) {
    const high = keys[2 * index + 1] as number;
    const flip = high >>> 31 === 1 ? 0 : 0xffff_ffff;
    keys[2 * index] = (keys[2 * index] as number) ^ flip;
    keys[2 * index + 1] = high ^ (flip | 0x8000_0000);
  }
  return { prefixes: new Float64Array(keys.buffer), refs: order };
}
