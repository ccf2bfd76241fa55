/** Inputs made of others: the same for the same number, whatever ran before. */

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
export function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lengths, counts and offsets that code trips over. */
const oddNumbers = [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const bytesMax = 256 * 1024;

/** Input number `number` of a seed: one of `seeds`, changed in some places, or spliced with another. */
export function inputOf(seeds: readonly Uint8Array[], seed: number, number: number): Uint8Array {
  const chance = chanceOf(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b));
  const below = (count: number): number => Math.floor(chance() * count);
  const any = (): Uint8Array => seeds[below(seeds.length)] ?? new Uint8Array(0);
  let bytes = any();
  for (let changes = 1 + below(4); changes > 0; changes -= 1) bytes = changed(bytes, any, below);
  return bytes.subarray(0, bytesMax);
}

function changed(bytes: Uint8Array, any: () => Uint8Array, below: (count: number) => number): Uint8Array {
  const at = below(bytes.length + 1);
  const length = Math.min(bytes.length - at, 1 + below(below(4) === 0 ? 256 : 8));
  const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)];
  switch (below(8)) {
    case 0: // a bit
      return joined(
        before,
        part.map((byte, index) => (index === 0 ? byte ^ (1 << below(8)) : byte)),
        after,
      );
    case 1: // bytes of no meaning
      return joined(
        before,
        Uint8Array.from({ length }, () => below(256)),
        after,
      );
    case 2: // cut short
      return before;
    case 3: // taken out
      return joined(before, after);
    case 4: // twice, or many times
      return joined(before, ...Array.from({ length: 2 + below(below(8) === 0 ? 200 : 3) }, () => part), after);
    case 5: {
      // a number
      const number = new DataView(new ArrayBuffer(4));
      number.setUint32(0, oddNumbers[below(oddNumbers.length)] ?? 0, true);
      const bytesOfNumber = new Uint8Array(number.buffer).subarray(0, [1, 2, 4][below(3)]);
      return joined(before, bytesOfNumber, bytes.subarray(at + bytesOfNumber.length));
    }
    case 6: {
      // the end of another
      const other = any();
      return joined(before, other.subarray(below(other.length + 1)));
    }
    default: {
      // a part of another
      const other = any();
      const from = below(other.length + 1);
      return joined(before, other.subarray(from, from + length), after);
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
