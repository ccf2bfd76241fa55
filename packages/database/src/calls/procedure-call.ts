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
import type { Room } from "../core/context.ts";
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
  room: Room,
  caller: Caller,
  number: number,
  name: string,
  args: Uint8Array,
  argsText: string | undefined,
): ProcedureResult {
  const procedure = room.module?.def.procedures.find((each) => each.name === name);
  const instance = room.module?.instance;
  if (procedure === undefined || (procedure.visibility === "private" && !caller.isOwner)) {
    return { kind: "failed", code: "NoSuchProcedure", message: "No such procedure", timestampMicros: 0 };
  }
  const forbidden =
    (caller.isOwner ? undefined : room.ends.refusal(name)) ?? whyTooLong(room, argsText?.length ?? args.length);
  if (forbidden !== undefined)
    return { kind: "failed", code: forbidden.code, message: forbidden.message, timestampMicros: 0 };
  const checked = checkArgs(procedure, args, argsText);
  if (!(checked instanceof Uint8Array))
    return { kind: "failed", code: "BadArguments", message: checked.message, timestampMicros: 0 };
  const timestampMicros = room.writer.nowMicros();
  const { meta } = room;
  meta.functionName = name;
  meta.sender = caller.identity;
  meta.connection = caller.connectionId;
  meta.requestSequence = number;
  room.running.begin("procedure", name);
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
    return refused(room, name, error, timestampMicros);
  } finally {
    room.running.end();
  }
  if (outcome === undefined)
    return crashed(room, name, "this kind of module does not run procedures yet", timestampMicros);
  if (outcome.kind === "panic") {
    if (outcome.fatal) room.module?.discard();
    return crashed(room, name, outcome.message, timestampMicros);
  }
  const { value } = outcome;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (validator(procedure.returns)(value, view, 0, value.length) !== value.length) {
    return crashed(room, name, "it returned what is not of its declared type", timestampMicros);
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

function crashed(room: Room, name: string, message: string, timestampMicros: number): ProcedureResult {
  room.log.writeEnd({ level: LogLevel.panic, message, ...placeIn(message) }, name);
  return { kind: "failed", code: "ReducerCrashed", message: fatalText, timestampMicros };
}

/** The database has refused the procedure something: its transaction is undone, and it ends there. */
function refused(room: Room, name: string, error: LightconeError, timestampMicros: number): ProcedureResult {
  room.writer.abort();
  room.module?.discard();
  const { code, message, hint, told } = error;
  room.log.writeEnd(
    { level: LogLevel.error, message: `${message}. ${hint}`, ...room.module?.placeOf("procedure", name) },
    name,
  );
  return { kind: "failed", code, message: told, timestampMicros };
}

/** The transactions that a procedure begins: each is a commit of its own, for whoever called the procedure. */
export class RoomTransactions implements ProcedureTransactions {
  readonly #room: () => Room;

  /** @param room gives the room, which does not exist yet when its port is made */
  constructor(room: () => Room) {
    this.#room = room;
  }

  begin(): number {
    const { store, writer, meta, refusal } = this.#room();
    if (store.isOpen) return -Errno.wouldBlockTransaction;
    if (refusal !== undefined) throw refusal;
    meta.kind = CommitKind.procedure;
    meta.timestampMicros = writer.nowMicros();
    meta.reducerId = 0;
    meta.args = noBytes;
    meta.requestId = 0;
    store.begin();
    return meta.timestampMicros;
  }

  commit(): number {
    const { store, writer, meta } = this.#room();
    if (!store.isOpen) return -Errno.transactionNotAnonymous;
    writer.finish(meta);
    return 0;
  }

  abort(): number {
    const { store, writer } = this.#room();
    if (!store.isOpen) return -Errno.transactionNotAnonymous;
    writer.abort();
    return 0;
  }
}
