/**
 * Hosts in this process that are cut off at any moment, as a killed process is: from then on nothing of theirs reaches
 * a client or a file. Whoever holds on through `openResilient` is handed to the next.
 */
import { manualClock, memoryFileSystem } from "@lightcone/commitlog/testing";
import {
  HostEnded,
  openResilient,
  type ConnectionSink,
  type Database,
  type DatabaseLimits,
  type DatabaseLink,
  type OpenedHost,
  type ResilientLink,
  type Resume,
  type ResumeNote,
  type Suspect,
} from "@lightcone/database";
import { openLocal } from "./local.ts";

/** Lets a host's words through until the host ends. */
class Gate implements ConnectionSink {
  readonly #host: Host;
  readonly #sink: ConnectionSink;
  constructor(host: Host, sink: ConnectionSink) {
    this.#host = host;
    this.#sink = sink;
  }
  get queuedBytes(): number {
    return 0;
  }
  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    if (!this.#host.isEnded) this.#sink.send(bytes, at, length, last);
  }
  answered(count: number): void {
    if (!this.#host.isEnded) this.#sink.answered(count);
  }
  note(note: ResumeNote): void {
    if (!this.#host.isEnded) this.#sink.note(note);
  }
  close(code: number | undefined, reason: string): void {
    if (!this.#host.isEnded) this.#host.onClose();
    if (!this.#host.isEnded) this.#sink.close(code, reason);
  }
}

/** A host that can be ended at any moment. */
class Host {
  isEnded = false;
  /** Whether it can be ended: what has not opened its files yet could not be kept from them. */
  isOpen = false;
  /** Runs before a client hears that its connection is closed. */
  onClose: () => void = () => undefined;
  #end: (error: Error) => void = () => undefined;
  readonly #failed = new Promise<Error>((resolve) => (this.#end = resolve));
  #released = -1;

  async open(
    fileSystem: ReturnType<typeof memoryFileSystem>,
    resume: Resume | undefined,
    limits: Partial<DatabaseLimits>,
  ): Promise<OpenedHost> {
    const gated = resume && {
      ...resume,
      connections: resume.connections.map((each) => ({ ...each, sink: new Gate(this, each.sink) })),
    };
    const database: Database = await openLocal({ fileSystem, clock: manualClock(), resume: gated, limits });
    this.isOpen = true;
    const released = (): number => (this.isEnded ? this.#released : database.releasedOffset);
    this.#release = () => (this.#released = database.releasedOffset);
    const link: DatabaseLink = {
      connect: (info, sink) => database.connect(info, new Gate(this, sink)),
      request: (request) =>
        database.request(request).then((reply) => (this.isEnded ? new Promise(() => undefined) : reply)),
      flushLog: () => database.flushLog(),
      stop: (withinMs) => database.stop(withinMs),
      failed: this.#failed,
    };
    return {
      link,
      handles: database.resumed,
      get releasedOffset() {
        return released();
      },
    };
  }

  #release: () => void = () => undefined;

  /** @param suspect what is known to have run */
  end(fileSystem: ReturnType<typeof memoryFileSystem>, suspect?: Suspect): void {
    this.#release();
    this.isEnded = true;
    fileSystem.endProcess();
    this.#end(new HostEnded("cut off", suspect, false));
  }
}

const timers = {
  nowMicros: () => 0,
  steadyMs: () => 0,
  after: (_: number, run: () => void) => (setImmediate(run), () => undefined),
};

/** A database that goes on from host to host. */
export class Hosts {
  readonly fileSystem: ReturnType<typeof memoryFileSystem> = memoryFileSystem();
  #host = new Host();
  /** How many there were. */
  count = 0;

  async open(limits: Partial<DatabaseLimits> = {}): Promise<ResilientLink> {
    const openHost = async (resume: Resume | undefined): Promise<OpenedHost> => {
      this.#host = new Host();
      this.count += 1;
      return this.#host.open(this.fileSystem, resume, limits);
    };
    return openResilient({ openHost, clock: timers, crashesMax: 3, note: () => undefined });
  }

  /** Ends the present host, if there is one that can be ended. */
  end(suspect?: Suspect): void {
    if (this.#host.isOpen && !this.#host.isEnded) this.#host.end(this.fileSystem, suspect);
  }
  /** Ends the present host when it is about to close a client's connection. */
  endAtClose(): void {
    const host = this.#host;
    host.onClose = () => host.end(this.fileSystem);
  }
}
