/** Who is subscribed to a view that has failed is told so, and has its rows no more. */
import type { Job } from "../core/job-loop.ts";
import type { Subscriptions } from "./fan-out.ts";

export function strikeOff(subscriptions: Pick<Subscriptions, "takeFailing">): Job {
  return {
    run() {
      for (const { subscription, error } of subscriptions.takeFailing())
        subscription.receiver.subscriber.struckOff(subscription, error.told);
    },
    timedOut() {
      // Each of them is told in a section of its own: whoever was not told yet keeps the rows of before.
    },
  };
}
