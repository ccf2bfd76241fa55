/** `ctx.random` of a guess: the same each time that the guess is worked out again. Not the database's: its seed is its own. */
type IntegerArray = Uint8Array | Uint32Array | BigUint64Array;

export interface Random {
  readonly uint32: () => number;
}

/** @param seed four words */
export function makeRandom(seed: Uint32Array): Random {
  // sfc32 (Chris Doty-Humphrey; public domain).
  let [a, b, c, d] = [seed[0] ?? 0, seed[1] ?? 0, seed[2] ?? 0, seed[3] ?? 0];
  const uint32 = (): number => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  const random = (): number => ((uint32() >>> 6) * 134_217_728 + (uint32() >>> 5)) / 9_007_199_254_740_992;
  const bigintInRange = (min: bigint, max: bigint): bigint => {
    if (min > max) throw new RangeError("bigintInRange takes two bigints, the smaller first");
    const span = max - min + 1n;
    let drawn = 0n;
    for (let size = 1n; size < span << 32n; size <<= 32n) drawn = (drawn << 32n) | BigInt(uint32());
    return min + (drawn % span);
  };
  return Object.assign(random, {
    uint32,
    bigintInRange,
    integerInRange: (min: number, max: number): number => Number(bigintInRange(BigInt(min), BigInt(max))),
    fill<A extends IntegerArray>(array: A): A {
      const isBig = typeof array[0] === "bigint";
      for (let index = 0; index < array.length; index += 1)
        array[index] = isBig ? (BigInt(uint32()) << 32n) | BigInt(uint32()) : uint32();
      return array;
    },
  });
}
