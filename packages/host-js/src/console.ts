/** The module's `console`: lines of the database's log, with the file and line that wrote them. */
import { modulePromises } from "@lightcone/base/node";
import { LogLevel, type HostPort } from "@lightcone/host";
import { lineText } from "./console-text.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Stacks } from "./stack-trace.ts";

const { error, warn, info, debug, trace } = LogLevel;
const levels = { error, warn, info, log: info, table: info, debug, trace } as const;
const silent = `
  dir dirxml group groupCollapsed groupEnd count countReset clear timeStamp profile profileEnd
`
  .trim()
  .split(/\s+/);
const messageLengthMax = 64 * 1024;
const timersMax = 1000;

const source = `
  const console = {};
  for (const [name, level] of Object.entries(levels)) console[name] = (...values) => write(level, values);
  for (const name of silent) console[name] = () => {};
  console.assert = (fact, ...values) => { if (!fact) write(0, ["Assertion failed", ...values]); };
  console.time = (label = "default") => time(String(label));
  console.timeEnd = (label = "default") => timeEnd(String(label), true, []);
  console.timeLog = (label = "default", ...values) => timeEnd(String(label), false, values);
  return console;
`;

export function makeConsole(sandbox: Sandbox, port: HostPort, stacks: Stacks): object {
  const timers = new Map<string, number>();
  const write = (level: LogLevel, values: readonly unknown[]): void => {
    const at = stacks.innermost(new Error().stack ?? "");
    const message = stacks.mapped(lineText(values).slice(0, messageLengthMax));
    modulePromises.outside(() => port.log({ level, message, file: at?.file, line: at?.line }));
  };
  const time = (label: string): void => {
    if (timers.size < timersMax) timers.set(label, port.nowMicros());
  };
  const timeEnd = (label: string, ends: boolean, values: readonly unknown[]): void => {
    const began = timers.get(label);
    if (began === undefined) return write(warn, [`no timer is called ${label}`]);
    if (ends) timers.delete(label);
    return write(info, [`${label}: ${(port.nowMicros() - began) / 1000} ms`, ...values]);
  };
  const names = ["levels", "silent", "write", "time", "timeEnd"];
  return sandbox.harden(sandbox.compile(names, source, "console")(levels, silent, write, time, timeEnd) as object);
}
