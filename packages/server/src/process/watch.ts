/** What a host process hands to the database in it: its watching thread sees the first two. */
import type { Watchdog } from "@lightcone/base/node";
import type { Activity, TellOperator } from "@lightcone/database/front";

export interface Watch {
  readonly activity: Activity;
  readonly watchdog: Watchdog;
  readonly tellOperator: TellOperator;
}
