/** Times in buckets of 2 %: nothing is kept per call. */
const stepsPerDoubling = 32;
const leastMs = 0.001;
const bucketCount = 32 * stepsPerDoubling;

export class Histogram {
  private readonly counts: Float64Array<ArrayBuffer> = new Float64Array(bucketCount);
  count = 0;
  maxMs = 0;

  add(ms: number, count = 1): void {
    const bucket =
      ms <= leastMs ? 0 : Math.min(bucketCount - 1, Math.floor(Math.log2(ms / leastMs) * stepsPerDoubling));
    this.counts[bucket] = (this.counts[bucket] ?? 0) + count;
    this.count += count;
    if (ms > this.maxMs) this.maxMs = ms;
  }

  /** The time that a share of all stays under. */
  quantileMs(share: number): number {
    let left = this.count * share;
    for (let bucket = 0; bucket < bucketCount; bucket += 1) {
      left -= this.counts[bucket] ?? 0;
      if (left <= 0) return leastMs * 2 ** ((bucket + 1) / stepsPerDoubling);
    }
    return this.maxMs;
  }
}
