/**
 * `replay`: runs one call of a database's log again, in this process, where a debugger may look on. With the server stopped; it works
 * on a copy, and changes nothing.
 */
import { open, url } from "node:inspector";
import { titleOf } from "@lightcone/database";
import { CliFailure } from "../failure.ts";
import { print } from "../terminal.ts";
import { failIfOther, leftOut, otherKinds, pastTheEnd, readOffset, rerunCopy } from "./rerun.ts";

export interface ReplayFlags {
  readonly to?: string | undefined;
  readonly dataDir?: string | undefined;
  /** Where to listen for a debugger, or true for the usual place. */
  readonly inspectBrk?: string | true | undefined;
}

export async function replay(database: string, flags: ReplayFlags, dataDefault: string): Promise<void> {
  const to = readOffset("--to", flags.to, "the offset of the call to run again");
  if (to === undefined)
    throw new CliFailure("--to says which call is run again, by its offset", {
      hint: "`lightcone rerun --list` shows the calls with their offsets, and runs all of them.",
      exitCode: 2,
    });
  const isDebugged = flags.inspectBrk !== undefined;
  if (isDebugged) openDebugger(flags.inspectBrk);
  let title = "";
  const report = await rerunCopy(database, flags.dataDir ?? dataDefault, {
    from: to,
    to,
    before: (call) => {
      title = titleOf(call);
      if (isDebugged) stopHere();
    },
  });
  if (report.lastOffset < to) throw pastTheEnd(report, to);
  const [kind] = otherKinds.filter((each) => report.others[each] > 0);
  if (kind !== undefined)
    throw new CliFailure(`the record at offset ${to} cannot be run again: it is one ${leftOut[kind]}`, {
      hint: "`lightcone rerun --list` shows the calls with their offsets.",
    });
  if (report.tokenCount > 0)
    throw new CliFailure(
      `${title}, offset ${to}, asked for its caller's token, which the log does not keep: its rows say nothing`,
    );
  failIfOther(report);
  print(`${title}, offset ${to}, was run again, and changed the same rows, to the byte.`);
}

/** Listens for a debugger, and waits until one is there. */
function openDebugger(where: string | true | undefined): void {
  // Modules come with their source maps, by which a debugger shows their own files.
  process.env["LIGHTCONE_INSPECT"] = "1";
  const [, host = "127.0.0.1", port = "9229"] = /^(?:(.*):)?(\d+)$/.exec(where === true ? "9229" : (where ?? "")) ?? [];
  if (url() === undefined) open(Number(port), host, true);
}

/** The call runs next: step out of here and into it, or set break points in the module's files and go on. */
function stopHere(): void {
  // oxlint-disable-next-line no-debugger -- what the command is for
  debugger;
}
