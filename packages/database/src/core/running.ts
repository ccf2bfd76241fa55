/** Which function of the module runs now: what is ended in its middle is told of by it. */
import { LightconeError } from "@lightcone/base";
import { LogLevel } from "@lightcone/host";
import type { DatabaseContext } from "./context.ts";

export type FunctionKind = "reducer" | "procedure";

/** One object, filled in for each call: one runs at a time. */
export class Running {
  /** Undefined while no function runs, as during a query. */
  kind: FunctionKind | undefined;
  name = "";

  begin(kind: FunctionKind, name: string): void {
    this.kind = kind;
    this.name = name;
  }

  end(): void {
    this.kind = undefined;
  }
}

/**
 * Notes in the module's log that what runs has had its time.
 *
 * @param isStopping whether it was ended before it had, since it is in the way of a stop
 * @returns the same for whoever asked for it
 */
export function noteTimeOut(
  context: DatabaseContext,
  otherwise = "the query",
  isStopping = false,
): LightconeError<"ReducerTimedOut"> {
  const { kind, name } = context.running;
  context.running.end();
  const error = new LightconeError("ReducerTimedOut", {
    what: kind === undefined ? otherwise : `${kind} \`${name}\``,
    timeoutMs: context.limits.reducerTimeoutMs,
    isStopping,
  });
  const place = kind === undefined ? undefined : context.module?.placeOf(kind, name);
  const line = { level: LogLevel.error, message: `${error.message}. ${error.hint}`, ...place };
  if (kind === undefined) context.log.note(line.level, line.message);
  else context.log.writeEnd(line, name);
  return error;
}

/** The first place in the module's files that a panic's text names. */
export function placeIn(message: string): { readonly file: string; readonly line: number } | undefined {
  const [, file, line] = /\n {4}at (?:.*\()?([^\s()]+):(\d+):\d+\)?(?:\n|$)/.exec(message) ?? [];
  return file === undefined ? undefined : { file, line: Number(line) };
}
