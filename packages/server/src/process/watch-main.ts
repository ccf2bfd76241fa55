/**
 * The watching thread of a host process that is busy (`host-watch.ts`). It looks every few milliseconds:
 *
 * - It tells the front, over a pipe of its own, which message has been running for a while. When the process then
 *   dies, by a full heap for one, the front knows what not to run again.
 * - It interrupts a turn that has had its time: see `interrupt-watchdog.ts`. V8 looks for interrupts in loops and calls of
 *   JavaScript and WebAssembly, and not inside its own functions: a turn that goes on in one of those ends with the
 *   process.
 * - It ends the process when the front is gone, and when the process takes more memory than it may: what a module
 *   allocates outside the JavaScript heap has no other bound.
 */
import { writeSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { sectionMsMax } from "@lightcone/base";
import { runInterruptible } from "@lightcone/base/node";
import type { EndReason } from "@lightcone/database/front";
import { ActivityReader, noteDescriptor } from "./activity.ts";
import { TurnWatch } from "./interrupt-watchdog.ts";

/** The interval of looks. A message is noted after one to two of them. */
const lookIntervalMs = 25;
/** The time in which an interrupt has to end a turn. */
const interruptMsMax = 1000;
/** The interval of looks while nothing runs. */
const restMs = 1000;

/** What the main thread hands over. */
export interface WatchData {
  readonly activity: SharedArrayBuffer;
  readonly turns: SharedArrayBuffer;
  readonly memoryBytesMax: number;
}

const { activity, turns, memoryBytesMax }: WatchData = workerData;
const reader = new ActivityReader(activity);
const turnWatch = new TurnWatch(turns);
const front = process.ppid;
const never = new Int32Array(new SharedArrayBuffer(4));
let wasIdle = false;

/** Looks until a turn is to be interrupted. */
function watch(): void {
  for (;;) {
    const leftMs = turnWatch.look(performance.now());
    if (leftMs === 0) return;
    // One more look after the last turn, to note that its message has ended.
    if (leftMs === Infinity && wasIdle) turnWatch.rest(restMs);
    else Atomics.wait(never, 0, 0, Math.min(leftMs, lookIntervalMs));
    wasIdle = leftMs === Infinity;
    look();
  }
}

function look(): void {
  // A call that does not end keeps the main thread from seeing that its front is gone; the next front waits
  // for this process to let go of the files.
  if (process.ppid !== front) process.kill(process.pid, "SIGKILL");
  const note = reader.look();
  if (note !== undefined) tell(note);
  if (process.memoryUsage.rss() > memoryBytesMax) end("memory");
}

/** Waits until the turn may be ended. A section that lasts too long ends with the process. */
function leaveSections(): void {
  const untilMs = performance.now() + sectionMsMax;
  let lookMs = 0;
  do {
    Atomics.wait(never, 0, 0, 1);
    const nowMs = performance.now();
    if (nowMs > untilMs) end("time");
    if (nowMs - lookMs < lookIntervalMs) continue;
    lookMs = nowMs;
    look();
  } while (!turnWatch.mayEnd);
}

/** Waits for the end of the interrupted turn; ends the process if the interrupt does not reach it. */
function settle(): void {
  const untilMs = performance.now() + interruptMsMax;
  while (!turnWatch.settle(lookIntervalMs)) {
    look();
    if (performance.now() > untilMs) end("time");
  }
}

/** Ends the process, after a note of what ran and why it is ended. */
function end(reason: EndReason): void {
  tell(reader.last(reason));
  process.kill(process.pid, "SIGKILL");
}

function tell(note: Uint8Array): void {
  try {
    writeSync(noteDescriptor, note);
  } catch {
    // The front is gone; the next look ends the process.
  }
}

parentPort?.postMessage("watching");
for (;;) {
  // A signal from elsewhere that finds no turn running ends this script, and nothing else.
  if (!runInterruptible(watch, { breakOnSigint: true })) continue;
  leaveSections();
  // Out of the script the signal has one script to end: the turn's.
  process.kill(process.pid, "SIGINT");
  settle();
}
