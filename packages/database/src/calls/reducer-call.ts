/** Runs reducers: who may call which, with what arguments, and what becomes of the outcome. */
import { isLightconeError, LightconeError, type ErrorCode } from "@lightcone/base";
import { LogLevel, type CallOutcome, type ReducerCall } from "@lightcone/host";
import { jsonArgsToBsatn, validator, type Validator } from "@lightcone/sats";
import type { ReducerDef } from "@lightcone/schema";
import { noBytes, type Call } from "../core/call.ts";
import { ok, type Transacted } from "../core/commit-pipeline.ts";
import { isWhole, type DatabaseContext } from "../core/context.ts";
import type { BoundReducer, Module } from "../core/module.ts";
import { noteTimeOut, placeIn } from "../core/time-out.ts";
import { fatalText } from "../link/reply.ts";
import type { WorkKind } from "../link/work.ts";
import { endedBy, interrupted } from "../recovery/resume.ts";

export type Refusal = "NoSuchReducer" | "Lifecycle" | "BadArguments" | "LimitExceeded" | "FunctionQuarantined";

/** A checked call, or why there is none. */
export type Callable =
  | { readonly kind: "callable"; readonly reducer: BoundReducer; readonly args: Uint8Array }
  | { readonly kind: "refused"; readonly code: Refusal; readonly message: string };

const lifecycleNames = { init: "Init", connect: "OnConnect", disconnect: "OnDisconnect" } as const;

/**
 * Checks a client's call before it runs.
 *
 * @param argsText the arguments as JSON, where the call came as JSON; `args` is then not looked at
 */
export function whyNotCallable(
  context: DatabaseContext,
  reducer: BoundReducer | undefined,
  isOwner: boolean,
  args: Uint8Array,
  argsText: string | undefined,
): Callable {
  if (reducer === undefined) return refused("NoSuchReducer", "no such reducer");
  const { def } = reducer;
  if (def.lifecycle !== undefined)
    return refused("Lifecycle", `can't directly call special ${lifecycleNames[def.lifecycle]} lifecycle reducer`);
  if (def.name === context.module?.def.migrate)
    return isOwner
      ? refused("Lifecycle", `reducer \`${def.name}\` carries rows over in a publish, and is called by nothing else`)
      : refused("NoSuchReducer", "no such reducer");
  if (def.visibility === "private" && !isOwner) return refused("NoSuchReducer", "no such reducer");
  const error =
    (isOwner ? undefined : context.ends.refusal(def.name)) ?? whyTooLong(context, argsText?.length ?? args.length);
  if (error !== undefined) return refused(error.code, error.message);
  const badArguments = (reason: string): Callable =>
    refused("BadArguments", new LightconeError("BadArguments", { reducer: def.name, reason }).message);
  if (argsText !== undefined) {
    try {
      return { kind: "callable", reducer, args: jsonArgsToBsatn(def.params, argsText, def.name) };
    } catch (failure) {
      if (!isLightconeError(failure)) throw failure;
      return badArguments(reasonOf(failure));
    }
  }
  const view = new DataView(args.buffer, args.byteOffset, args.byteLength);
  const end = reducer.validate(args, view, 0, args.length);
  if (end === args.length) return { kind: "callable", reducer, args };
  return badArguments(end < 0 ? badArgument(def, args, view) : `${args.length - end} bytes are left over`);
}

function refused(code: Refusal, message: string): Callable {
  return { kind: "refused", code, message };
}

/** Why arguments of so many bytes, or characters of JSON, are refused, if they are. */
export function whyTooLong({ limits }: DatabaseContext, length: number): LightconeError<"LimitExceeded"> | undefined {
  const max = limits.callArgumentsBytesMax;
  if (length <= max) return undefined;
  return new LightconeError("LimitExceeded", { limit: "callArgumentsBytesMax", value: length, max });
}

/** Names the first argument that does not decode. Only for calls that are refused: it makes validators. */
function badArgument(def: ReducerDef, args: Uint8Array, view: DataView): string {
  let at = 0;
  for (const [index, { name, type }] of def.params.elements.entries()) {
    const end = at > args.length ? -1 : validator(type)(args, view, at, args.length);
    const named = `argument ${index}${name === undefined ? "" : ` (\`${name}\`)`}`;
    if (end < 0) return `${named}: the bytes from ${at} on are no ${type.kind}`;
    at = end;
  }
  return "the bytes do not decode as the parameters";
}

export type Called =
  | { readonly kind: "committed"; readonly changed: boolean }
  | { readonly kind: "failed"; readonly message: string; readonly code: ErrorCode };

/** What runs in the transaction of a call. One object, filled in for each: one transaction runs at a time. */
class ReducerWork {
  readonly call: { -readonly [Key in keyof ReducerCall]: ReducerCall[Key] } = {
    reducerId: 0,
    sender: new Uint8Array(32),
    connection: new Uint8Array(16),
    timestampMicros: 0,
    args: new Uint8Array(0),
  };
  module: Module | undefined;
  /** Takes what the reducer gives. */
  record: Call | undefined;
  checkResult: Validator | undefined;
  before: (() => void) | undefined;
  after: (() => void) | undefined;

  readonly run = (): CallOutcome => {
    this.before?.();
    const outcome = this.module?.instance.callReducer(this.call) ?? ok;
    if (outcome.kind !== "ok") return outcome;
    if (this.checkResult !== undefined && !this.takes(this.checkResult, outcome.value ?? noBytes)) return wrongResult;
    this.after?.();
    return outcome;
  };

  private takes(check: Validator, value: Uint8Array): boolean {
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    if (check(value, view, 0, value.length) !== value.length) return false;
    if (this.record !== undefined) this.record.returned = value;
    return true;
  }
}

const work = new ReducerWork();
const wrongResult: CallOutcome = {
  kind: "panic",
  message: "it returned what is not of its declared type",
  fatal: false,
};

/**
 * Runs a reducer as `call` says, in a transaction of its own, and has the call answered.
 *
 * @param after runs in the same transaction once the reducer has succeeded
 * @param before runs in the same transaction before the reducer
 */
export function callReducer(
  context: DatabaseContext,
  call: Call,
  reducer: BoundReducer,
  after?: () => void,
  before?: () => void,
): Called {
  const called =
    context.pipeline.refusal === undefined
      ? transactReducer(context, call, reducer, after, before)
      : failed(context.pipeline.refusal.told, context.pipeline.refusal.code);
  const { responder } = call;
  if (responder === undefined) return called;
  if (called.kind === "failed")
    responder.failed(called.message, context.time.durationMicros(), called.code === "ReducerFailed");
  // With a change, the commit itself was the answer.
  else if (!called.changed) responder.unchanged();
  return called;
}

function transactReducer(
  context: DatabaseContext,
  call: Call,
  reducer: BoundReducer,
  after: (() => void) | undefined,
  before: (() => void) | undefined,
): Called {
  const asked = work.call;
  asked.reducerId = reducer.def.id;
  asked.sender = call.sender;
  asked.connection = call.connection;
  asked.timestampMicros = call.timestampMicros;
  asked.args = call.args;
  work.module = context.module;
  work.record = call;
  work.checkResult = reducer.checkResult;
  call.returned = undefined;
  // What runs before may be what makes the module the one that runs.
  work.before =
    before &&
    ((): void => {
      before();
      work.module = context.module;
    });
  work.after = after;
  context.running = call;
  const result = context.pipeline.transact(call, work.run);
  context.running = undefined;
  return settle(context, reducer.def.name, result);
}

/** Says in the module's log what went wrong, and gives the caller's part of it. */
export function settle(context: DatabaseContext, functionName: string, result: Transacted): Called {
  const { log } = context;
  const place = () => context.module?.placeOf("reducer", functionName);
  switch (result.kind) {
    case "committed":
      return result;
    case "error":
      log.writeRefusal(result.message, functionName, place);
      return failed(result.message, "ReducerFailed");
    case "refused": {
      const { message, hint, code, told } = result.error;
      log.writeEnd({ level: LogLevel.error, message: `${message}. ${hint}`, ...place() }, functionName);
      context.module?.discard();
      return failed(told, code);
    }
    case "panic":
      log.writeEnd(
        { level: LogLevel.panic, message: result.message, ...(placeIn(result.message) ?? place()) },
        functionName,
      );
      if (result.fatal) context.module?.discard();
      return failed(fatalText, "ReducerCrashed");
  }
}

function failed(message: string, code: ErrorCode): Called {
  return { kind: "failed", message, code };
}

function reasonOf(error: LightconeError): string {
  return isLightconeError(error, "Malformed") ? error.detail.reason : error.message;
}

/**
 * Undoes what was ended in its middle, since it took too long, and drops the instance that was at it.
 *
 * @param otherwise what it was, where no function of the module ran
 * @returns what became of it, for whoever asked for it
 */
export function abandonCall(context: DatabaseContext, otherwise?: string): LightconeError {
  // What is ended long before its time is in the way of a stop. (A clock that stands knows of no time.)
  const ranMs = context.time.durationMicros() / 1000;
  const { running } = context;
  const error = noteTimeOut(context, otherwise, ranMs > 0 && ranMs < context.limits.reducerTimeoutMs / 2);
  context.pipeline.abort();
  running?.abandon();
  if (running?.isInSharedInstance !== false) context.module?.discard();
  return error;
}

/**
 * The same of work that was noted under a name.
 *
 * @throws {HostEnded} when it was ended half-way in a change: the next host answers, from what is in the log
 */
export function abandonNoted(
  context: DatabaseContext,
  kind: WorkKind,
  id: Uint8Array,
  number: number,
  otherwise?: string,
): LightconeError {
  context.activity.end();
  const error = abandonCall(context, otherwise);
  if (!isWhole(context)) throw endedBy(interrupted(), kind, id, number, "interrupted");
  return error;
}
