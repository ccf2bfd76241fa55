/** A line of a module's log, as text: `<ts> <LEVEL>: <function> <file>:<line>: <message>`. */
import { formatTimestamp } from "@lightcone/sats";
import { paint, visible } from "../terminal.ts";

export interface LogRecord {
  readonly level?: string;
  readonly ts?: number;
  readonly filename?: string;
  readonly line_number?: number;
  readonly function?: string;
  readonly message?: string;
  /** Why the log of whoever follows ends with this line. */
  readonly end?: string;
  readonly trace?: readonly { readonly module_name?: string; readonly func_name?: string }[];
}

/** Levels by rising weight. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "panic"] as const;
export type LogLevelName = (typeof logLevels)[number];

/** What the server writes in place of a name for its own lines. */
const own = "__spacetimedb__";
const colours: Readonly<Record<string, Parameters<typeof paint>[0]>> = {
  panic: "red",
  error: "red",
  warn: "yellow",
  info: "blue",
  debug: "dim",
  trace: "dim",
};

export function levelOf(record: LogRecord): number {
  return logLevels.findIndex((level) => level === record.level?.toLowerCase());
}

export function logText(record: LogRecord): string {
  const level = record.level ?? "";
  const colour = colours[level.toLowerCase()];
  const word = level.toUpperCase().padStart(5);
  const ts = record.ts === undefined ? "" : `${paint("dim", formatTimestamp(BigInt(record.ts), "Z"))} `;
  const place = [record.function, filePart(record)].filter((part) => part !== undefined && part !== own).join(" ");
  const message = visible(record.message ?? "");
  const frames = (record.trace ?? []).map(
    (frame) => `\n    in ${visible(frame.module_name ?? "?")} :: ${visible(frame.func_name ?? "?")}`,
  );
  return `${ts}${colour === undefined ? word : paint(colour, word)}: ${place === "" ? "" : `${visible(place)}: `}${message}${frames.join("")}`;
}

function filePart({ filename, line_number: line }: LogRecord): string | undefined {
  if (filename === undefined || filename === own) return undefined;
  return line === undefined ? filename : `${filename}:${line}`;
}
