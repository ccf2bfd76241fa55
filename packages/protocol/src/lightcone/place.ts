/** A place in a database's history: the state after a commit. Two databases that share an offset share it up to there. */
import type { ByteReader, ByteWriter } from "@lightcone/sats";

export interface Place {
  /** Of the last commit. */
  readonly offset: bigint;
  /** When that commit was made: another history has another commit there. */
  readonly timestampMicros: bigint;
}

export function writePlace(out: ByteWriter, { offset, timestampMicros }: Place): void {
  out.u64(offset);
  out.u64(timestampMicros);
}

export function readPlace(input: ByteReader): Place {
  return { offset: input.u64(), timestampMicros: input.u64() };
}
