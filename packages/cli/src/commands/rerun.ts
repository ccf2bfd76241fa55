/**
 * `rerun`: runs the calls of a database's log again, and says which row differs first. With the server stopped; it works on a copy,
 * and changes nothing.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cutText, realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { rerunCalls, type Difference, type RerunReport } from "@lightcone/database";
import { fromHex } from "@lightcone/sats";
import { CliFailure } from "../failure.ts";
import { findDatabase, lockData } from "../server/data-directory.ts";
import { print } from "../terminal.ts";

export interface RerunFlags {
  readonly from?: string | undefined;
  readonly dataDir?: string | undefined;
}

/** A row is shown as long as this. */
const rowTextMax = 2000;

export async function rerun(database: string, flags: RerunFlags, dataDefault: string): Promise<void> {
  const from = readOffset(flags.from);
  const dataDirectory = flags.dataDir ?? dataDefault;
  if (!existsSync(dataDirectory))
    throw new CliFailure(`there is no data in ${dataDirectory}`, { hint: "Name the server's data with --data-dir." });
  const copy = mkdtempSync(join(tmpdir(), "lightcone-rerun-"));
  try {
    const lock = await lockData(dataDirectory);
    let identityHex: string;
    try {
      const { identity, directory } = await findDatabase(dataDirectory, database);
      identityHex = identity.hex;
      for (const part of ["log", "snapshots"])
        cpSync(join(dataDirectory, directory, part), join(copy, part), { recursive: true });
    } finally {
      await lock.release();
    }
    const report = await rerunCalls({
      fileSystem: realFileSystem,
      clock: realClock,
      directory: copy,
      identity: fromHex(identityHex).reverse(),
      from,
    });
    print(textOf(report));
    if (report.difference === undefined) return;
    throw new CliFailure(differenceText(report.difference), {
      hint: "What a function keeps outside of tables is lost whenever the process is replaced: keep it in a table, and take time and chance from the context.",
    });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function readOffset(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const offset = Number(text);
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw new CliFailure(`--from takes the offset of the first call to run again, not ${text}`, { exitCode: 2 });
}

function textOf({ firstOffset, lastOffset, rerunCount, otherCount, tokenCount, difference }: RerunReport): string {
  const lines = [
    `${rerunCount} calls were run again, from offset ${firstOffset} to ${lastOffset}; ${otherCount} other records were taken as they are.`,
  ];
  if (tokenCount > 0)
    lines.push(`${tokenCount} calls are left out that asked for their caller's token, which the log does not keep.`);
  if (difference === undefined) lines.push("Each changed the same rows, to the byte.");
  return lines.join("\n");
}

function differenceText({ offset, functionName, timestampMicros, what }: Difference): string {
  const call = `${functionName}, offset ${offset}, of ${new Date(timestampMicros / 1000).toISOString()}`;
  if (what.kind === "failed") return `${call}: it was recorded, and fails now: ${what.message}`;
  const did = what.kind === "recorded" ? "did when it was recorded, and does not now" : "does now, and did not then";
  return `${call}: a row of ${what.table} differs, the ${what.change} of which it ${did}: ${cutText(what.row, rowTextMax)}`;
}
