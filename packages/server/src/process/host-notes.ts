/** What a host's notes have said so far: the front's end of the pipe that they come by. */
import type { Duplex } from "node:stream";
import { keyOfWork, type EndReason, type Suspect } from "@lightcone/database/front";
import { noteBytes, readNote, type Note } from "./activity.ts";

export class HostNotes {
  /** The last one. */
  private last: Note = { work: undefined, isThrough: false, reason: "crash" };
  /** What has begun of what it was given again (`keyOfWork`). */
  readonly begun = new Set<string>();
  /** Whether it is through with that. */
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

  /** From here on what begins is kept, until the host is through. */
  keepBegun(): void {
    this.isThrough = false;
  }

  private take(note: Note): void {
    this.last = note;
    if (note.isThrough) this.isThrough = true;
    else if (note.work !== undefined && !this.isThrough) this.begun.add(keyOfWork(note.work));
  }

  /** Why the process had to be ended, as it says itself. */
  get reason(): EndReason {
    return this.last.reason;
  }

  /** What has been running for a while, or ran when the process had to be ended. */
  get suspect(): Suspect | undefined {
    const { work, reason } = this.last;
    return work === undefined ? undefined : { ...work, reason };
  }
}
