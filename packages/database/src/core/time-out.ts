/** The line in the module's log, and the error, of a call that was ended since it took too long. */
import { LightconeError } from "@lightcone/base";
import { LogLevel } from "@lightcone/host";
import type { DatabaseContext } from "./context.ts";
import { functionTitle } from "./function-title.ts";

/**
 * Notes in the module's log that the running call took too long.
 *
 * @param otherwise what it was, where no function of the module ran
 * @param isStopping whether it was ended sooner, since the database stops
 * @returns the same for whoever asked for it
 */
export function noteTimeOut(
  context: DatabaseContext,
  otherwise = "the query",
  isStopping = false,
): LightconeError<"ReducerTimedOut"> {
  const { running, log, limits, module } = context;
  context.running = undefined;
  const error = new LightconeError("ReducerTimedOut", {
    what: running === undefined ? otherwise : functionTitle(running.functionKind, running.functionName),
    timeoutMs: limits.reducerTimeoutMs,
    isStopping,
  });
  const message = `${error.message}. ${error.hint}`;
  if (running === undefined) log.note(LogLevel.error, message);
  else {
    const { functionKind, functionName } = running;
    log.writeEnd({ level: LogLevel.error, message, ...module?.placeOf(functionKind, functionName) }, functionName);
  }
  return error;
}

/** The innermost place of the author's that a panic's text names; of a library's, where it names no other. */
export function placeIn(message: string): { readonly file: string; readonly line: number } | undefined {
  const places = message.matchAll(/\n {4}at (?:.*\()?([^\s()]+):(\d+):\d+\)?(?=\n|$)/g);
  const all = Array.from(places, ([, file = "", line]) => ({ file, line: Number(line) }));
  return all.find(({ file }) => !/^lightcone\/|(?:^|\/)node_modules\//.test(file)) ?? all[0];
}
