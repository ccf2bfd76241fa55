/**
 * Who a client is: an identity, and a connection id. Clients may choose their connection ids, so an id alone names
 * nobody: whatever is kept for a client is kept by both, and both are in use by one connection at a time.
 */
import { toHex } from "@lightcone/sats";

export interface Client {
  /** 32 bytes, little-endian. */
  readonly identity: Uint8Array;
  /** 16 bytes, little-endian, never all zero. */
  readonly connectionId: Uint8Array;
}

export const clientBytes = 48;

/** Both in a row: what the table `st_client` has, and what a client's work is named by. */
export function bytesOfClient({ identity, connectionId }: Client): Uint8Array {
  const bytes = new Uint8Array(clientBytes);
  bytes.set(identity, 0);
  bytes.set(connectionId, 32);
  return bytes;
}

/** The same as hex: a key of maps. */
export function keyOfClient({ identity, connectionId }: Client): string {
  return toHex(identity) + toHex(connectionId);
}
