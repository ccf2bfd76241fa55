/** The server's log as this program writes it: JSON lines, or on a terminal lines for people. */
import { makeServerLog, type LogLevel, type ServerLog } from "@lightcone/server";
import { styleText } from "node:util";
import { visible } from "../terminal.ts";

export function openServerLog(level: LogLevel): ServerLog {
  if (process.stderr.isTTY !== true) return makeServerLog(level);
  return makeServerLog(level, { write: (line) => void process.stderr.write(`${forPeople(line)}\n`) });
}

const colours: Readonly<Record<string, Style>> = {
  error: "red",
  warn: "yellow",
  info: "green",
};

type Style = Parameters<typeof styleText>[0];

/** A line as people read it. Nothing in it steers the terminal but the colour of its level. */
export function forPeople(
  line: string,
  paint: (style: Style, text: string) => string = (style, text) => styleText(style, text, { stream: process.stderr }),
): string {
  const { level, time, msg, err, ...fields }: Record<string, unknown> = JSON.parse(line);
  const word = String(level);
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const reason = typeof err === "object" && err !== null && "message" in err ? `: ${String(err.message)}` : "";
  const said = visible([`${String(msg)}${reason}`, ...shown].join(" "));
  return `${String(time).slice(11, 19)} ${paint(colours[word] ?? "dim", word.toUpperCase().padStart(5))} ${said}`;
}
