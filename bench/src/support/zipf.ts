/**
 * Numbers from 0 on of which the k-th comes as often as 1 / kᵅ says, spread over all places: neighbours in number are not
 * neighbours in how often they come.
 */
export class Zipf {
  /** The share of all draws that goes to the first so many ranks. */
  private readonly upTo: Float64Array;
  /** Which number has which rank. */
  private readonly numbers: Uint32Array;

  constructor(count: number, exponent: number) {
    this.upTo = new Float64Array(count);
    let sum = 0;
    for (let rank = 0; rank < count; rank += 1) this.upTo[rank] = sum += 1 / (rank + 1) ** exponent;
    for (let rank = 0; rank < count; rank += 1) this.upTo[rank] = (this.upTo[rank] as number) / sum;
    // Steps of a size that shares no divisor with the count come past each number once.
    let step = Math.max(1, Math.floor(count * 0.618));
    while (gcd(step, count) !== 1) step += 1;
    this.numbers = Uint32Array.from({ length: count }, (_, rank) => (rank * step) % count);
  }

  /** The number for an even draw between 0 and 1. Cost: the logarithm of how many there are. */
  at(draw: number): number {
    let low = 0;
    let high = this.upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.upTo[middle] as number) < draw) low = middle + 1;
      else high = middle;
    }
    return this.numbers[low] as number;
  }
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
