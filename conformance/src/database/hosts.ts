/**
 * Hosts in this process that are cut off at any moment, as a killed process is: from then on nothing of theirs reaches
 * a file, and what is on its way to the front is lost. Between the two is the pipe that processes have, which here takes
 * its time. Whoever holds on through `openFailoverLink` is handed to the next host.
 */
import { Duplex, duplexPair } from "node:stream";
import { manualClock, memoryFileSystem } from "@lightcone/commitlog/testing";
import {
  HostEnded,
  openFailoverLink,
  type ConnectionSink,
  type DatabaseLink,
  type OpenedHost,
  type FailoverLink,
  type Resume,
  type Suspect,
} from "@lightcone/database";
import { HostDriver } from "../../../packages/server/src/process/host-driver.ts";
import { HostLink } from "../../../packages/server/src/process/host-link.ts";
import { openLocal, type LocalOptions } from "./local.ts";

export type HostOptions = Pick<LocalOptions, "limits" | "activity" | "watchdog" | "clock">;
type Files = ReturnType<typeof memoryFileSystem>;

const timers = {
  nowMicros: () => 0,
  steadyMs: () => 0,
  after: (_: number, run: () => void) => (setImmediate(run), () => undefined),
};

/** What comes from `socket`, some turns of the event loop later. */
function late(socket: Duplex, turns: number): Duplex {
  const later = (left: number, run: () => void): void => {
    if (left === 0) run();
    else setImmediate(() => later(left - 1, run));
  };
  const lagging = new Duplex({
    read: () => undefined,
    write: (chunk: Uint8Array, _encoding, written) => void socket.write(chunk, () => written()),
    destroy: (_error, done) => {
      socket.destroy();
      done(null);
    },
  });
  socket.on("data", (chunk: Uint8Array) => later(turns, () => lagging.destroyed || lagging.push(chunk)));
  return lagging;
}

/** A host that can be ended at any moment. */
class Host {
  isEnded = false;
  /** Whether it can be ended: what has not opened its files yet could not be kept from them. */
  isOpen = false;
  /** Runs before a client's connection is closed. */
  onClose: () => void = () => undefined;
  private link: HostLink | undefined;

  async open(fileSystem: Files, resume: Resume, options: HostOptions, lagTurns: number): Promise<OpenedHost> {
    const [front, back] = duplexPair();
    new HostDriver(back, {
      openDatabase: async (_record, handed) => {
        const database = await openLocal({
          fileSystem,
          clock: manualClock(),
          resume: this.watched(handed),
          ...options,
        });
        const link: DatabaseLink = {
          connect: (info, sink) => database.connect(info, this.watch(sink)),
          request: (request) => database.request(request),
          flushLog: () => database.flushLog(),
          stop: (withinMs) => database.stop(withinMs),
          park: () => database.park(),
          failed: database.failed,
          get releasedOffset() {
            return database.releasedOffset;
          },
        };
        return { link, handles: database.resumed, ends: database.ends };
      },
      ended: () => undefined,
    });
    const link = new HostLink(late(front, lagTurns), { clock: timers, connectionBytesMax: 1 << 24, bytesMax: 1 << 26 });
    this.link = link;
    const handles = link.open("{}", resume);
    await link.opened;
    this.isOpen = true;
    return {
      link,
      handles,
      // What is cut off between two turns has ended no host: it is run by the next, however often.
      begun: new Set(),
      get releasedOffset() {
        return link.releasedOffset;
      },
    };
  }

  private watched(resume: Resume): Resume {
    return resume.map((front) => ({
      ...front,
      connections: front.connections.map((each) => ({ ...each, sink: this.watch(each.sink) })),
    }));
  }

  private watch(sink: ConnectionSink): ConnectionSink {
    return {
      get queuedBytes() {
        return sink.queuedBytes;
      },
      send: (bytes, at, length, last) => sink.send(bytes, at, length, last),
      answered: (count) => sink.answered(count),
      note: (note) => sink.note(note),
      close: (code, reason) => {
        this.onClose();
        sink.close(code, reason);
      },
    };
  }

  /** @param suspect what is known to have run @param isModulesFault whether its function has one more end against it */
  end(fileSystem: Files, suspect: Suspect | undefined, isModulesFault: boolean): void {
    this.isEnded = true;
    fileSystem.endProcess();
    this.link?.gone(new HostEnded("cut off", suspect, isModulesFault));
  }
}

/** A database that goes on from host to host. */
export class Hosts {
  readonly fileSystem: Files = memoryFileSystem();
  private readonly lagTurns: number;
  private host = new Host();
  /** How many there were. */
  count = 0;
  /** What was said for the server's log. */
  readonly notes: string[] = [];
  /** Ends by the module's fault after which there is no other. */
  crashesMax = 3;

  /** @param lagTurns turns of the event loop that a host's words need to get to the front */
  constructor(lagTurns = 2) {
    this.lagTurns = lagTurns;
  }

  async open(options: HostOptions = {}): Promise<FailoverLink> {
    const openHost = async (resume: Resume): Promise<OpenedHost> => {
      this.host = new Host();
      this.count += 1;
      return this.host.open(this.fileSystem, resume, options, this.lagTurns);
    };
    return openFailoverLink({
      openHost,
      clock: timers,
      crashesMax: this.crashesMax,
      reducerTimeoutMs: 30_000,
      note: (text) => void this.notes.push(text),
    });
  }

  /** Ends the present host, if there is one that can be ended. */
  end(suspect?: Suspect, isModulesFault = false): void {
    if (this.host.isOpen && !this.host.isEnded) this.host.end(this.fileSystem, suspect, isModulesFault);
  }
  /** Ends the present host when it is about to close a client's connection. */
  endAtClose(): void {
    const host = this.host;
    host.onClose = () => host.end(this.fileSystem, undefined, false);
  }
}
