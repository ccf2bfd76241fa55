/** The host functions that log and time. docs/wire/module-abi.md. */
import { Errno, LogLevel } from "@lightcone/host";
import type { HostFunctionName } from "./abi.ts";
import { durationText, quoted } from "./debug-text.ts";
import type { Guest } from "./guest.ts";
import { guestFrames } from "./guest-frames.ts";

/** Console timers that an instance may have running. */
export const consoleTimersMax = 65_536;
/** Bytes of one text of a log line; what is longer is cut. */
export const logTextBytesMax = 1024 * 1024;

const levels: ReadonlyMap<number, LogLevel> = new Map(Object.values(LogLevel).map((level) => [level, level]));
const noLine = -1;

export function consoleFunctions(guest: Guest) {
  const { port, memory, traps } = guest;
  const timers = new Map<number, { readonly name: string; readonly startMicros: number }>();
  let timerTop = 0;

  /** A text that may be left out (a null pointer). */
  function optional(at: number, length: number): string | undefined {
    return at === 0 ? undefined : memory.text(at, Math.min(length, logTextBytesMax));
  }

  return {
    /** Never traps: a line whose pointers are wrong is dropped. */
    console_log(
      level: number,
      targetAt: number,
      targetLength: number,
      fileAt: number,
      fileLength: number,
      line: number,
      messageAt: number,
      messageLength: number,
    ): void {
      memory.sync();
      if (!memory.has(messageAt >>> 0, messageLength >>> 0)) return;
      if (targetAt !== 0 && !memory.has(targetAt >>> 0, targetLength >>> 0)) return;
      if (fileAt !== 0 && !memory.has(fileAt >>> 0, fileLength >>> 0)) return;
      const message = memory.text(messageAt >>> 0, Math.min(messageLength >>> 0, logTextBytesMax));
      const file = optional(fileAt >>> 0, fileLength >>> 0);
      const known = levels.get(level) ?? LogLevel.debug;
      const panicked = known === LogLevel.panic;
      if (panicked) guest.panic = file === undefined ? message : `${message} (${file}:${line})`;
      port.log({
        level: known,
        message,
        target: optional(targetAt >>> 0, targetLength >>> 0),
        file,
        line: line === noLine ? undefined : line >>> 0,
        trace: panicked ? guestFrames() : undefined,
      });
    },

    console_timer_start(nameAt: number, nameLength: number): number {
      memory.sync();
      const name = memory.text(nameAt >>> 0, nameLength >>> 0);
      if (timers.size === consoleTimersMax) traps.throw(`more than ${consoleTimersMax} console timers run`);
      // Ids are given again only when none runs; a guest sees no other difference.
      timerTop = timers.size === 0 ? 1 : timerTop + 1;
      timers.set(timerTop, { name, startMicros: port.nowMicros() });
      return timerTop;
    },

    console_timer_end(id: number): number {
      const timer = timers.get(id >>> 0);
      if (timer === undefined) return Errno.noSuchConsoleTimer;
      timers.delete(id >>> 0);
      port.log({
        level: LogLevel.info,
        message: `Timing span ${quoted(timer.name)}: ${durationText(port.nowMicros() - timer.startMicros)}`,
      });
      return 0;
    },
  } satisfies Partial<Record<HostFunctionName, unknown>>;
}
