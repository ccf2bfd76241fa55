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
    // A call is a turn: it runs for its argument's milliseconds, and may run for as many as its name says.
    database.request = async (request) => {
      if (request.kind !== "call") throw new Error("only calls");
      const from = performance.now();
      const end = from + Number(request.args);
      const isWhole = watchdog.run(() => {
        while (performance.now() < end);
      }, Number(request.functionName));
      const body = JSON.stringify({ isWhole, ranMs: performance.now() - from, sliceMs: watchdog.sliceMs });
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
