/** What a database asks of a module, whichever way it runs. */
import type { ModuleHistory } from "@lightcone/schema";
import type { HostPort } from "./host-port.ts";
import type { ProcedureOutcome } from "./procedure-port.ts";

/** One call of a reducer. */
export interface ReducerCall {
  /** The reducer's position in the description. */
  readonly reducerId: number;
  /** Who calls: 32 bytes, little-endian. Never changed in place: a host may know a caller by the array. */
  readonly sender: Uint8Array;
  /** Over which connection: 16 bytes, little-endian, all zero for none. Never changed in place either. */
  readonly connection: Uint8Array;
  /** What the reducer sees as now, microseconds since the Unix epoch. A safe integer. */
  readonly timestampMicros: number;
  /** BSATN of the parameters, already checked against their types. */
  readonly args: Uint8Array;
}

export type CallOutcome =
  /** With the value that the reducer gives, if it gives any: BSATN, not checked yet. */
  | { readonly kind: "ok"; readonly value?: Uint8Array }
  /** The module refused the call; the text is for the caller. */
  | { readonly kind: "error"; readonly message: string }
  /** The module broke. The text is for the log alone; the instance must be discarded if `fatal`. */
  | { readonly kind: "panic"; readonly message: string; readonly fatal: boolean };

export type FunctionKind = "reducer" | "procedure" | "view" | "handler";

/** One call of a procedure: as of a reducer, but by its position among the procedures. */
export interface ProcedureCall extends Omit<ReducerCall, "reducerId"> {
  readonly procedureId: number;
}

/** One call of a view. */
export interface ViewCall {
  /** The view's own `index`: views of a caller and anonymous ones are numbered apart. */
  readonly viewIndex: number;
  readonly isAnonymous: boolean;
  /** For whom: 32 bytes, little-endian. An anonymous view does not see it. */
  readonly sender: Uint8Array;
  /** BSATN of the parameters: none has any yet. */
  readonly args: Uint8Array;
}

export type ViewOutcome =
  /** BSATN of a list of rows, not checked yet. */
  | { readonly kind: "rows"; readonly bytes: Uint8Array }
  /** The view's rows are those that this query finds; an empty text finds none. */
  | { readonly kind: "query"; readonly sql: string }
  | Exclude<CallOutcome, { readonly kind: "ok" }>;

/** One call of an HTTP handler. Nobody calls it: it has no sender and no connection. */
export interface HandlerCall {
  /** The handler's position among the handlers. */
  readonly handlerId: number;
  readonly timestampMicros: number;
  /** The record of the request (`writeHttpRequest`). */
  readonly request: Uint8Array;
  readonly body: Uint8Array;
}

/**
 * A running copy of a module. Calls run one at a time, to their end, in the caller's thread.
 *
 * A time-out of the job loop passes through `callReducer` as an exception; so does a limit that is met.
 * After any exception out of it the instance must be discarded.
 */
export interface ModuleInstance {
  /** What the module says it is: BSATN of the tagged description (V9 or V10). */
  readonly description: Uint8Array;
  /** What the module says of versions before it. */
  readonly history?: ModuleHistory | undefined;
  callReducer(call: ReducerCall): CallOutcome;
  /**
   * Runs a procedure, with no transaction but those it begins through the port. Undefined when it waits for what it has
   * asked of the port: whichever `GoOn` ends it gives its outcome. No other call of the same instance begins before.
   */
  callProcedure?(call: ProcedureCall): ProcedureOutcome | undefined;
  /** Runs a view. The instance's port must refuse writes. */
  callView?(call: ViewCall): ViewOutcome;
  /** Runs an HTTP handler, which is as a procedure in all else. */
  callHandler?(call: HandlerCall): ProcedureOutcome | undefined;
  /** Whether something of a call is left in it that another call must not meet: it is not used again. */
  readonly isSpent?: boolean;
  /** Lets go of what it holds beside its memory: called when it is not used again. */
  close?(): void;
  /** Where a function stands in the author's files, if that can be told. */
  placeOf?(kind: FunctionKind, id: number): { readonly file: string; readonly line: number } | undefined;
  /** Called once after the schema's tables exist and again after they change: look ids up now. */
  bind?(): void;
}

export interface ModuleLimits {
  /** Pages of 64 KiB that a WebAssembly module's memory may have, and a thread of a procedure. */
  readonly memoryPagesMax: number;
  /** Threads that procedures may run in, where they need some. */
  readonly procedureThreadsMax?: number;
  /** How long module code may run without waiting, where the host counts that itself. */
  readonly callMsMax?: number;
}

/** A checked program, from which instances are made. Making one costs little. */
export interface ModuleProgram {
  /** @throws {LightconeError} `ModuleInvalid` when the module fails to start or to describe itself */
  open(port: HostPort): ModuleInstance;
  /** Lets go of what it keeps for instances to come, until one is called again. */
  rest?(): void;
}
