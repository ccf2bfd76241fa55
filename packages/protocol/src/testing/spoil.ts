/** Frames cut, extended and changed, and what becomes of reading them. */
import { isLightconeError } from "@lightcone/base";
import fc from "fast-check";

export const spoiling = fc.record({
  edits: fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 4, 0x40, 0x7f, 0x80, 0xc0, 0xff)), { maxLength: 4 }),
  cut: fc.option(fc.nat(), { nil: undefined, freq: 2 }),
  tail: fc.uint8Array({ maxLength: 4 }),
});
export type Spoiling = typeof spoiling extends fc.Arbitrary<infer T> ? T : never;

export function spoil(source: Uint8Array, { edits, cut, tail }: Spoiling): Uint8Array {
  const kept = source.slice(0, cut === undefined ? source.length : cut % (source.length + 1));
  for (const [at, byte] of edits) if (kept.length > 0) kept[at % kept.length] = byte;
  return Uint8Array.from([...kept, ...tail]);
}

/** What `run` gives, or the code of its refusal; any other error fails the test. */
export function attempt<T>(run: () => T): { readonly value: T } | { readonly code: string } {
  try {
    return { value: run() };
  } catch (error) {
    if (isLightconeError(error)) return { code: error.code };
    throw error;
  }
}

/** The code of a refusal; what is read passes for the usual one. */
export const codeOf = (read: object): unknown => ("code" in read ? read.code : "Malformed");
