/**
 * An instance of a bundle of the official package. Reducers run in the database's thread; a procedure runs in a thread of its own,
 * since it waits within `fetch` without giving its stack up.
 */
import type {
  CallOutcome,
  HandlerCall,
  HostPort,
  ModuleInstance,
  ProcedureCall,
  ProcedureOutcome,
  ReducerCall,
  ViewCall,
  ViewOutcome,
} from "@lightcone/host";
import { LightconeError } from "@lightcone/base";
import type { ScriptSandbox } from "../sandbox.ts";
import type { StackMapper } from "../stack-trace.ts";
import { Bundle } from "./bundle.ts";
import { Operations } from "./operations.ts";
import type { ProcedureThread, ThreadLimits } from "./procedure-thread.ts";
import type { ThreadProgram } from "./thread-messages.ts";
import type { ThreadPool } from "./thread-pool.ts";

export interface InstanceSite {
  readonly program: ThreadProgram;
  readonly stacks: StackMapper;
  readonly openSandbox: () => ScriptSandbox;
  /** How a procedure's thread is bounded. */
  readonly limits: ThreadLimits;
  readonly threads: ThreadPool;
}

/** Who waits for a thread comes again so soon, and later the more there are before. */
const waitMicrosMin = 2000;
const waitMicrosMax = 100_000;

export class SysInstance implements ModuleInstance {
  readonly description: Uint8Array;
  private readonly site: InstanceSite;
  private readonly port: HostPort;
  private opened: { readonly bundle: Bundle; readonly operations: Operations } | undefined;
  private thread: ProcedureThread | undefined;

  /**
   * @param description what an instance of the same program has said; without, the bundle is run to ask it
   * @throws {LightconeError} `ModuleInvalid` when it fails to run or to describe itself
   */
  constructor(site: InstanceSite, port: HostPort, description: Uint8Array | undefined) {
    this.site = site;
    this.port = port;
    this.description = description ?? this.open().bundle.description;
  }

  private open(): { readonly bundle: Bundle; readonly operations: Operations } {
    if (this.opened !== undefined) return this.opened;
    const { port } = this;
    const { program, stacks, openSandbox } = this.site;
    let operations: Operations | undefined;
    const bundle = new Bundle(program.sys, {
      sandbox: openSandbox(),
      stacks,
      identity: () => port.databaseIdentity,
      operations: (fail) => (operations = new Operations(port, fail)),
    });
    operations ??= new Operations(port, () => {
      throw new TypeError("the bundle is not open");
    });
    operations.endCall();
    return (this.opened = { bundle, operations });
  }

  callReducer(call: ReducerCall): CallOutcome {
    const { bundle, operations } = this.open();
    operations.phase = "reducer";
    operations.isInTransaction = true;
    const outcome = bundle.callReducer(call);
    operations.endCall();
    return outcome;
  }

  callView(call: ViewCall): ViewOutcome {
    const { bundle, operations } = this.open();
    operations.phase = "view";
    operations.isInTransaction = true;
    const outcome = bundle.callView(call);
    operations.endCall();
    return outcome;
  }

  callProcedure(call: ProcedureCall): ProcedureOutcome | undefined {
    return this.inThread((thread, ended) => thread.callProcedure(call, ended));
  }

  callHandler(call: HandlerCall): ProcedureOutcome | undefined {
    return this.inThread((thread, ended) => thread.callHandler(call, ended));
  }

  /** Enters a thread, or waits for one. */
  private inThread(
    enter: (thread: ProcedureThread, ended: () => void) => ProcedureOutcome | undefined,
  ): ProcedureOutcome | undefined {
    const { port } = this;
    const { threads, limits } = this.site;
    const thread = threads.take(this, port);
    if (typeof thread !== "number") {
      this.thread = thread;
      return enter(thread, () => {
        this.thread = undefined;
        threads.give(thread);
      });
    }
    if (port.procedureWaits === undefined) {
      threads.leave(this);
      const max = limits.threadsMax;
      throw new LightconeError("LimitExceeded", { limit: "procedureThreadsMax", value: max + 1, max });
    }
    const waitMicros = Math.min(waitMicrosMax, (thread + 1) * waitMicrosMin);
    port.procedureWaits.sleepUntil(port.nowMicros() + waitMicros, () => this.inThread(enter));
    return undefined;
  }

  close(): void {
    this.site.threads.leave(this);
    this.thread?.close();
    this.thread = undefined;
  }
}
