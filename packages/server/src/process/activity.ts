/**
 * What the database's thread is running, readable from another thread.
 *
 *   words = sequence | kind of work | message number | its id, 12 words      Int32Array over shared memory
 *   note  = kind of work | message number | its id, 12 words | end reason    what the front is sent
 *
 * The sequence is odd while something runs and rises by one at each end. The writer is alone and never waits;
 * a reader that sees the same odd sequence twice knows what has been running in between.
 */
import type { EndReason, Work, WorkKind } from "@lightcone/database/front";
import { toHex } from "@lightcone/sats";

/** The value of `workIdBytes`, repeated since the watching thread loads as little code as it can. */
const idBytes = 48;
const idAt = 12;
const wordCount = (idAt + idBytes) / 4;
/** Bytes of a note: the words without the sequence, and the reason. */
export const noteBytes = 4 * wordCount;
const reasonAt = noteBytes - 4;
const nothing = new Uint8Array(noteBytes);
/** In place of a kind of work: the host is through with all that it was given again. */
const throughKind = 0xff;
const through = new Uint8Array(noteBytes);
through[0] = throughKind;
/** Tries to read the last note. A thread that runs something new at each try runs nothing long. */
const lastTriesMax = 100;
/** The file descriptor that a host's notes go to. */
export const noteDescriptor = 4;
/** Why a process is about to end, by the number in a note. */
const endReasons: readonly EndReason[] = ["crash", "memory", "time"];

/** The content of a note. */
export interface Note {
  /** The work that has been running for a while, or begins; undefined when none runs any more. */
  readonly work: Work | undefined;
  /** Whether the host is through with all that it was given again. */
  readonly isThrough: boolean;
  /** Why the process is about to be ended; "crash" while it is not. */
  readonly reason: EndReason;
}

/** Work that parts belong to. */
interface Whole {
  /** Whether there is any: parts run by themselves while a database is opened. */
  readonly isAtWork: boolean;
  readonly kind: WorkKind;
  readonly id: Uint8Array | undefined;
  readonly number: number;
}

/** The writer's side: the database notes what it runs. */
export class SharedActivity {
  readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4 * wordCount);
  private readonly words: Int32Array = new Int32Array(this.buffer);
  private readonly bytes: Uint8Array = new Uint8Array(this.buffer);
  private readonly tell: (note: Uint8Array) => void;
  private readonly note: Uint8Array<ArrayBuffer> = new Uint8Array(noteBytes);
  /** The id that was written last: many messages of one connection come in a row. */
  private id: Uint8Array | undefined;
  /** Whether a note is sent at each beginning, since no watching thread looks. */
  isTelling = false;
  private hasTold = false;
  private isAtWork = false;
  /** What the part that runs is part of; undefined while no part runs. */
  private whole: Whole | undefined;

  /** @param tell gets a note before each piece of work while `isTelling`; its bytes are valid until it returns */
  constructor(tell: (note: Uint8Array) => void = () => undefined) {
    this.tell = tell;
  }

  begin(kind: WorkKind, id: Uint8Array, number: number): void {
    this.whole = undefined;
    this.write(kind, id, number);
  }

  beginPart(kind: WorkKind, id: Uint8Array, number: number): void {
    this.whole ??= {
      isAtWork: this.isAtWork,
      kind: this.words[1] as WorkKind,
      id: this.id,
      number: this.words[2] ?? 0,
    };
    this.write(kind, id, number);
  }

  endParts(): void {
    const { whole } = this;
    if (whole === undefined) return;
    this.whole = undefined;
    if (whole.isAtWork && whole.id !== undefined) this.write(whole.kind, whole.id, whole.number);
    else {
      this.end();
      this.turnEnded();
    }
  }

  private write(kind: WorkKind, id: Uint8Array, number: number): void {
    this.end(); // what was before, if it was cut off
    if (id !== this.id) {
      this.id = id;
      for (let index = 0; index < idBytes; index += 1) this.bytes[idAt + index] = id[index] ?? 0;
    }
    this.words[1] = kind;
    this.words[2] = number;
    this.isAtWork = true;
    Atomics.add(this.words, 0, 1);
    if (!this.isTelling) return;
    this.note.set(this.bytes.subarray(4));
    this.hasTold = true;
    this.tell(this.note);
  }

  end(): void {
    if (!this.isAtWork) return;
    this.isAtWork = false;
    Atomics.add(this.words, 0, 1);
  }

  /** Says that the host is through with all that it was given again. */
  tellThrough(): void {
    this.tell(through);
  }

  /** Sends that nothing runs any more. What a job left to promises has run by then too. */
  turnEnded(): void {
    if (!this.hasTold) return;
    this.hasTold = false;
    this.tell(nothing);
  }
}

/** The reader's side: called at intervals, returns the note to send, if there is one. */
export class ActivityReader {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private seen = 0;
  private told = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** A note when the same work has been running since the last look; an empty one when noted work has ended. */
  look(): Uint8Array | undefined {
    const sequence = Atomics.load(this.words, 0);
    const note = this.note();
    const isSame = sequence === this.seen && Atomics.load(this.words, 0) === sequence;
    this.seen = sequence;
    if (sequence === this.told) return undefined;
    if ((sequence & 1) === 1) {
      if (!isSame) return this.told === 0 ? undefined : this.clear();
      this.told = sequence;
      return note;
    }
    return this.told === 0 ? undefined : this.clear();
  }

  /** The last note of a process that is about to be ended: what runs now, however short it has been running. */
  last(reason: EndReason): Uint8Array {
    let note = new Uint8Array(noteBytes);
    // The thread goes on meanwhile: a note is valid if the same work runs before and after the copy.
    for (let tries = 0; tries < lastTriesMax; tries += 1) {
      const sequence = Atomics.load(this.words, 0);
      if ((sequence & 1) === 0) break;
      const seen = this.note();
      if (Atomics.load(this.words, 0) !== sequence) continue;
      note = seen;
      break;
    }
    note[reasonAt] = endReasons.indexOf(reason);
    return note;
  }

  private note(): Uint8Array<ArrayBuffer> {
    const note = new Uint8Array(noteBytes);
    note.set(this.bytes.subarray(4));
    return note;
  }

  private clear(): Uint8Array {
    this.told = 0;
    return new Uint8Array(noteBytes);
  }
}

/** Decodes a note. */
export function readNote(bytes: Uint8Array): Note {
  const view = new DataView(bytes.buffer, bytes.byteOffset, noteBytes);
  // The other end runs the same release, so a kind other than 0 is a known one.
  const kind = view.getInt32(0, true) as WorkKind | 0 | typeof throughKind;
  const reason = endReasons[view.getInt32(reasonAt, true)] ?? "crash";
  if (kind === 0 || kind === throughKind) return { work: undefined, isThrough: kind === throughKind, reason };
  const id = toHex(bytes, idAt - 4, idAt - 4 + idBytes);
  return { work: { kind, id, number: view.getInt32(4, true) >>> 0 }, isThrough: false, reason };
}
