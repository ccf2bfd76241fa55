/** The fake database as a factory for host processes. `settings` names how it misbehaves. */
import { workIdBytes, WorkKind, type Resume } from "@lightcone/database/front";
import type { OpenedDatabase } from "../process/host-driver.ts";
import type { HostRecord } from "../process/open-host-process.ts";
import type { Watch } from "../process/watch.ts";
import { FakeDatabase } from "./fake-database.ts";

export async function openHostDatabase(
  record: HostRecord,
  resume: Resume,
  { activity, watchdog }: Watch,
): Promise<OpenedDatabase> {
  if (record.settings === "refuse") throw new Error("cannot open", { cause: new Error("disk on fire") });
  if (record.settings === "exit") process.exit(3);
  const database = new FakeDatabase();
  if (record.settings === "spin") {
    // Every request runs as message 9 of a connection: for a second, then for ever.
    database.request = async (request) => {
      const endMs = request.kind === "snapshot" ? performance.now() + 1000 : Infinity;
      watchdog.run(() => {
        activity.begin(WorkKind.message, new Uint8Array(workIdBytes).fill(0xab), 9);
        while (performance.now() < endMs);
        activity.end();
      }, 3_600_000);
      return { status: 200, headers: {}, body: new Uint8Array(0) };
    };
  }
  if (record.settings === "watchdog") {
    // A call is a turn: it runs for its argument's milliseconds, and may run for as many as its name says. Before that it runs
    // another piece of work within a critical section, if there are two more arguments: for how long, and how long it may.
    database.request = async (request) => {
      if (request.kind !== "call") throw new Error("only calls");
      const [runMs, withinMs, withinBudgetMs] = request.args.split(",").map(Number);
      const spin = (ms = 0): void => {
        for (const until = performance.now() + ms; performance.now() < until;);
      };
      const from = performance.now();
      let isWithinWhole: boolean | undefined;
      const isWhole = watchdog.run(() => {
        if (withinBudgetMs !== undefined)
          watchdog.critical.run(() => {
            isWithinWhole = watchdog.runWithin(() => spin(withinMs), withinBudgetMs);
          });
        spin(runMs);
      }, Number(request.functionName));
      const ranMs = performance.now() - from;
      const isOpen = watchdog.critical.isOpen;
      const body = JSON.stringify({ isWhole, isWithinWhole, isOpen, ranMs, sliceMs: watchdog.sliceMs });
      return { status: 200, headers: {}, body: new TextEncoder().encode(body) };
    };
  }
  if (record.settings === "exit at work") {
    database.request = async () => {
      watchdog.run(() => {
        activity.begin(WorkKind.message, new Uint8Array(workIdBytes).fill(0xab), 9);
        process.exit(0);
      }, 3_600_000);
      throw new Error("unreachable");
    };
  }
  if (record.settings === "abort") database.request = () => process.abort();
  if (record.settings === "stuck") {
    database.stop = () => new Promise(() => undefined);
  }
  return { link: database, handles: database.resume(resume) };
}
