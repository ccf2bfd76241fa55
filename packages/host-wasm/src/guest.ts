/** What the host keeps for one instance of a module, as its functions share it. */
import type { HostPort, ProcedureOutcome } from "@lightcone/host";
import { ByteSink, ByteSources } from "./byte-streams.ts";
import { GuestMemory } from "./guest-memory.ts";
import { RowIterators } from "./row-iterators.ts";
import { Traps } from "./traps.ts";

/** Which of the module's functions is running. */
export type GuestPhase = "starting" | "idle" | "reducer" | "procedure" | "view";

export class Guest {
  readonly port: HostPort;
  readonly traps: Traps = new Traps();
  readonly memory: GuestMemory = new GuestMemory(this.traps);
  readonly rows: RowIterators;
  readonly sources: ByteSources = new ByteSources(this.traps);
  readonly sink: ByteSink = new ByteSink();
  /** Where a handler puts its response's body. */
  readonly bodySink: ByteSink = new ByteSink();
  /** Whether the running function has that. */
  hasBodySink = false;
  phase: GuestPhase = "starting";
  /** Whether a procedure has a transaction open. */
  procedureTransaction = false;
  /** Whether a procedure waits for the host. */
  isWaiting = false;
  /** Runs a procedure on that waits no more. Set by its instance. */
  goOn: () => ProcedureOutcome | undefined = () => undefined;
  /** The text of the last panic that this call logged, with its place. */
  panic: string | undefined = undefined;

  constructor(port: HostPort) {
    this.port = port;
    this.rows = new RowIterators(port, this.memory, this.traps);
  }

  /** Whether the running function has a transaction. A view's is one that reads. */
  inTransaction(): boolean {
    return this.phase === "reducer" || this.phase === "view" || this.procedureTransaction;
  }

  begin(phase: GuestPhase): void {
    this.phase = phase;
    this.hasBodySink = false;
    this.panic = undefined;
    this.traps.last = undefined;
  }

  /** Drops all that the call left: handles start at 1 again. */
  end(): void {
    this.phase = "idle";
    this.rows.clear();
    this.sources.clear();
    this.sink.clear();
    this.bodySink.clear();
  }
}
