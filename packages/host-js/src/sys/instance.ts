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
import type { Sandbox } from "../sandbox.ts";
import type { StackMapper } from "../stack-trace.ts";
import { Bundle } from "./bundle.ts";
import { Operations } from "./operations.ts";
import { ProcedureThread, type ThreadLimits } from "./procedure-thread.ts";
import type { ThreadProgram } from "./thread-messages.ts";

export interface InstanceSite {
  readonly program: ThreadProgram;
  readonly stacks: StackMapper;
  readonly openSandbox: () => Sandbox;
  /** How a procedure's thread is bounded. */
  readonly limits: ThreadLimits;
}

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
    return this.ownThread().callProcedure(call);
  }

  callHandler(call: HandlerCall): ProcedureOutcome | undefined {
    return this.ownThread().callHandler(call);
  }

  private ownThread(): ProcedureThread {
    const { program, limits } = this.site;
    return (this.thread ??= new ProcedureThread(program, this.port, limits));
  }

  get isSpent(): boolean {
    return this.thread?.isOver === true;
  }

  close(): void {
    this.thread?.close();
  }
}
