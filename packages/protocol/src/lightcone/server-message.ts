/**
 * The messages of a server of `v1.bsatn.lightcone`: those of version 3, with a place in front of some, a lineage at the end of
 * the first, and `Resumed`. docs/protocol.md.
 *
 *   InitialConnection = as in version 3 | lineage n, bytes
 *   place             = 8 u8 | offset u64 | timestamp u64          in front of the message that brings the client's rows there
 *   Resumed           = 9 u8 | requestId u32 | sets n × u32 | tables n × string | changes, as in a `TransactionUpdate`
 */
import type { ByteWriter } from "@lightcone/sats";

export const placeTag = 8;
export const resumedTag = 9;

/** Puts a place in front of the message that follows. */
export function writePlaceBefore(out: ByteWriter, offset: number, timestampMicros: number): void {
  const at = out.reserve(17);
  out.bytes[at] = placeTag;
  out.setU64(at + 1, offset);
  out.setU64(at + 9, timestampMicros);
}

/**
 * Starts `Resumed`; the count of query sets and their changes follow.
 *
 * @param sets those that go on; the others are not held
 * @param tables whose rows, as the client has them, those sets' changes begin from
 */
export function beginResumed(
  out: ByteWriter,
  requestId: number,
  sets: readonly number[],
  tables: readonly string[],
): void {
  out.u8(resumedTag);
  out.u32(requestId);
  out.u32(sets.length);
  for (const id of sets) out.u32(id);
  out.u32(tables.length);
  for (const name of tables) out.string(name);
}
