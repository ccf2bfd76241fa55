/** How a client's message fails that has no outcome of its own: with its own kind of answer, out of its own data. */
import { noReducer, type ClientMessage } from "@lightcone/protocol";
import type { Piece } from "../message-buffer.ts";
import type { Encoder } from "../wire-format.ts";
import type { Caller } from "../../link/link.ts";
import type { DatabaseContext } from "../../core/context.ts";

/**
 * Words the failure of a message.
 *
 * @param micros how long it is said to have run
 * @returns undefined when the client asked not to hear of it
 */
export function failureOf(
  context: DatabaseContext,
  encoder: Encoder,
  caller: Caller,
  message: ClientMessage,
  text: string,
  micros: number,
): Piece | undefined {
  switch (message.kind) {
    case "CallReducer": {
      // Whoever does not want to hear of success does not hear of this either.
      if (!message.notify) return undefined;
      const { reducer: name, args, argsText, requestId } = message;
      return encoder.failure(text, {
        timestampMicros: context.pipeline.nowMicros(),
        sender: caller.identity,
        connection: caller.connectionId,
        functionName: name,
        reducerId: context.module?.reducers.find(({ def }) => def.name === name)?.def.id ?? noReducer,
        args,
        argsText,
        requestId,
        durationMicros: micros,
      });
    }
    case "CallProcedure":
      return encoder.procedureFailure(text, context.pipeline.nowMicros(), micros, message.requestId);
    case "OneOffQuery":
      return encoder.oneOffError(message.messageId, micros, text);
    case "Subscribe":
      return encoder.subscriptionError(micros, message.requestId, undefined, text);
    default:
      return encoder.subscriptionError(micros, message.requestId, message.queryId, text);
  }
}
