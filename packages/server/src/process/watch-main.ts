/**
 * The watching thread of a host process: tells the front, over a pipe of its own, which message has been running
 * for a while. When the process then dies, by a full heap for one, the front knows what not to run again.
 * It ends the process when the front is gone, and when the process takes more memory than it may: what a module
 * allocates outside the JavaScript heap has no other bound.
 */
import { writeSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { ActivityReader } from "./activity.ts";

/** A message is told of after one to two of these. */
const lookIntervalMs = 25;
const noteDescriptor = 4;

/** What the main thread hands over. */
interface WatchData {
  readonly activity: SharedArrayBuffer;
  readonly memoryBytesMax: number;
}

const { activity, memoryBytesMax }: WatchData = workerData;
const reader = new ActivityReader(activity);
const front = process.ppid;
const timer = setInterval(() => {
  // A call that does not end keeps the main thread from seeing that its front is gone; the next front waits
  // for this process to let go of the files.
  if (process.ppid !== front) process.kill(process.pid, "SIGKILL");
  const note = reader.look();
  if (note !== undefined) tell(note);
  // An abort, as for a full heap: the front counts it against the module.
  if (process.memoryUsage.rss() <= memoryBytesMax) return;
  const last = reader.now();
  if (last !== undefined) tell(last);
  process.kill(process.pid, "SIGABRT");
}, lookIntervalMs);

function tell(note: Uint8Array): void {
  try {
    writeSync(noteDescriptor, note);
  } catch {
    // The front is gone, and this process about to be.
    clearInterval(timer);
  }
}

parentPort?.postMessage("watching");
