/**
 * `ctx.random`: chance that is the same wherever a call is run again.
 *
 * The seed is the call's time and caller; the generator is xoshiro128** (Blackman, Vigna; public domain),
 * filled by splitmix32. Its stream is part of what a replay relies on: never change it.
 */

/** One generator, seeded anew for each call that asks. */
export class RandomSource {
  private a = 0;
  private b = 0;
  private c = 0;
  private d = 0;

  seed(timestampMicros: number, sender: Uint8Array): void {
    let hash = Math.imul(timestampMicros % 0x1_0000_0000, 0x9e37_79b1) ^ Math.floor(timestampMicros / 0x1_0000_0000);
    for (let index = 0; index < sender.length; index++) hash = Math.imul(hash ^ (sender[index] ?? 0), 0x0100_0193);
    const split = (): number => {
      hash = (hash + 0x9e37_79b9) | 0;
      let mixed = Math.imul(hash ^ (hash >>> 16), 0x21f0_aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
      return mixed ^ (mixed >>> 15);
    };
    this.a = split();
    this.b = split();
    this.c = split();
    this.d = split() | 1; // never all zero
  }

  /** 32 random bits. */
  uint32(): number {
    const scaled = Math.imul(this.b, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9);
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result >>> 0;
  }
}

/** What the module is given: compiled in its realm. */
export const randomSource = `
  const unit = () => ((uint32() >>> 6) * 134217728 + (uint32() >>> 5)) / 9007199254740992;
  const random = () => unit();
  const whole = (value) => { if (!Number.isSafeInteger(value)) throw new TypeError("integerInRange takes safe integers"); return value; };
  random.uint32 = () => uint32();
  random.bigintInRange = (min, max) => {
    if (typeof min !== "bigint" || typeof max !== "bigint" || min > max) throw new RangeError("bigintInRange takes two bigints, the smaller first");
    const span = max - min + 1n;
    const words = Math.ceil(span.toString(2).length / 32);
    const size = 1n << BigInt(words * 32);
    const limit = size - (size % span); // above it some results would be likelier
    for (;;) {
      let drawn = 0n;
      for (let word = 0; word < words; word++) drawn = (drawn << 32n) | BigInt(uint32());
      if (drawn < limit) return min + (drawn % span);
    }
  };
  random.integerInRange = (min, max) => {
    if (whole(min) > whole(max)) throw new RangeError("integerInRange takes the smaller number first");
    return Number(random.bigintInRange(BigInt(min), BigInt(max)));
  };
  random.fill = (array) => {
    const isBig = typeof array[0] === "bigint";
    for (let index = 0; index < array.length; index++)
      array[index] = isBig ? (BigInt(uint32()) << 32n) | BigInt(uint32()) : uint32();
    return array;
  };
  return random;
`;
