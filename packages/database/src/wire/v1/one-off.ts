/** A query whose rows a client wants once. */
import { isLightconeError } from "@lightcone/base";
import type { OneOffQuery } from "@lightcone/protocol";
import { compileSubscription, type SelectPlan } from "@lightcone/sql";
import type { DatabaseContext } from "../../core/context.ts";
import type { Caller } from "../../link/link.ts";
import type { Piece } from "../../link/piece.ts";
import type { ClientRequest } from "../wire.ts";
import type { Encoder } from "./encoder.ts";
import type { FirstRows } from "./first-rows.ts";

export function answerOneOff(
  context: DatabaseContext,
  encoder: Encoder,
  firstRows: FirstRows,
  caller: Caller,
  request: ClientRequest,
  { messageId, query }: OneOffQuery,
): void {
  const fail = (text: string): Piece => encoder.oneOffError(messageId, context.time.durationMicros(), text);
  let plans: readonly SelectPlan[];
  try {
    plans = compileSubscription(query, context.access.catalog(caller, false)).slice(0, 1);
  } catch (error) {
    if (!isLightconeError(error)) throw error;
    request.send(fail(error.told));
    return;
  }
  const read = firstRows.read(plans);
  if (typeof read === "string") {
    request.send(fail(read));
    return;
  }
  firstRows.send(request, read, {
    encode: ([rows]) => (rows === undefined ? [] : encoder.oneOff(messageId, context.time.durationMicros(), rows)),
    fail,
  });
}
