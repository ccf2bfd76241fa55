/**
 * What queries look rows up by is made in slices before they are held, so that nobody waits for a large table to be sorted.
 *
 *   request ─▶ compiled ─▶ anything to make? ─▶ put off ─▶ slice … slice (other jobs in between) ─▶ run again: held
 *
 * What the connection is told of its other queries goes on meanwhile; what it says waits, since answers keep the order of
 * requests. Commits in between are followed by what is made already.
 */
import { isLightconeError } from "@lightcone/base";
import type { Warming } from "@lightcone/query";
import type { SelectPlan } from "@lightcone/sql";
import type { DatabaseContext } from "../core/context.ts";
import type { Job } from "../core/job-loop.ts";
import type { ClientRequest, PutOff } from "./wire.ts";
import type { Subscriptions } from "../subscriptions/fan-out.ts";

/** A slice ends when so much time has passed. */
const sliceMs = 0.5;
/** Rows between two looks at the clock. */
const rowsPerStep = 200;

type WarmContext = Pick<DatabaseContext, "clock" | "loop">;

/** Whether a request is put off, since its queries need what is not there yet: it is run again when it is. */
export function putOffUntilWarm(
  context: WarmContext,
  subscriptions: Pick<Subscriptions, "warm">,
  request: ClientRequest,
  plans: readonly SelectPlan[],
): boolean {
  // While only reading goes on nothing would come in between.
  if (context.loop.holdsWrites) return false;
  let warming: Warming | undefined;
  try {
    warming = subscriptions.warm(plans);
  } catch (error) {
    if (!isLightconeError(error, "LimitExceeded")) throw error;
    return false; // holding them is refused
  }
  if (warming === undefined) return false;
  context.loop.push(new Slice(context, warming, request.putOff()));
  return true;
}

class Slice implements Job {
  private readonly context: WarmContext;
  private readonly warming: Warming;
  private readonly request: PutOff;

  constructor(context: WarmContext, warming: Warming, request: PutOff) {
    this.context = context;
    this.warming = warming;
    this.request = request;
  }

  run(): void {
    const { warming, request } = this;
    const { clock, loop } = this.context;
    if (request.isOver) {
      warming.close();
      return;
    }
    const until = clock.steadyMs() + sliceMs;
    while (!warming.isWhole && clock.steadyMs() < until) warming.step(rowsPerStep);
    if (!warming.isWhole) {
      loop.push(this);
      return;
    }
    request.resume();
    // Behind the request, which holds what was made by then.
    loop.push({ run: () => warming.close(), timedOut: () => undefined });
  }

  timedOut(): void {
    // It ran beside something that took too long; what is made in part is as good as before.
    this.context.loop.push(this);
  }
}
