/**
 * A running copy of a WebAssembly module.
 *
 * Start-up, in the order that the ABI fixes: instantiate, `_initialize`, `__preinit__*` by the bytes of their
 * names, `__setup__`, describe. Describing builds the module's dispatch tables, so it happens exactly once.
 *
 * Invariant: after an exception out of the module nothing of it is used again; its memory may be half-written.
 * An exception that is not the module's own doing (a time-out, a limit that is met) passes through.
 */
import type { ModuleHistory } from "@lightcone/schema";
import { assert } from "@lightcone/base";
import { drainMicrotasks, modulePromises } from "@lightcone/base/node";
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
import { LogLevel } from "@lightcone/host";
import { describeExport, describeExportFallback, type HostFunctionName, preinitPrefix } from "./abi.ts";
import { ByteSink } from "./byte-streams.ts";
import { CallerSlots, type Enter, type EnterWaiting } from "./caller-slots.ts";
import { type GuestExports, type GuestMemoryObject, wasm } from "./engine.ts";
import { Guest, type GuestPhase } from "./guest.ts";
import { type HostCallWatcher, hostImports } from "./host-imports.ts";
import { invalid } from "./invalid.ts";
import { waitingFunctions } from "./procedure-functions.ts";
import { isGuestFault } from "./traps.ts";
import { type EnterView, readViewResult, viewEntry } from "./view-entry.ts";

const ok: CallOutcome = Object.freeze({ kind: "ok" });
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });
const userError = 1;

/** `__call_http_handler__`; gives a promise where it may wait. */
type EnterHandler = (
  id: number,
  timestampMicros: bigint,
  request: number,
  body: number,
  sink: number,
  bodySink: number,
) => number | Promise<number>;
type Panic = Exclude<ProcedureOutcome, { readonly kind: "ok" }>;

export class WasmInstance implements ModuleInstance {
  readonly description: Uint8Array;
  private readonly guest: Guest;
  private readonly enterReducer: Enter;
  /** Undefined where there are no procedures, or where they may wait. */
  private readonly enterProcedure: Enter | undefined;
  private readonly enterWaiting: EnterWaiting | undefined;
  private readonly enterView: EnterView;
  private readonly enterHandler: EnterHandler | undefined;
  /** How a procedure that may wait has ended. */
  private settled: { readonly code: number } | { readonly error: unknown } | undefined;
  private readonly callers = new CallerSlots();
  private readonly waits: boolean;
  private lost = false;

  readonly history: ModuleHistory | undefined;

  /** @throws {LightconeError} `ModuleInvalid` when the module fails to start or to describe itself */
  constructor(module: object, port: HostPort, watch: HostCallWatcher | undefined, history?: ModuleHistory) {
    this.history = history;
    const guest = new Guest(port);
    this.guest = guest;
    const exports = start(
      "it could not be instantiated",
      guest,
      () => new wasm.Instance(module, hostImports(guest, watch)).exports,
    );
    guest.memory.attach(exports["memory"] as GuestMemoryObject); // its kind was checked in the binary
    this.enterReducer = this.callers.entry(exports["__call_reducer__"]);
    const procedure = exports["__call_procedure__"];
    const handler = exports["__call_http_handler__"];
    this.waits = (procedure !== undefined || handler !== undefined) && mayWait(module);
    if (this.waits) {
      modulePromises.watch(); // so that none of the host's own microtasks wait when a procedure is run on
      guest.goOn = () => this.runOn();
    }
    if (procedure !== undefined && this.waits) this.enterWaiting = this.callers.waitingEntry(procedure);
    else if (procedure !== undefined) this.enterProcedure = this.callers.entry(procedure);
    if (handler !== undefined) this.enterHandler = (this.waits ? wasm.promising(handler) : handler) as EnterHandler; // its type was checked
    this.enterView = viewEntry(exports);
    this.description = startUp(guest, exports);
    guest.end();
  }

  callReducer(call: ReducerCall): CallOutcome {
    const guest = this.guest;
    const code = this.call(this.enterReducer, "reducer", call.reducerId, call);
    if (typeof code !== "number") return code;
    if (code === 0) {
      const outcome: CallOutcome = guest.sink.isEmpty ? ok : { kind: "ok", value: guest.sink.take() };
      guest.end();
      return outcome;
    }
    const message = lossy.decode(guest.sink.take());
    guest.end();
    return code === userError
      ? { kind: "error", message }
      : { kind: "panic", message: `the reducer returned the unknown code ${code}`, fatal: false };
  }

  callProcedure(call: ProcedureCall): ProcedureOutcome | undefined {
    if (this.enterWaiting !== undefined) return this.beginWaiting(this.enterWaiting, call);
    if (this.enterProcedure === undefined) {
      return { kind: "panic", message: "the module does not export `__call_procedure__`", fatal: false };
    }
    return this.procedureEnded(this.call(this.enterProcedure, "procedure", call.procedureId, call));
  }

  callHandler({ handlerId, timestampMicros, request, body }: HandlerCall): ProcedureOutcome | undefined {
    const { enterHandler } = this;
    if (enterHandler === undefined)
      return { kind: "panic", message: "the module does not export `__call_http_handler__`", fatal: false };
    assert(!this.lost, "an instance was called after it had been lost");
    const guest = this.guest;
    guest.begin("procedure");
    guest.hasBodySink = true;
    const at = BigInt(timestampMicros);
    const record = guest.sources.open(request);
    const bytes = guest.sources.open(body);
    const enter = (): number | Promise<number> =>
      enterHandler(handlerId, at, record, bytes, ByteSink.handle, ByteSink.bodyHandle);
    // It waits only where its type says so.
    if (this.waits) return this.beginOwnStack(enter as () => Promise<number>);
    return this.procedureEnded(this.entered(enter as () => number));
  }

  private beginWaiting(enter: EnterWaiting, call: ProcedureCall): ProcedureOutcome | undefined {
    assert(!this.lost, "an instance was called after it had been lost");
    this.guest.begin("procedure");
    const args = this.guest.sources.open(call.args);
    const slotAt = this.callers.at(call.sender, call.connection);
    return this.beginOwnStack(() => enter(call.procedureId, slotAt, call.timestampMicros, args, ByteSink.handle));
  }

  /** Enters a procedure on a stack of its own, which the engine can put aside. */
  private beginOwnStack(enter: () => Promise<number>): ProcedureOutcome | undefined {
    this.guest.isWaiting = false;
    this.lost = true;
    this.settled = undefined;
    enter().then(
      (code) => (this.settled = { code }),
      (error: unknown) => (this.settled = { error }),
    );
    return this.runOn();
  }

  /** Runs a procedure until it ends or waits: the engine does so in microtasks. */
  private runOn(): ProcedureOutcome | undefined {
    const guest = this.guest;
    drainMicrotasks();
    const { settled } = this;
    if (settled === undefined) {
      assert(guest.isWaiting, "a procedure that may wait must not run within a microtask");
      return undefined;
    }
    const trap = guest.traps.last;
    const error = "error" in settled ? settled.error : trap;
    if (error === undefined && "code" in settled) {
      this.lost = false;
      return this.procedureEnded(settled.code);
    }
    if (!isGuestFault(error)) throw error;
    return this.procedureEnded({ kind: "panic", message: faultText(guest, error), fatal: true });
  }

  private procedureEnded(code: number | Panic): ProcedureOutcome {
    const guest = this.guest;
    this.endDanglingTransaction();
    if (typeof code !== "number") return code;
    const value = guest.sink.take();
    const ok = guest.hasBodySink
      ? { kind: "ok" as const, value, body: guest.bodySink.take() }
      : { kind: "ok" as const, value };
    guest.end();
    return code === 0
      ? ok
      : { kind: "panic", message: `the procedure returned the unknown code ${code}`, fatal: false };
  }

  callView(call: ViewCall): ViewOutcome {
    const guest = this.guest;
    const code = this.runView(call);
    if (typeof code !== "number") return code;
    const written = guest.sink.take();
    guest.end();
    if (code === userError) return { kind: "error", message: lossy.decode(written) };
    return readViewResult(code, written);
  }

  private runView(call: ViewCall): number | Panic {
    assert(!this.lost, "an instance was called after it had been lost");
    const guest = this.guest;
    guest.begin("view");
    const args = guest.sources.open(call.args);
    this.lost = true;
    try {
      const code = this.enterView(call, args, ByteSink.handle);
      if (guest.traps.last !== undefined) throw guest.traps.last;
      this.lost = false;
      return code;
    } catch (error) {
      if (!isGuestFault(error)) throw error;
      return { kind: "panic", message: faultText(guest, error), fatal: true };
    }
  }

  /** Enters the module. Gives its return code, or the panic that it ended in. */
  private call(enter: Enter, phase: GuestPhase, id: number, call: Omit<ReducerCall, "reducerId">): number | Panic {
    assert(!this.lost, "an instance was called after it had been lost");
    const guest = this.guest;
    guest.begin(phase);
    const args = guest.sources.open(call.args);
    // Set first and taken back when all went well: a time-out passes every `catch` and `finally`.
    this.lost = true;
    try {
      const slotAt = this.callers.at(call.sender, call.connection);
      const code = enter(id, slotAt, call.timestampMicros, args, ByteSink.handle);
      if (guest.traps.last !== undefined) throw guest.traps.last;
      this.lost = false;
      return code;
    } catch (error) {
      // Nothing is cleared: the instance is lost, and closing a scan of a transaction that is over would throw again.
      if (!isGuestFault(error)) throw error;
      return { kind: "panic", message: faultText(guest, error), fatal: true };
    }
  }

  /** The same of what is entered seldom. */
  private entered(enter: () => number): number | Panic {
    const { guest } = this;
    this.lost = true;
    try {
      const code = enter();
      if (guest.traps.last !== undefined) throw guest.traps.last;
      this.lost = false;
      return code;
    } catch (error) {
      if (!isGuestFault(error)) throw error;
      return { kind: "panic", message: faultText(guest, error), fatal: true };
    }
  }

  private endDanglingTransaction(): void {
    const guest = this.guest;
    if (!guest.procedureTransaction) return;
    guest.procedureTransaction = false;
    guest.port.procedureTransactions?.abort();
    guest.port.log({
      level: LogLevel.error,
      message: "the procedure ended with its transaction open; what it wrote in it is undone",
    });
  }
}

/** Whether a module asks for a function that lets it wait. */
function mayWait(module: object): boolean {
  return wasm.Module.imports(module).some(({ name }) => waitingFunctions.has(name as HostFunctionName));
}

/** Runs what must run before the first call; gives the module's description. */
function startUp(guest: Guest, exports: GuestExports): Uint8Array {
  const run = (name: string) => {
    const entry = exports[name];
    if (typeof entry === "function") start(`\`${name}\` failed`, guest, () => entry());
  };
  run("_initialize");
  for (const name of preinitNames(exports)) run(name);

  const setup = exports["__setup__"];
  if (typeof setup === "function") {
    const code: unknown = start("`__setup__` failed", guest, () => setup(ByteSink.handle));
    const text = lossy.decode(guest.sink.take());
    if (code !== 0)
      throw invalid(
        code === userError
          ? `\`__setup__\` refused: ${text}`
          : `\`__setup__\` returned the unknown code ${String(code)}`,
      );
    guest.sink.clear();
  }

  const name = describeExport in exports ? describeExport : describeExportFallback;
  const describe = exports[name];
  if (typeof describe === "function") start(`\`${name}\` failed`, guest, () => describe(ByteSink.handle));
  const description = guest.sink.take();
  if (description.length === 0) throw invalid(`\`${name}\` wrote no description`);
  return description;
}

/** The names of the functions to run first, by their bytes. */
function preinitNames(exports: GuestExports): string[] {
  return Object.keys(exports)
    .filter((name) => name.startsWith(preinitPrefix))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** Runs a step of the start-up; a fault of the module becomes the reason why it is refused. */
function start<T>(what: string, guest: Guest, step: () => T): T {
  try {
    const result = step();
    if (guest.traps.last !== undefined) throw guest.traps.last;
    return result;
  } catch (error) {
    if (!isGuestFault(error) && !(error instanceof wasm.LinkError)) throw error;
    throw invalid(`${what}: ${faultText(guest, error)}`, error);
  }
}

/** What a module died of: its panic if it logged one, else the trap. */
function faultText(guest: Guest, error: unknown): string {
  const trap = error instanceof Error ? error.message : String(error);
  return guest.panic === undefined || guest.traps.last !== undefined ? trap : `panicked: ${guest.panic}`;
}
