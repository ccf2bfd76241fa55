/** A query whose rows a client wants once. */
import { isLightconeError } from "@lightcone/base";
import { compileSubscription, type SelectPlan } from "@lightcone/sql";
import type { DatabaseContext } from "../core/context.ts";
import type { Caller } from "../link/link.ts";
import type { Piece } from "../link/piece.ts";
import type { FirstRows, QueryRows } from "./first-rows.ts";
import type { ClientRequest } from "./wire.ts";

/** How a version answers one. */
export interface OneOffAnswer {
  readonly rows: (rows: QueryRows) => readonly Piece[];
  readonly error: (text: string) => Piece;
}

export function answerOneOff(
  context: DatabaseContext,
  firstRows: FirstRows,
  caller: Caller,
  request: ClientRequest,
  query: string,
  answer: OneOffAnswer,
): void {
  let plans: readonly SelectPlan[];
  try {
    plans = compileSubscription(query, context.access.catalog(caller, false)).slice(0, 1);
    const failed = context.views.compute(plans, caller);
    if (failed !== undefined) throw failed;
  } catch (error) {
    if (!isLightconeError(error)) throw error;
    request.send(answer.error(error.told));
    return;
  }
  firstRows.answer(request, plans, {
    encode: ([rows]) => (rows === undefined ? [] : answer.rows(rows)),
    fail: answer.error,
  });
}
