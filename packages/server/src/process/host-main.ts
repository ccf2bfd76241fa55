/**
 * The database host process: `node host-main.ts FACTORY MEMORY_BYTES_MAX kept|watched MARK`, started by `spawn-host.ts`
 * alone. It loads and warms up everything before it is told what to open.
 *
 * Signals are the front's business: it stops its hosts in order. The process is in a group of its own, so that none
 * come from a terminal, and SIGINT is what ends a turn that takes too long. A listener for SIGINT would get in the way
 * of that.
 */
import { Socket } from "node:net";
import { isProxy } from "node:util/types";
import { AssertionError } from "@lightcone/base";
import type { Resume } from "@lightcone/database/front";
import { setEngineFlags } from "./engine-flags.ts";
import { HostWatch } from "./host-watch.ts";
import type { Watch } from "./watch.ts";
import { HostDriver } from "./host-driver.ts";
import type { OpenedDatabase } from "./host-driver.ts";
import type { HostRecord } from "./open-host-process.ts";

const pipeDescriptor = 3;
/** How long a host that could not load waits for `open`, which may be on its way. */
const askedWithinMs = 100;

process.on("SIGTERM", () => undefined);
// A rejected promise of a module fails its call. Any other is no reason to end the process and disconnect its clients.
// The reason is not inspected: it may be an object of a module, and run its code.
process.on("unhandledRejection", (reason) => {
  if (hasPrototype(reason, AssertionError.prototype)) throw reason;
  process.stderr.write("a promise of a database's process was rejected, and nobody waited for it\n");
});

function hasPrototype(value: unknown, prototype: object): value is object {
  return typeof value === "object" && value !== null && !isProxy(value) && Object.getPrototypeOf(value) === prototype;
}

/** What the factory's module exports. */
interface Factory {
  readonly openHostDatabase: (record: HostRecord, resume: Resume, watch: Watch) => Promise<OpenedDatabase>;
  /** Makes ready what every database needs. */
  readonly prepareHost?: () => Promise<void>;
}

setEngineFlags();
const [, , factoryUrl = "", memoryBytesMax = "Infinity", keeping] = process.argv;
const watch = new HostWatch(Number(memoryBytesMax));
// Without a keeper the watching thread has to end this process with its front.
if (keeping === "watched") watch.start();

const factory = import(factoryUrl).then(async (loaded: Factory) => {
  await loaded.prepareHost?.();
  return loaded;
});
let isAsked = false;
const driver = new HostDriver(new Socket({ fd: pipeDescriptor, readable: true, writable: true }), {
  openDatabase: async (text, resume) => {
    isAsked = true;
    const { openHostDatabase } = await factory;
    // The front wrote it, so its shape is known.
    const record: HostRecord = JSON.parse(text);
    return openHostDatabase(record, resume, {
      activity: watch,
      watchdog: watch,
      tellOperator: (level, message) => driver.tellOperator(level, message),
    });
  },
  // Without a front there is nothing to finish: all that was acknowledged is durable.
  ended: () => process.exit(0),
});
factory.then(
  () => driver.warm(),
  // If the factory does not load, `open` fails with the reason; a spare that cannot load ends.
  () => setTimeout(() => isAsked || process.exit(1), askedWithinMs),
);
