/** The front's end of the pipe for a host's notes, and what they have said so far. */
import type { Duplex } from "node:stream";
import { keyOfWork, type EndReason, type Suspect } from "@lightcone/database/front";
import { noteBytes, readNote, type Note } from "./activity.ts";

export class HostNotes {
  /** The last one. */
  private last: Note = { work: undefined, isThrough: false, reason: "crash" };
  /** Work that it was given again and has begun, by `keyOfWork`. */
  readonly begun = new Set<string>();
  /** Whether it has gone through all that it was given again. */
  isThrough = true;
  private readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(noteBytes);
  private length = 0;

  /** @param heard is called after each note */
  constructor(pipe: Duplex, heard: () => void) {
    pipe.on("error", () => pipe.destroy());
    pipe.on("data", (chunk: Uint8Array) => {
      for (const byte of chunk) {
        this.bytes[this.length] = byte;
        this.length += 1;
        if (this.length < noteBytes) continue;
        this.length = 0;
        this.take(readNote(this.bytes));
        heard();
      }
    });
  }

  /** From here on work that begins is kept in `begun`, until the host is through. */
  keepBegun(): void {
    this.isThrough = false;
  }

  private take(note: Note): void {
    this.last = note;
    if (note.isThrough) this.isThrough = true;
    else if (note.work !== undefined && !this.isThrough) this.begun.add(keyOfWork(note.work));
  }

  /** Why the process ended itself. */
  get reason(): EndReason {
    return this.last.reason;
  }

  /** The work that has been running for a while, or ran when the process ended itself. */
  get suspect(): Suspect | undefined {
    const { work, reason } = this.last;
    return work === undefined ? undefined : { ...work, reason };
  }
}
