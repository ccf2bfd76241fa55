/** Reads the bytes of calls without allocating: they come by the hundred thousand. */
/** Short arguments are copied to arrays that are kept, one for each length: a view of a frame costs more to make. */
const shortArgs: readonly Uint8Array[] = Array.from({ length: 65 }, (_, length) => new Uint8Array(length));

/** A call's arguments, good until the next call's. */
export function argsOf(bytes: Uint8Array, at: number, length: number): Uint8Array {
  const copy = shortArgs[length];
  if (copy === undefined) return bytes.subarray(at, at + length);
  for (let index = 0; index < length; index++) copy[index] = bytes[at + index] as number;
  return copy;
}
