/**
 * The database host process: `node host-main.ts FACTORY MEMORY_BYTES_MAX`, started by `open-host-process.ts` alone.
 *
 * Signals are the front's business: it stops its hosts in order. The process is in a group of its own, so that none
 * come from a terminal, and SIGINT is what ends a turn that takes too long.
 */
import { once } from "node:events";
import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import type { Resume } from "@lightcone/database/front";
import { SharedActivity } from "./activity.ts";
import { setEngineFlags } from "./engine-flags.ts";
import { InterruptGuard } from "./interrupt-guard.ts";
import type { Watch } from "./watch.ts";
import type { WatchData } from "./watch-main.ts";
import { HostDriver } from "./host-driver.ts";
import type { OpenedDatabase } from "./host-driver.ts";
import type { HostRecord } from "./open-host-process.ts";

const pipeDescriptor = 3;

process.on("SIGTERM", () => undefined);

/** The factory's module, as it must be. */
interface Factory {
  readonly openHostDatabase: (record: HostRecord, resume: Resume | undefined, watch: Watch) => Promise<OpenedDatabase>;
}

setEngineFlags();
const activity = new SharedActivity();
const guard = new InterruptGuard();
const watchData: WatchData = {
  activity: activity.buffer,
  turns: guard.buffer,
  memoryBytesMax: Number(process.argv[3] ?? Infinity),
};
const watcher = new Worker(new URL("./watch-main.ts", import.meta.url), {
  workerData: watchData,
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
    return openHostDatabase(record, resume, { activity, guard });
  },
  // Without a front there is nothing to finish for: whatever was acknowledged is durable.
  ended: () => process.exit(0),
});
