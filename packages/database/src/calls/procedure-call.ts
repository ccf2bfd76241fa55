/** Procedures as clients call them: who may call which, with what arguments. */
import { isLightconeError, type ErrorCode } from "@lightcone/base";
import { jsonArgsToBsatn, toHex, validator } from "@lightcone/sats";
import type { ProcedureDef } from "@lightcone/schema";
import type { DatabaseContext } from "../core/context.ts";
import type { Sender } from "../core/call.ts";
import { bytesOfClient } from "../link/client.ts";
import type { Caller } from "../link/link.ts";
import { WorkKind } from "../link/work.ts";
import { ProcedureRun, type RunResult, type RunTarget } from "./procedure-run.ts";
import { whyTooLong } from "./reducer-call.ts";

export type ProcedureResult =
  | (RunResult & { readonly kind: "returned" } & { readonly procedure: ProcedureDef })
  | (Omit<RunResult & { readonly kind: "failed" }, "code"> & { readonly code: ErrorCode | "NoSuchProcedure" });

export interface ProcedureRequest {
  readonly caller: Caller;
  /** Of the caller's message: what the procedure commits is noted with it. */
  readonly number: number;
  readonly name: string;
  readonly args: Uint8Array;
  /** The arguments as JSON, where the call came as JSON; `args` is then not looked at. */
  readonly argsText: string | undefined;
  /** Called when it comes to wait. */
  readonly waits: () => void;
}

/** Runs a procedure. @param ended takes the result: at once, or in a job of its own when the procedure waited */
export function callProcedure(
  context: DatabaseContext,
  request: ProcedureRequest,
  ended: (result: ProcedureResult) => void,
): void {
  const { caller, number, name, args, argsText } = request;
  const refuse = (code: ErrorCode | "NoSuchProcedure", message: string): void =>
    ended({ kind: "failed", code, message, timestampMicros: 0 });
  const { module } = context;
  const procedure = module?.procedure(name);
  if (module === undefined || procedure === undefined || (procedure.visibility === "private" && !caller.isOwner)) {
    refuse("NoSuchProcedure", "No such procedure");
    return;
  }
  const forbidden =
    (caller.isOwner ? undefined : context.ends.refusal(name)) ??
    whyTooLong(context, argsText?.length ?? args.length) ??
    context.procedures.refusal(toHex(caller.identity));
  if (forbidden !== undefined) {
    refuse(forbidden.code, forbidden.message);
    return;
  }
  const checked = checkArgs(procedure, args, argsText);
  if (!(checked instanceof Uint8Array)) {
    refuse("BadArguments", checked.message);
    return;
  }
  const work = { kind: WorkKind.message, id: bytesOfClient(caller), number };
  const timestampMicros = context.pipeline.nowMicros();
  new ProcedureRun(context, {
    module,
    target: procedureTarget(procedure, caller, checked),
    sender: caller,
    timestampMicros,
    work,
    isNoted: false,
    waits: request.waits,
    ended: (result) => ended(result.kind === "returned" ? { ...result, procedure } : result),
  }).start();
}

/** A procedure with its caller and arguments, to be run. */
export function procedureTarget(
  procedure: ProcedureDef,
  { identity, connectionId }: Sender,
  args: Uint8Array,
): RunTarget {
  const { id: procedureId, name, returns } = procedure;
  return {
    kind: "procedure",
    name,
    entry: (instance, timestampMicros) =>
      instance.callProcedure === undefined
        ? undefined
        : () =>
            instance.callProcedure?.({
              procedureId,
              sender: identity,
              connection: connectionId,
              timestampMicros,
              args,
            }),
    problemOf: (value) => {
      const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
      const isOfType = validator(returns)(value, view, 0, value.length) === value.length;
      return isOfType ? undefined : "it returned what is not of its declared type";
    },
  };
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
