/**
 * The database host process: `node host-main.ts FACTORY MEMORY_BYTES_MAX`, started by `open-host-process.ts` alone.
 *
 * Signals that a terminal sends to the whole group are the front's business: it stops its hosts in order.
 */
import { once } from "node:events";
import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import type { Resume } from "@lightcone/database/front";
import { Activity } from "./activity.ts";
import { HostDriver } from "./host-driver.ts";
import type { OpenedDatabase } from "./host-driver.ts";
import type { HostRecord } from "./open-host-process.ts";

const pipeDescriptor = 3;

process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);

/** The factory's module, as it must be. */
interface Factory {
  readonly openHostDatabase: (
    record: HostRecord,
    resume: Resume | undefined,
    activity: Activity,
  ) => Promise<OpenedDatabase>;
}

const activity = new Activity();
const watcher = new Worker(new URL("./watch-main.ts", import.meta.url), {
  workerData: { activity: activity.buffer, memoryBytesMax: Number(process.argv[3] ?? Infinity) },
  resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
});
watcher.unref();
const watching = once(watcher, "message");

const factory = process.argv[2] ?? "";
new HostDriver(new Socket({ fd: pipeDescriptor, readable: true, writable: true }), {
  openDatabase: async (text, resume) => {
    // The front wrote both: the record, and the address of a module that exports this function.
    const record: HostRecord = JSON.parse(text);
    const { openHostDatabase }: Factory = await import(factory);
    await watching;
    return openHostDatabase(record, resume, activity);
  },
  // Without a front there is nothing to finish for: whatever was acknowledged is durable.
  ended: () => process.exit(0),
});
