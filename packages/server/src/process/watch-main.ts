/**
 * The watching thread of a host process: tells the front, over a pipe of its own, which message has been running
 * for a while. When the process then dies, by a full heap for one, the front knows what not to run again.
 * It ends the process when the front is gone.
 */
import { writeSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { ActivityReader } from "./activity.ts";

/** A message is told of after one to two of these. */
const lookIntervalMs = 25;
const noteDescriptor = 4;

const reader = new ActivityReader(workerData);
const front = process.ppid;
const timer = setInterval(() => {
  // A call that does not end keeps the main thread from seeing that its front is gone; the next front waits
  // for this process to let go of the files.
  if (process.ppid !== front) process.kill(process.pid, "SIGKILL");
  const note = reader.look();
  if (note === undefined) return;
  try {
    writeSync(noteDescriptor, note);
  } catch {
    // The front is gone, and this process about to be.
    clearInterval(timer);
  }
}, lookIntervalMs);
parentPort?.postMessage("watching");
