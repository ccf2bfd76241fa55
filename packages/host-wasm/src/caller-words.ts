/**
 * Who calls, as the six 64-bit words that a module takes: four of the identity, two of the connection.
 *
 * A word crosses into WebAssembly as a BigInt, and making six of them costs more than the call. The same few
 * callers call again and again, so their words are kept: a table indexed by bytes of the ids, compared in full.
 */
const slotCount = 1024;
const senderBytes = 32;
const connectionBytes = 16;

export class CallerWords {
  readonly sender = new Uint8Array(senderBytes);
  readonly connection = new Uint8Array(connectionBytes);
  sender0 = 0n;
  sender1 = 0n;
  sender2 = 0n;
  sender3 = 0n;
  connection0 = 0n;
  connection1 = 0n;

  set(sender: Uint8Array, connection: Uint8Array): void {
    this.sender.set(sender);
    this.connection.set(connection);
    const words = new DataView(this.sender.buffer);
    this.sender0 = words.getBigInt64(0, true);
    this.sender1 = words.getBigInt64(8, true);
    this.sender2 = words.getBigInt64(16, true);
    this.sender3 = words.getBigInt64(24, true);
    const connectionWords = new DataView(this.connection.buffer);
    this.connection0 = connectionWords.getBigInt64(0, true);
    this.connection1 = connectionWords.getBigInt64(8, true);
  }

  is(sender: Uint8Array, connection: Uint8Array): boolean {
    return sameBytes(this.connection, connection, connectionBytes) && sameBytes(this.sender, sender, senderBytes);
  }
}

export class CallerCache {
  readonly #slots: CallerWords[] = Array.from({ length: slotCount }, () => new CallerWords());

  /** The words of a caller; good until the next call of this. */
  of(sender: Uint8Array, connection: Uint8Array): CallerWords {
    const spread = (sender[0] ?? 0) ^ (connection[0] ?? 0) ^ (((sender[1] ?? 0) ^ (connection[1] ?? 0)) << 8);
    const slot = this.#slots[spread % slotCount] as CallerWords; // every slot is filled above
    if (!slot.is(sender, connection)) slot.set(sender, connection);
    return slot;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array, length: number): boolean {
  for (let at = 0; at < length; at += 1) {
    if (a[at] !== b[at]) return false;
  }
  return true;
}
