/** Runs procedures: outside any transaction but those that they begin themselves. */
import { isLightconeError, type ErrorCode, type LightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { Errno, LogLevel, type ProcedureOutcome, type ProcedureTransactions } from "@lightcone/host";
import { jsonArgsToBsatn, validator } from "@lightcone/sats";
import type { ProcedureDef } from "@lightcone/schema";
import type { Caller } from "../link/link.ts";
import { whyTooLong } from "./reducer-call.ts";
import { fatalText } from "../link/reply.ts";
import { placeIn } from "../core/running.ts";
import type { DatabaseContext } from "../core/context.ts";
import { noBytes } from "../core/commit-pipeline.ts";

/** How a procedure ended for its caller. */
export type ProcedureResult =
  | {
      readonly kind: "returned";
      readonly value: Uint8Array;
      readonly procedure: ProcedureDef;
      readonly timestampMicros: number;
    }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode | "NoSuchProcedure";
      readonly message: string;
      readonly timestampMicros: number;
    };

/**
 * Runs a procedure to its end.
 *
 * @param number of the caller's message, which its transactions are noted with
 * @param argsText the arguments as JSON, where the call came as JSON; `args` is then not looked at
 */
export function callProcedure(
  context: DatabaseContext,
  caller: Caller,
  number: number,
  name: string,
  args: Uint8Array,
  argsText: string | undefined,
): ProcedureResult {
  const procedure = context.module?.def.procedures.find((each) => each.name === name);
  const instance = context.module?.instance;
  if (procedure === undefined || (procedure.visibility === "private" && !caller.isOwner)) {
    return { kind: "failed", code: "NoSuchProcedure", message: "No such procedure", timestampMicros: 0 };
  }
  const forbidden =
    (caller.isOwner ? undefined : context.ends.refusal(name)) ?? whyTooLong(context, argsText?.length ?? args.length);
  if (forbidden !== undefined)
    return { kind: "failed", code: forbidden.code, message: forbidden.message, timestampMicros: 0 };
  const checked = checkArgs(procedure, args, argsText);
  if (!(checked instanceof Uint8Array))
    return { kind: "failed", code: "BadArguments", message: checked.message, timestampMicros: 0 };
  const timestampMicros = context.pipeline.nowMicros();
  const { meta } = context;
  meta.functionName = name;
  meta.sender = caller.identity;
  meta.connection = caller.connectionId;
  meta.requestSequence = number;
  context.running.begin("procedure", name);
  let outcome: ProcedureOutcome | undefined;
  try {
    outcome = instance?.callProcedure?.({
      procedureId: procedure.id,
      sender: caller.identity,
      connection: caller.connectionId,
      timestampMicros,
      args: checked,
    });
  } catch (error) {
    if (!isLightconeError(error)) throw error;
    return refused(context, name, error, timestampMicros);
  } finally {
    context.running.end();
  }
  if (outcome === undefined)
    return crashed(context, name, "this kind of module does not run procedures yet", timestampMicros);
  if (outcome.kind === "panic") {
    if (outcome.fatal) context.module?.discard();
    return crashed(context, name, outcome.message, timestampMicros);
  }
  const { value } = outcome;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (validator(procedure.returns)(value, view, 0, value.length) !== value.length) {
    return crashed(context, name, "it returned what is not of its declared type", timestampMicros);
  }
  return { kind: "returned", value, procedure, timestampMicros };
}

function checkArgs(procedure: ProcedureDef, args: Uint8Array, argsText: string | undefined): Uint8Array | Error {
  const refuse = (reason: string): Error => new Error(`invalid arguments for procedure ${procedure.name}: ${reason}`);
  if (argsText === undefined) {
    const view = new DataView(args.buffer, args.byteOffset, args.byteLength);
    const end = validator(procedure.params)(args, view, 0, args.length);
    return end === args.length ? args : refuse("the bytes do not decode as the parameters");
  }
  try {
    return jsonArgsToBsatn(procedure.params, argsText, procedure.name);
  } catch (error) {
    if (!isLightconeError(error)) throw error;
    return refuse(isLightconeError(error, "Malformed") ? error.detail.reason : error.message);
  }
}

function crashed(context: DatabaseContext, name: string, message: string, timestampMicros: number): ProcedureResult {
  context.log.writeEnd({ level: LogLevel.panic, message, ...placeIn(message) }, name);
  return { kind: "failed", code: "ReducerCrashed", message: fatalText, timestampMicros };
}

/** The database has refused the procedure something: its transaction is undone, and it ends there. */
function refused(
  context: DatabaseContext,
  name: string,
  error: LightconeError,
  timestampMicros: number,
): ProcedureResult {
  context.pipeline.abort();
  context.module?.discard();
  const { code, message, hint, told } = error;
  context.log.writeEnd(
    { level: LogLevel.error, message: `${message}. ${hint}`, ...context.module?.placeOf("procedure", name) },
    name,
  );
  return { kind: "failed", code, message: told, timestampMicros };
}

/** The transactions that a procedure begins: each is a commit of its own, for whoever called the procedure. */
export class CallTransactions implements ProcedureTransactions {
  private readonly context: () => DatabaseContext;

  /** @param room gives the room, which does not exist yet when its port is made */
  constructor(context: () => DatabaseContext) {
    this.context = context;
  }

  begin(): number {
    const { store, pipeline, meta, refusal } = this.context();
    if (store.isOpen) return -Errno.wouldBlockTransaction;
    if (refusal !== undefined) throw refusal;
    meta.kind = CommitKind.procedure;
    meta.timestampMicros = pipeline.nowMicros();
    meta.reducerId = 0;
    meta.args = noBytes;
    meta.requestId = 0;
    store.begin();
    return meta.timestampMicros;
  }

  commit(): number {
    const { store, pipeline, meta } = this.context();
    if (!store.isOpen) return -Errno.transactionNotAnonymous;
    pipeline.finish(meta);
    return 0;
  }

  abort(): number {
    const { store, pipeline } = this.context();
    if (!store.isOpen) return -Errno.transactionNotAnonymous;
    pipeline.abort();
    return 0;
  }
}
