/** The server's own log: one JSON object a line, by level. Never a token, a payload or a query string. */
import { pino } from "pino";
import type { DestinationStream } from "pino";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** What the server needs of a log; `pino` fits. */
export interface ServerLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A log that writes to `destination`, or to the standard error stream. */
export function makeServerLog(level: LogLevel, destination?: DestinationStream): ServerLog {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Nothing here logs these on purpose; a field added in haste is blanked all the same.
      redact: ["token", "authorization", "payload", "claims", "*.token", "*.authorization", "*.payload", "*.claims"],
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
