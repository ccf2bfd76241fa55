/** Runs the procedures that clients call, in every version of the wire. */
import type { AlgebraicType } from "@lightcone/sats";
import { callProcedure } from "../calls/procedure-call.ts";
import type { DatabaseContext } from "../core/context.ts";
import type { Caller } from "../link/link.ts";
import type { Piece } from "../link/piece.ts";
import type { ClientRequest } from "./wire.ts";

/** What of a client's message says which procedure is called. */
interface Asked {
  readonly procedure: string;
  readonly args: Uint8Array;
  /** The arguments where they came as JSON. */
  readonly argsText?: string | undefined;
}

/** How a version words the end of a procedure. */
interface Answers {
  returned(value: Uint8Array, type: AlgebraicType, timestampMicros: number, durationMicros: number): Piece;
  failed(text: string, timestampMicros: number, durationMicros: number): Piece;
}

/** Runs a procedure and answers when it has ended, which may be later. */
export function answerProcedure(
  context: DatabaseContext,
  caller: Caller,
  request: ClientRequest,
  { procedure: name, args, argsText }: Asked,
  answers: Answers,
): void {
  const asked = { caller, number: request.number, name, args, argsText, waits: () => request.waits() };
  callProcedure(context, asked, (result) => {
    if (result.kind === "returned") {
      const { value, procedure, timestampMicros } = result;
      request.send(answers.returned(value, procedure.returns, timestampMicros, context.time.durationMicros()));
      return;
    }
    const micros = result.code === "NoSuchProcedure" ? 0 : context.time.durationMicros();
    request.send(answers.failed(result.message, result.timestampMicros, micros));
  });
}
