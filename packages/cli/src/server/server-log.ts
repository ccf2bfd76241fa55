/** The server's log as this program writes it: JSON lines, or on a terminal lines for people. */
import { makeServerLog, type LogLevel, type ServerLog } from "@lightcone/server";
import { styleText } from "node:util";
import { visible } from "../terminal.ts";

export function openServerLog(level: LogLevel): ServerLog {
  if (process.stderr.isTTY !== true) return makeServerLog(level);
  return makeServerLog(level, { write: (line) => void process.stderr.write(`${forPeople(line)}\n`) });
}

const colours: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  error: "red",
  warn: "yellow",
  info: "green",
};

function forPeople(line: string): string {
  const { level, time, msg, err, ...fields }: Record<string, unknown> = JSON.parse(line);
  const word = String(level);
  const style = (text: string): string => styleText(colours[word] ?? "dim", text, { stream: process.stderr });
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const reason = typeof err === "object" && err !== null && "message" in err ? `: ${String(err.message)}` : "";
  const at = String(time).slice(11, 19);
  return visible([`${at} ${style(word.toUpperCase().padStart(5))} ${String(msg)}${reason}`, ...shown].join(" "));
}
