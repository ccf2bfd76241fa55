/** Who is subscribed to a view that has failed is told so, and has its rows no more; and who holds a query that was given up. */
import type { Job } from "../core/job-loop.ts";
import type { Subscriptions } from "./fan-out.ts";

export function strikeOff(subscriptions: Pick<Subscriptions, "takeFailing">): Job {
  return {
    run() {
      for (const { subscription, error, hasMissed } of subscriptions.takeFailing()) {
        const { subscriber } = subscription.receiver;
        if (hasMissed) subscriber.missed(subscription, error.told);
        else subscriber.struckOff(subscription, error.told);
      }
    },
    timedOut() {
      // Each of them is told in a section of its own: whoever was not told yet keeps the rows of before.
    },
  };
}
