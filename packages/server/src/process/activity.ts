/**
 * Which message the database's thread is at, readable from another thread.
 *
 *   words = sequence | connection id, 4 words | message number        Int32Array over shared memory
 *
 * The sequence is odd while a message runs and rises by one at each end. The writer is alone and never waits;
 * a reader that sees the same odd sequence twice knows what has been running in between.
 */
import { toHex } from "@lightcone/sats";

const wordCount = 6;
/** Bytes of a note: the words without the sequence. */
export const noteBytes = 4 * (wordCount - 1);

/** What has been running for a while. */
export interface Note {
  /** The connection id as 32 hex digits, in the order of its bytes. */
  readonly connection: string;
  readonly number: number;
}

/** The writer's side: the database says what it is at. */
export class Activity {
  readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4 * wordCount);
  readonly #words: Int32Array = new Int32Array(this.buffer);
  readonly #bytes: Uint8Array = new Uint8Array(this.buffer);
  /** The connection whose id stands there: many messages of one come in a row. */
  #connectionId: Uint8Array | undefined;

  /** A message of a connection begins to run; `number` counts the connection's messages from 1. */
  begin(connectionId: Uint8Array, messageNumber: number): void {
    if (connectionId !== this.#connectionId) {
      this.#connectionId = connectionId;
      for (let index = 0; index < 16; index += 1) this.#bytes[4 + index] = connectionId[index] ?? 0;
    }
    this.#words[5] = messageNumber;
    Atomics.add(this.#words, 0, 1);
  }

  /** It has ended, whichever way. */
  end(): void {
    Atomics.add(this.#words, 0, 1);
  }
}

/** The reader's side: called every so often, says what to tell the front, if there is news. */
export class ActivityReader {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  #seen = 0;
  #told = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  /** A note when one message has run since the last look; all zero when the one told of has ended. */
  look(): Uint8Array | undefined {
    const sequence = Atomics.load(this.#words, 0);
    const note = this.#bytes.slice(4);
    const isSame = sequence === this.#seen && Atomics.load(this.#words, 0) === sequence;
    this.#seen = sequence;
    if (sequence === this.#told) return undefined;
    if ((sequence & 1) === 1) {
      if (!isSame) return this.#told === 0 ? undefined : this.#clear();
      this.#told = sequence;
      return note;
    }
    return this.#told === 0 ? undefined : this.#clear();
  }

  /** A note of what runs at this moment, however short its time; undefined when nothing does. */
  now(): Uint8Array | undefined {
    return (Atomics.load(this.#words, 0) & 1) === 1 ? this.#bytes.slice(4) : undefined;
  }

  #clear(): Uint8Array {
    this.#told = 0;
    return new Uint8Array(noteBytes);
  }
}

/** Reads a note; undefined for the one that says that nothing runs any more. */
export function readNote(bytes: Uint8Array): Note | undefined {
  const number = new DataView(bytes.buffer, bytes.byteOffset, noteBytes).getInt32(16, true) >>> 0;
  return number === 0 ? undefined : { connection: toHex(bytes, 0, 16), number };
}
