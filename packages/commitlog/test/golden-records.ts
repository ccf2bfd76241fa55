/** The records of the golden directories: a pure function of the offset, so that nothing else need be kept. */
export function goldenRecord(offset: number): Uint8Array {
  const length = offset % 10 === 7 ? 20_000 : offset * 37;
  return new Uint8Array(length).map((_, index) => (index * 11 + offset) & 0xff);
}
